/* linux_child.c: the birth and the end of a worker process.
 *
 * A child is born with clone(CLONE_VM | CLONE_VFORK): it borrows the parent's memory on a stack
 * of its own until it executes the command, so that a host of many gigabytes starts a worker as
 * fast as a small one. It must therefore touch nothing but what the parent prepared.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum {
    CHILD_STACK = 64 * 1024,
    REPORT_FD = 3,
    KERNEL_SIGSET = 8 /* bytes of a signal set as the system, not the C library, has it */
};

/* The child asks the system directly. The wrappers of the C library, and those that sanitizers put
 * around them, keep state, and here that state would be the parent's; for the same reason the
 * child is not instrumented. */
#define CHILD_SIDE __attribute__((no_sanitize("address", "undefined", "thread")))

CHILD_SIDE static void child_fail(int report, int error, int at_cwd) {
    sb_launch_report r = {.error = error, .at_cwd = at_cwd};
    syscall(SYS_write, report, &r, sizeof r);
    syscall(SYS_exit_group, 127);
}

CHILD_SIDE static void close_from(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
    /* An older kernel: try every number below the limit. Reading /proc/self/fd instead would
     * need memory. */
    struct {
        uint64_t now, most;
    } limit = {0, 0};
    uint64_t end = 65536;
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) == 0 && limit.now < 16 * end)
        end = limit.now;
    for (uint64_t fd = (uint64_t)first; fd < end; fd++)
        syscall(SYS_close, (int)fd);
}

CHILD_SIDE static int child_main(void *argument) {
    const sb_launch *l = argument;
    uint64_t none[16] = {0}; /* an empty set, and a default disposition, whatever their layout */

    /* Every signal is blocked here, so no handler of the host can run on this stack. Handlers
     * would be reset by exec; ignored signals would not. */
    for (int s = 1; s < NSIG; s++)
        syscall(SYS_rt_sigaction, s, none, NULL, KERNEL_SIGSET);

    syscall(SYS_setpgid, 0, 0);
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != l->parent)
        syscall(SYS_exit_group, 127); /* it died before the line above */

    if (syscall(SYS_dup3, l->in, 0, 0) < 0 || syscall(SYS_dup3, l->out, 1, 0) < 0 ||
        (l->err >= 0 && syscall(SYS_dup3, l->err, 2, 0) < 0))
        child_fail(l->report, errno, 0);
    int report = l->report;
    if (report != REPORT_FD) {
        if (syscall(SYS_dup3, report, REPORT_FD, O_CLOEXEC) < 0)
            child_fail(report, errno, 0);
        report = REPORT_FD;
    }
    close_from(REPORT_FD + 1);
    if (l->cwd && syscall(SYS_chdir, l->cwd) != 0)
        child_fail(report, errno, 1);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, KERNEL_SIGSET);

    int error = ENOENT;
    for (char **path = l->paths; *path; path++) {
        syscall(SYS_execve, *path, l->argv, l->envp);
        if (errno == ENOEXEC) {
            l->shell_argv[1] = *path;
            syscall(SYS_execve, l->shell_argv[0], l->shell_argv, l->envp);
        }
        /* As the shell does: a file that may not be run is remembered, the search goes on. */
        if (errno == EACCES)
            error = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR)
            child_fail(report, errno, 0);
    }
    child_fail(report, error, 0);
    return 0;
}

static int pidfd_open_compat(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0u);
}

#if defined(__SANITIZE_THREAD__)
#define HAS_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_THREAD_SANITIZER 1
#endif
#endif

/* The pid of the new process; negative with errno set. */
static pid_t clone_child(sb_launch *launch, char *stack_end) {
#ifdef HAS_THREAD_SANITIZER
    /* ThreadSanitizer takes every clone() for a fork and makes its notes for the child, in memory
     * that the child here would share: so under it the child gets a copy. */
    (void)stack_end;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        child_main(launch);
    return pid;
#else
    return clone(child_main, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, launch);
#endif
}

