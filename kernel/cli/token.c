/* token.c: see token.h. A file, because a command line and an environment can be read by others. */
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char file_option[] = "--token-file";

static bool refuse(const char *option, const char *value, const char *why) {
    fprintf(stderr, "stdio_bus: %s %s: %s\n", option, value, why);
    return false;
}

/* Up to the end or as much as a line may have; -1 with errno. */
static ssize_t read_start(int fd, char *into, size_t room) {
    size_t len = 0;
    while (len < room) {
        ssize_t n = read(fd, into + len, room - len);
        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)len;
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
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(file_option, path, strerror(errno));
    ssize_t len = read_start(fd, out->text, sizeof out->text - 1);
    int error = errno;
    close(fd);
    if (len < 0)
        return refuse(file_option, path, strerror(error));
    out->text[len] = '\0';
    return sbd_token_take(file_option, path, out->text, out);
}
