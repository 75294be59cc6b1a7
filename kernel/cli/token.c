/* token.c: see token.h. A file, because a command line and an environment can be read by others. */
#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/path.h"

static const char file_option[] = "--token-file";

static bool refuse(const char *option, const char *value, const char *why) {
    fprintf(stderr, "stdio_bus: %s %s: %s\n", option, value, why);
    return false;
}

bool sbd_token_take(const char *option, const char *value, const char *text, sbd_token *out) {
    size_t size = strcspn(text, "\r\n");
    if (size == 0)
        return refuse(option, value, "its first line is empty; expected the token");
    if (size > STDIO_BUS_ACCESS_TOKEN_MAX)
        return refuse(option, value, "its first line is longer than 1024 bytes");
    memmove(out->text, text, size);
    out->text[size] = '\0';
    return true;
}

bool sbd_token_read(const char *path, sbd_token *out) {
    FILE *file = sb_file_open(path);
    if (!file)
        return refuse(file_option, path, strerror(errno));
    size_t len = fread(out->text, 1, sizeof out->text - 1, file);
    int error = ferror(file) ? errno : 0;
    fclose(file);
    if (error)
        return refuse(file_option, path, strerror(error));
    out->text[len] = '\0';
    return sbd_token_take(file_option, path, out->text, out);
}
