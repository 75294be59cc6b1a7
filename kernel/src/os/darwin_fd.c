/* darwin_fd.c: descriptors that other children do not inherit; who is at the other end; SIGPIPE.
 *
 * The system has neither pipe2() nor accept4() nor SOCK_CLOEXEC, so a child that another thread
 * of the host forks and executes between two calls here would inherit the descriptor. Our own
 * workers never do: they are born with POSIX_SPAWN_CLOEXEC_DEFAULT.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix.h"

static int close_on_exec(int fd) {
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno;
}

int sb_fd_pipe(int ends[2]) {
    if (pipe(ends) != 0)
        return errno;
    int error = close_on_exec(ends[0]);
    return error ? error : close_on_exec(ends[1]);
}

int sb_fd_socket(int family, int *fd) {
    *fd = socket(family, SOCK_STREAM, 0);
    if (*fd < 0)
        return errno;
    int error = close_on_exec(*fd);
    if (!error)
        error = sb_fd_nonblocking(*fd);
    if (error)
        sb_fd_close(fd);
    return error;
}

/* accept(2) lets the new socket inherit O_NONBLOCK from the listener, but no other flag; it is set
 * all the same, because POSIX leaves that open. */
int sb_fd_accept(int listener, struct sockaddr *address, socklen_t *len) {
    int fd = accept(listener, address, len);
    if (fd < 0)
        return -1;
    int error = close_on_exec(fd);
    if (!error)
        error = sb_fd_nonblocking(fd);
    if (error) {
        sb_fd_close(&fd);
        errno = error;
    }
    return fd;
}

/* getpeereid(3): the effective ids that the peer had when it called connect() or listen(). Sockets
 * of another family fail with EINVAL, so they never pass for a user. The pid is for the log. */
bool sb_fd_peer(int fd, uid_t *user, pid_t *pid) {
    gid_t group;
    socklen_t len = sizeof *pid;
    if (getpeereid(fd, user, &group) != 0)
        return false;
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, pid, &len) != 0)
        *pid = 0;
    return true;
}

/* fcntl(2): "Determines whether a SIGPIPE signal will be generated when a write fails on a pipe or
 * socket for which there is no reader." It belongs to the open file, so duplicates have it too.
 * Holding the signal back around a write, as Linux does, would not do here: the system sends it to
 * the process, and any thread may get it. */
int sb_fd_without_signal(int fd) {
    return fcntl(fd, F_SETNOSIGPIPE, 1) == 0 ? 0 : errno;
}

ssize_t sb_fd_write(int fd, const void *buf, size_t len) {
    return write(fd, buf, len);
}

void sb_pipe_signal_hold(sb_pipe_signal *held) {
    held->held = false;
}

void sb_pipe_signal_release(sb_pipe_signal *held) {
    (void)held;
}
