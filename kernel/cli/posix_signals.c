/* posix_signals.c: a pipe to ourselves. The handler may run at any moment, so it does nothing but
 * write the number of the signal into the pipe. */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t pipe_in = -1;

static void on_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    /* A full pipe holds more signals than anybody needs; this one may be lost. */
    ssize_t written = write(pipe_in, &byte, 1);
    (void)written;
    errno = saved;
}

static bool prepare(int fd) {
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

int sbd_signals_open(bool with_interrupt) {
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    if (!prepare(ends[0]) || !prepare(ends[1])) {
        int saved = errno;
        close(ends[0]);
        close(ends[1]);
        errno = saved;
        return -1;
    }
    pipe_in = ends[1];
    struct sigaction action, former;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, NULL);
    if (!with_interrupt)
        action.sa_handler = SIG_IGN;
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_signal;
    if (sigaction(SIGHUP, NULL, &former) == 0 && former.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    return ends[0];
}

int sbd_signals_next(int fd) {
    unsigned char byte;
    return read(fd, &byte, 1) == 1 ? byte : 0;
}

const char *sbd_signals_name(int number) {
    return strsignal(number);
}