/* Runs child_main with every signal blocked. The pid, or 0 with *error set. */
static pid_t give_birth(sb_launch *launch, int *error) {
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        *error = errno;
        return 0;
    }
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &saved);
    pid_t pid = clone_child(launch, stack + CHILD_STACK);
    *error = pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    munmap(stack, CHILD_STACK);
    return pid < 0 ? 0 : pid;
}

/* A pipe whose two ends are above 2, so that wiring the child cannot overwrite one of them
 * (a host may run with its standard descriptors closed). */
static int make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    for (int i = 0; i < 2; i++) {
        if (ends[i] > 2)
            continue;
        int above = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        if (above < 0)
            return errno;
        close(ends[i]);
        ends[i] = above;
    }
    return 0;
}

enum { IN_READ, IN_WRITE, OUT_READ, OUT_WRITE, ERR_READ, ERR_WRITE, REP_READ, REP_WRITE, FD_COUNT };

static int open_pipes(int fd[FD_COUNT], bool capture_stderr) {
    int error = make_pipe(&fd[IN_READ]);
    if (!error)
        error = make_pipe(&fd[OUT_READ]);
    if (!error && capture_stderr)
        error = make_pipe(&fd[ERR_READ]);
    if (!error)
        error = make_pipe(&fd[REP_READ]);
    if (!error)
        error = sb_fd_nonblocking(fd[IN_WRITE]);
    if (!error)
        error = sb_fd_nonblocking(fd[OUT_READ]);
    if (!error && capture_stderr)
        error = sb_fd_nonblocking(fd[ERR_READ]);
    return error;
}

static void take(sb_source *source, int *fd) {
    *source = SB_SOURCE_CLOSED;
    source->handle = *fd;
    *fd = -1;
}

/* What went wrong, in words that name the file and the folder that were tried. */
static void explain(const sb_command *command, const sb_launch *launch, int error, int at_cwd,
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
    sb_launch_report report = {0};
    int error = sb_launch_prepare(&launch, command);
    if (!error)
        error = open_pipes(fd, command->capture_stderr);
    pid_t pid = 0;
    if (!error) {
        launch.in = fd[IN_READ];
        launch.out = fd[OUT_WRITE];
        launch.err = fd[ERR_WRITE];
        launch.report = fd[REP_WRITE];
        launch.parent = getpid();
        pid = give_birth(&launch, &error);
    }
    if (!error) {
        /* End of file here means that exec closed the other end, that is, succeeded. */
        sb_fd_close(&fd[REP_WRITE]);
        ssize_t n;
        do
            n = read(fd[REP_READ], &report, sizeof report);
        while (n < 0 && errno == EINTR);
        if (n == (ssize_t)sizeof report) {
            error = report.error;
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        }
    }
    if (!error) {
        child->pid = pid;
        take(&child->in, &fd[IN_WRITE]);
        child->in.kind = 0;
        take(&child->out, &fd[OUT_READ]);
        if (command->capture_stderr)
            take(&child->err, &fd[ERR_READ]);
        int exit_notice = pidfd_open_compat(pid);
        if (exit_notice >= 0)
            take(&child->exit, &exit_notice);
    } else {
        explain(command, &launch, error, report.at_cwd, why, why_len);
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

/* The leader stays a zombie while its group is killed: as long as it is unreaped its number, and
 * with it the group's, cannot be given to anybody else. */
bool sb_child_reap(sb_poller *p, sb_child *child, sb_exit *out) {
    siginfo_t info = {0};
    *out = (sb_exit){.code = -1};
    if (child->pid <= 0)
        return true;
    int rc;
    do
        rc = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    while (rc != 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0)
        return false;
    sb_child_kill(child);
    if (rc == 0) {
        do
            rc = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
        while (rc != 0 && errno == EINTR);
    }
    if (rc == 0 && info.si_pid != 0) {
        out->known = true;
        if (info.si_code == CLD_EXITED)
            out->code = info.si_status;
        else
            out->signal = info.si_status;
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
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return;
        if (info.si_pid != 0 || left <= 0)
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
