/* linux_child.c: the birth of a worker process.
 *
 * A child is born with clone(CLONE_VM | CLONE_VFORK): it borrows the parent's memory on a stack
 * of its own until it executes the command, so that a host of many gigabytes starts a worker as
 * fast as a small one. It must therefore touch nothing but what the parent prepared.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
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

enum {
    CHILD_STACK = 64 * 1024,
    REPORT_FD = 3,
    KERNEL_SIGSET = 8 /* bytes of a signal set as the system, not the C library, has it */
};

typedef struct birth {
    sb_launch *launch;
    int report; /* descriptor above 2 */
    pid_t parent;
} birth;

/* What the child reports when it cannot become the command. */
typedef struct report {
    int error;
    int at_cwd;
} report;

/* The child asks the system directly. The wrappers of the C library, and those that sanitizers put
 * around them, keep state, and here that state would be the parent's; for the same reason the
 * child is not instrumented. */
#define CHILD_SIDE __attribute__((no_sanitize("address", "undefined", "thread")))

CHILD_SIDE static void child_fail(int to, int error, int at_cwd) {
    report r = {.error = error, .at_cwd = at_cwd};
    syscall(SYS_write, to, &r, sizeof r);
    syscall(SYS_exit_group, 127);
}

/* Says "+PID". Written at once or not at all: the pipe may be full or have lost its reader. */
CHILD_SIDE static void announce(int pipe) {
    char line[16];
    size_t at = sizeof line;
    line[--at] = '\n';
    for (long pid = syscall(SYS_getpid); pid > 0; pid /= 10)
        line[--at] = (char)('0' + pid % 10);
    line[--at] = '+';
    if (syscall(SYS_write, pipe, line + at, sizeof line - at) < 0 && errno == EPIPE) {
        /* The signal that came with it is blocked, and would end the command once it is not. */
        uint64_t set[16] = {1u << (SIGPIPE - 1)}, no_time[2] = {0};
        syscall(SYS_rt_sigtimedwait, set, NULL, no_time, KERNEL_SIGSET);
    }
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
    const birth *b = argument;
    const sb_launch *l = b->launch;
    uint64_t none[16] = {0}; /* an empty set, and a default disposition, whatever their layout */

    /* Every signal is blocked here, so no handler of the host can run on this stack. Handlers
     * would be reset by exec; ignored signals would not. */
    for (int s = 1; s < NSIG; s++)
        syscall(SYS_rt_sigaction, s, none, NULL, KERNEL_SIGSET);

    if (l->outlives_host) {
        syscall(SYS_setsid);
    } else {
        syscall(SYS_setpgid, 0, 0);
        syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (syscall(SYS_getppid) != b->parent)
            syscall(SYS_exit_group, 127); /* it died before the line above */
    }
    if (l->announce >= 0)
        announce(l->announce);

    if (syscall(SYS_dup3, l->in, 0, 0) < 0 || syscall(SYS_dup3, l->out, 1, 0) < 0 ||
        (l->err >= 0 && syscall(SYS_dup3, l->err, 2, 0) < 0))
        child_fail(b->report, errno, 0);
    int to = b->report;
    if (to != REPORT_FD) {
        if (syscall(SYS_dup3, to, REPORT_FD, O_CLOEXEC) < 0)
            child_fail(to, errno, 0);
        to = REPORT_FD;
    }
    close_from(REPORT_FD + 1);
    if (l->cwd && syscall(SYS_chdir, l->cwd) != 0)
        child_fail(to, errno, 1);
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
            child_fail(to, errno, 0);
    }
    child_fail(to, error, 0);
    return 0;
}

#if defined(__SANITIZE_THREAD__)
#define HAS_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_THREAD_SANITIZER 1
#endif
#endif

/* The pid of the new process; negative with errno set. */
static pid_t clone_child(birth *b, char *stack_end) {
#ifdef HAS_THREAD_SANITIZER
    /* ThreadSanitizer takes every clone() for a fork and makes its notes for the child, in memory
     * that the child here would share: so under it the child gets a copy. */
    (void)stack_end;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        child_main(b);
    return pid;
#else
    return clone(child_main, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, b);
#endif
}

/* Runs child_main with every signal blocked. The pid, or 0 with *error set. */
static pid_t give_birth(birth *b, int *error) {
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        *error = errno;
        return 0;
    }
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &saved);
    pid_t pid = clone_child(b, stack + CHILD_STACK);
    *error = pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    munmap(stack, CHILD_STACK);
    return pid < 0 ? 0 : pid;
}

int sb_launch_birth(sb_launch *launch, pid_t *pid, bool *at_cwd) {
    int ends[2];
    int error = sb_pipe_open(ends);
    if (error)
        return error;
    birth b = {.launch = launch, .report = ends[1], .parent = getpid()};
    *pid = give_birth(&b, &error);
    /* End of file here means that exec closed the other end, that is, succeeded. */
    sb_fd_close(&ends[1]);
    if (!error) {
        report r;
        ssize_t n;
        do
            n = read(ends[0], &r, sizeof r);
        while (n < 0 && errno == EINTR);
        if (n == (ssize_t)sizeof r) {
            error = r.error;
            *at_cwd = r.at_cwd != 0;
            while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        }
    }
    sb_fd_close(&ends[0]);
    return error;
}
