/* The least that a process between a client and a worker can do: it takes the daemon's options and
 * its configuration, starts the one worker and copies what comes, without looking at it. A message
 * takes as long through it when it has no poller and waits in read() alone: what it costs is being
 * put to sleep and woken, twice, which a daemon cannot do without unless it keeps a CPU busy. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[1 << 20];

static void check(int result, const char *what) {
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

static void start_worker(int config, int *to, int *from) {
    static const char key[] = "\"command\":\"";
    ssize_t n = read(config, buffer, sizeof buffer - 1);
    char *command = n > 0 ? strstr(buffer, key) : NULL;
    if (!command)
        exit(2);
    command += sizeof key - 1;
    *strchr(command, '"') = '\0';
    int in[2], out[2];
    check(pipe2(in, O_CLOEXEC), "pipe2");
    check(pipe2(out, O_CLOEXEC), "pipe2");
    int pid = fork();
    check(pid, "fork");
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execl(command, command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    *to = in[1];
    *from = out[0];
}

static int accept_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    check(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(fd, 1), "listen");
    fprintf(stderr, "clients on %s\n", path);
    return accept(fd, NULL, NULL);
}

static int accept_tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(fd, 1), "listen");
    check(getsockname(fd, (struct sockaddr *)&address, &len), "getsockname");
    fprintf(stderr, "clients on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fd = accept(fd, NULL, NULL);
    check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    return fd;
}

/* Copies what one read gives; the end of either side is the end. */
static void copy(int from, int to) {
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n <= 0)
        exit(0);
    for (ssize_t at = 0; at < n;) {
        ssize_t written = write(to, buffer + at, (size_t)(n - at));
        check((int)written, "write");
        at += written;
    }
}

static void end(int number) {
    (void)number;
    _exit(0);
}

/* relay --config-fd N --stdio|--unix PATH|--tcp HOST:PORT */
int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    int worker_in, worker_out, client_in = STDIN_FILENO, client_out = STDOUT_FILENO;
    signal(SIGTERM, end);
    start_worker(atoi(argv[2]), &worker_in, &worker_out);
    if (strcmp(argv[3], "--unix") == 0)
        client_in = client_out = accept_unix(argv[4]);
    else if (strcmp(argv[3], "--tcp") == 0)
        client_in = client_out = accept_tcp();
    else
        fprintf(stderr, "clients on standard input\n");
    check(client_in, "accept");

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = client_in};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, client_in, &event), "epoll_ctl");
    event.data.fd = worker_out;
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, worker_out, &event), "epoll_ctl");
    for (;;) {
        check(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
        if (event.data.fd == client_in)
            copy(client_in, worker_in);
        else
            copy(worker_out, client_out);
    }
}
