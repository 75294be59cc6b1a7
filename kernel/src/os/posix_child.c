/* posix_child.c: a worker process as its parent sees it: three pipes, its end, its group. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix.h"

enum { IN_READ, IN_WRITE, OUT_READ, OUT_WRITE, ERR_READ, ERR_WRITE, FD_COUNT };

static int open_output(int fd[FD_COUNT], const sb_command *command) {
    if (command->outlives_host) {
        int error = sb_null_open(&fd[OUT_WRITE]);
        return error ? error : sb_null_open(&fd[ERR_WRITE]);
    }
    int error = sb_pipe_open(&fd[OUT_READ]);
    if (!error)
        error = sb_fd_nonblocking(fd[OUT_READ]);
    if (!error && command->capture_stderr)
        error = sb_pipe_open(&fd[ERR_READ]);
    if (!error && command->capture_stderr)
        error = sb_fd_nonblocking(fd[ERR_READ]);
    return error;
}

static int open_streams(int fd[FD_COUNT], const sb_command *command) {
    int error = sb_pipe_open(&fd[IN_READ]);
    if (!error)
        error = sb_fd_nonblocking(fd[IN_WRITE]);
    if (!error)
        error = sb_fd_without_signal(fd[IN_WRITE]);
    return error ? error : open_output(fd, command);
}

static void take(sb_source *source, int *fd) {
    *source = SB_SOURCE_CLOSED;
    source->handle = *fd;
    *fd = -1;
}

/* What went wrong, in words that name the file and the folder that were tried. */
static void explain(const sb_command *command, const sb_launch *launch, int error, bool at_cwd,
                    char *why, size_t len) {
    char text[128];
    sb_os_error_text(error, text, sizeof text);
    if (at_cwd)
        snprintf(why, len, "cannot enter the working directory '%s': %s", command->cwd, text);
    else if (strchr(command->file, '/'))
        snprintf(why, len, "cannot execute '%s': %s", command->file, text);
    else
        snprintf(why, len, "cannot execute '%s': %s (%s)", command->file, text,
                 launch->paths && launch->paths[0] ? "looked up on PATH" : "PATH is empty");
}

int sb_spawn(const sb_command *command, sb_child *child, char *why, size_t why_len) {
    *child = (sb_child){.in = SB_SOURCE_CLOSED,
                        .out = SB_SOURCE_CLOSED,
                        .err = SB_SOURCE_CLOSED,
                        .exit = SB_SOURCE_CLOSED};
    int fd[FD_COUNT];
    for (int i = 0; i < FD_COUNT; i++)
        fd[i] = -1;

    sb_launch launch = {0};
    pid_t pid = 0;
    bool at_cwd = false;
    int error = sb_launch_prepare(&launch, command);
    if (!error)
        error = open_streams(fd, command);
    if (!error) {
        launch.in = fd[IN_READ];
        launch.out = fd[OUT_WRITE];
        launch.err = fd[ERR_WRITE];
        launch.announce = command->announce ? sb_fd(command->announce) : -1;
        launch.outlives_host = command->outlives_host;
        error = sb_launch_birth(&launch, &pid, &at_cwd);
        child->announced = command->announce ? pid : 0;
    }
    if (!error) {
        child->pid = pid;
        take(&child->in, &fd[IN_WRITE]);
        take(&child->out, &fd[OUT_READ]);
        take(&child->err, &fd[ERR_READ]);
        int exit_notice = sb_exit_notice(pid);
        if (exit_notice >= 0)
            take(&child->exit, &exit_notice);
    } else {
        explain(command, &launch, error, at_cwd, why, why_len);
    }
    for (int i = 0; i < FD_COUNT; i++)
        sb_fd_close(&fd[i]);
    sb_launch_free(&launch);
    return error;
}

void sb_child_terminate(const sb_child *child) {
    if (child->pid > 0)
        kill(-(pid_t)child->pid, SIGTERM);
}

void sb_child_kill(const sb_child *child) {
    if (child->pid > 0)
        kill(-(pid_t)child->pid, SIGKILL);
}

/* False when it has exited or is no longer our child; nothing is reaped. Where no child matches,
 * waitid() may leave the structure as it was: so it is zero before. */
static bool lives(const sb_child *child) {
    siginfo_t info = {0};
    int rc;
    do
        rc = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    while (rc != 0 && errno == EINTR);
    return rc == 0 && info.si_pid == 0;
}

/* The leader stays a zombie while its group is killed: as long as it is unreaped its number, and
 * with it the group's, cannot be given to anybody else. */
bool sb_child_reap(sb_poller *p, sb_child *child, sb_exit *out) {
    *out = (sb_exit){.code = -1};
    if (child->pid <= 0)
        return true;
    if (lives(child))
        return false;
    sb_child_kill(child);
    int status;
    pid_t reaped;
    do
        reaped = waitpid((pid_t)child->pid, &status, WNOHANG);
    while (reaped < 0 && errno == EINTR);
    if (reaped > 0) {
        out->known = true;
        if (WIFEXITED(status))
            out->code = WEXITSTATUS(status);
        else
            out->signal = WTERMSIG(status);
    }
    sb_source_close(p, &child->exit);
    child->pid = 0;
    return true;
}

void sb_child_wait(const sb_child *child, int timeout_ms) {
    if (child->pid <= 0)
        return;
    int64_t end = sb_clock_ms() + timeout_ms;
    struct pollfd notice = {.fd = sb_fd(&child->exit), .events = POLLIN};
    for (;;) {
        int64_t left = end - sb_clock_ms();
        if (left <= 0 || !lives(child))
            return;
        /* Without an exit notice this looks every 5 ms. */
        bool has_notice = sb_source_is_open(&child->exit);
        poll(has_notice ? &notice : NULL, has_notice ? 1 : 0, has_notice ? (int)left : 5);
    }
}

bool sb_child_is_suspended(const sb_child *child, int *signal) {
    siginfo_t info = {0};
    if (child->pid <= 0)
        return false;
    if (waitid(P_PID, (id_t)child->pid, &info, WSTOPPED | WNOHANG | WNOWAIT) != 0)
        return false;
    if (info.si_pid == 0)
        return false;
    *signal = info.si_status;
    return true;
}

/* What a worker has started outlives the host: the parent-death signal, where there is one, reaches
 * the worker alone. */
bool sb_children_end_with_host(void) {
    return false;
}
