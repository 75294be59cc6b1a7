/* daemon.c: a client of the daemon, over its standard streams or over sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "contestant.h"
#include "fail.h"
#include "process.h"
#include "streams.h"

typedef struct daemon_client {
    process daemon;
    streams *streams;
    bool listens;
} daemon_client;

static void run(void *self, const traffic *t) {
    streams_run(((daemon_client *)self)->streams, t);
}

static void end(void *self) {
    daemon_client *d = self;
    streams_free(d->streams);
    if (!d->listens)
        d->daemon.in = d->daemon.out = -1;
    process_end(&d->daemon, d->listens);
    free(d);
}

static const char *name_of(const setting *s, const char *name) {
    return s->relays ? "  mere relay" : s->write_each ? "  one write each" : name;
}

static daemon_client *start(const setting *s, const char *option, const char *value) {
    daemon_client *d = must_have(calloc(1, sizeof *d));
    char number[16];
    snprintf(number, sizeof number, "%d", PROCESS_TEXT_FD);
    const char *program = s->relays ? s->relay : s->daemon;
    char *argv[] = {(char *)program, "--config-fd", number, (char *)option, (char *)value, NULL};
    char *config = setting_config(s);
    process_start(&d->daemon, argv, config, true);
    free(config);
    return d;
}

/* Reads the daemon's log up to the line that says where it listens, into `where`. */
static void wait_until_ready(const daemon_client *d, char *where, size_t room) {
    static const char before[] = "clients on ";
    char log[64 * 1024]; /* a line for each worker stands before it */
    size_t len = 0;
    for (;;) {
        ssize_t n = read(d->daemon.err, log + len, sizeof log - 1 - len);
        if (n <= 0)
            fail("the daemon did not get ready; it said: %.*s", (int)len, log);
        len += (size_t)n;
        log[len] = '\0';
        char *at = strstr(log, before);
        char *newline = at ? strchr(at, '\n') : NULL;
        if (!newline)
            continue;
        *newline = '\0';
        snprintf(where, room, "%s", at + sizeof before - 1);
        return;
    }
}

contestant daemon_stdio_open(const setting *s) {
    char where[128];
    daemon_client *d = start(s, "--stdio", NULL);
    wait_until_ready(d, where, sizeof where);
    d->streams = streams_new(1, &d->daemon.in, &d->daemon.out, !s->write_each);
    return (contestant){.name = name_of(s, "daemon --stdio"),
                        .self = d,
                        .run = run,
                        .close = end,
                        .pid = d->daemon.pid};
}

static int connect_to(int family, const void *address, socklen_t len) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address, len) != 0)
        fail_errno("connect");
    int on = 1;
    if (family == AF_INET && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        fail_errno("TCP_NODELAY");
    return fd;
}

static void connect_clients(daemon_client *d, const setting *s, int family, const void *address,
                            socklen_t len) {
    int *fds = must_have(calloc((size_t)s->clients, sizeof *fds));
    for (int i = 0; i < s->clients; i++)
        fds[i] = connect_to(family, address, len);
    d->listens = true;
    d->streams = streams_new((size_t)s->clients, fds, fds, !s->write_each);
    free(fds);
}

contestant daemon_unix_open(const setting *s) {
    char folder[] = "/tmp/kernel-bench-XXXXXX", where[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!mkdtemp(folder))
        fail_errno("mkdtemp");
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    daemon_client *d = start(s, "--unix", address.sun_path);
    wait_until_ready(d, where, sizeof where);
    connect_clients(d, s, AF_UNIX, &address, sizeof address);
    /* Connected clients need the name no more, and the daemon does not miss it. */
    unlink(address.sun_path);
    rmdir(folder);
    return (contestant){.name = name_of(s, "daemon --unix"),
                        .self = d,
                        .run = run,
                        .close = end,
                        .pid = d->daemon.pid};
}

contestant daemon_tcp_open(const setting *s) {
    char where[128];
    struct sockaddr_in address = {.sin_family = AF_INET};
    daemon_client *d = start(s, "--tcp", "127.0.0.1:0");
    wait_until_ready(d, where, sizeof where);
    const char *colon = strrchr(where, ':');
    if (!colon)
        fail("the daemon listens on '%s', which has no port", where);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    connect_clients(d, s, AF_INET, &address, sizeof address);
    return (contestant){.name = name_of(s, "daemon --tcp"),
                        .self = d,
                        .run = run,
                        .close = end,
                        .pid = d->daemon.pid};
}
