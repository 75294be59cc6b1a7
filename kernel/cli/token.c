/* token.c: see token.h. A file, because a command line and an environment can be read by others. */
#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/path.h"

static bool refuse(const char *path, const char *why) {
    fprintf(stderr, "stdio_bus: --token-file %s: %s\n", path, why);
    return false;
}

bool sbd_token_read(const char *path, sbd_token *out) {
    FILE *file = sb_file_open(path);
    if (!file)
        return refuse(path, strerror(errno));
    size_t len = fread(out->text, 1, sizeof out->text - 1, file);
    int error = ferror(file) ? errno : 0;
    fclose(file);
    if (error)
        return refuse(path, strerror(error));
    out->text[len] = '\0';
    out->text[strcspn(out->text, "\r\n")] = '\0';
    size_t size = strlen(out->text);
    if (size == 0)
        return refuse(path, "its first line is empty; expected the token");
    if (size > STDIO_BUS_ACCESS_TOKEN_MAX)
        return refuse(path, "its first line is longer than 1024 bytes");
    return true;
}
