/* posix_ping.c: see ping.h. Any answer will do: the one that refuses comes out of the same loop as
 * all others, so that it shows as well that the daemon is alive. */
#include "ping.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "json.h"

enum { PATIENCE_SEC = 3, ANSWERS = 0, DOES_NOT = 1 };

static int fail(const sbd_arguments *arguments, const char *why) {
    fprintf(stderr, "stdio_bus: --ping %s:%u: %s\n", arguments->listener.tcp_host,
            (unsigned)arguments->listener.tcp_port, why);
    return DOES_NOT;
}

/* A connected socket whose every step ends in time; -1 with errno, or with *why. */
static int connect_to(const stdio_bus_listener_t *where, const char **why) {
    char port[8];
    struct addrinfo hints, *found;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    snprintf(port, sizeof port, "%u", (unsigned)where->tcp_port);
    int code = getaddrinfo(where->tcp_host, port, &hints, &found);
    if (code != 0) {
        *why = gai_strerror(code);
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *each = found; each && fd < 0; each = each->ai_next) {
        struct timeval patience = {.tv_sec = PATIENCE_SEC};
        fd = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
        if (fd < 0)
            continue;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
            connect(fd, each->ai_addr, each->ai_addrlen) != 0) {
            int error = errno;
            close(fd);
            fd = -1;
            errno = error;
        }
    }
    freeaddrinfo(found);
    return fd;
}

static bool send_all(int fd, const char *text, size_t len) {
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool ask(int fd, const char *token) {
    static const char head[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stdio_bus/auth\",\"params\":{\"token\":";
    char text[sizeof head + 6 * STDIO_BUS_ACCESS_TOKEN_MAX + 8];
    size_t len = sizeof head - 1;
    memcpy(text, head, len);
    len += sb_json_quote(token ? token : "", token ? strlen(token) : 0, text + len);
    memcpy(text + len, "}}\n", 3);
    return send_all(fd, text, len + 3);
}

/* Whether a line comes that can be one of a daemon's. */
static bool is_answered(int fd) {
    char first;
    ssize_t n;
    while ((n = recv(fd, &first, 1, 0)) < 0 && errno == EINTR)
        ;
    if (n == 0)
        errno = ECONNRESET;
    else if (n > 0 && first != '{')
        errno = EPROTO;
    return n > 0 && first == '{';
}

int sbd_ping_run(const sbd_arguments *arguments, const char *token) {
    const char *why = NULL;
    int fd = connect_to(&arguments->listener, &why);
    if (fd < 0)
        return fail(arguments, why ? why : strerror(errno));
    bool ok = ask(fd, token) && is_answered(fd);
    int error = errno;
    close(fd);
    if (!ok)
        return fail(arguments, error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS
                                   ? "no answer within 3 s"
                                   : strerror(error));
    printf("%s:%u answers\n", arguments->listener.tcp_host, (unsigned)arguments->listener.tcp_port);
    return fflush(stdout) == 0 ? ANSWERS : DOES_NOT;
}
