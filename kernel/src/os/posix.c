/* posix.c: reading and writing, the launch of a child as far as it is plain POSIX, clock. */
#define _GNU_SOURCE
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* --- Descriptors ---------------------------------------------------------------------- */

void sb_fd_close(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int sb_fd_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return errno;
    return 0;
}

ptrdiff_t sb_source_read(sb_source *s, void *buf, size_t len) {
    for (;;) {
        ssize_t n = read(sb_fd(s), buf, len);
        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return SB_IO_AGAIN;
        s->error = errno;
        return SB_IO_FAILED;
    }
}

ptrdiff_t sb_source_write(sb_source *s, const void *buf, size_t len) {
    for (;;) {
        ssize_t n =
            s->is_socket ? send(sb_fd(s), buf, len, MSG_NOSIGNAL) : write(sb_fd(s), buf, len);
        if (n > 0)
            return n;
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK)
            return SB_IO_AGAIN;
        s->error = errno;
        return SB_IO_FAILED;
    }
}

void sb_source_close(sb_poller *p, sb_source *s) {
    if (!sb_source_is_open(s))
        return;
    sb_poller_watch(p, s, 0);
    close(sb_fd(s));
    s->handle = SB_NO_HANDLE;
}

/* Fails only when the peer is gone, which the next read tells. */
void sb_source_end_output(const sb_source *s) {
    shutdown(sb_fd(s), SHUT_WR);
}

int sb_source_adopt(intptr_t handle, sb_source *s) {
    int fd = (int)handle;
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
        return errno;
    int error = sb_fd_nonblocking(fd);
    if (error)
        return error;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    *s = SB_SOURCE_CLOSED;
    s->handle = fd;
    s->is_socket = S_ISSOCK(st.st_mode);
    return 0;
}

int sb_source_duplicate(const sb_source *s, sb_source *copy) {
    int fd = fcntl(sb_fd(s), F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return errno;
    *copy = SB_SOURCE_CLOSED;
    copy->handle = fd;
    copy->is_socket = s->is_socket;
    return 0;
}

/* SIGPIPE goes to the thread that wrote, so blocking it in this thread and taking a new one off
 * before unblocking hides it from the host without touching the host's disposition. */
void sb_pipe_signal_hold(sb_pipe_signal *held) {
    struct sigaction now;
    _Static_assert(sizeof(sigset_t) <= sizeof held->saved, "room for a signal set");
    held->held = sigaction(SIGPIPE, NULL, &now) != 0 || now.sa_handler != SIG_IGN;
    if (!held->held)
        return;
    sigset_t pipe_only, pending;
    sigpending(&pending);
    held->was_pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, (sigset_t *)(void *)held->saved);
}

void sb_pipe_signal_release(sb_pipe_signal *held) {
    if (!held->held)
        return;
    sigset_t pending;
    sigpending(&pending);
    if (!held->was_pending && sigismember(&pending, SIGPIPE) == 1) {
        sigset_t pipe_only;
        int taken;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        sigwait(&pipe_only, &taken);
    }
    pthread_sigmask(SIG_SETMASK, (const sigset_t *)(const void *)held->saved, NULL);
}

/* --- The launch of a child ------------------------------------------------------------- */

static const char *find_env(char *const *env, const char *key, size_t key_len) {
    for (; env && *env; env++)
        if (strncmp(*env, key, key_len) == 0 && (*env)[key_len] == '=')
            return *env;
    return NULL;
}

static size_t count(char *const *list) {
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* The inherited variables, but for those that `over` has, then `over`. */
static void merge_env(char **out, char *const *inherited, char *const *over) {
    for (char *const *e = inherited; e && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (!equals || !find_env(over, *e, (size_t)(equals - *e)))
            *out++ = *e;
    }
    for (; over && *over; over++)
        *out++ = *over;
    *out = NULL;
}

/* Writes the files to try into `paths` and their text into `text`. */
static void list_paths(char **paths, char *text, const char *file, const char *search) {
    if (strchr(file, '/')) {
        *paths++ = strcpy(text, file);
    } else {
        for (const char *dir = search; dir;) {
            const char *colon = strchr(dir, ':');
            size_t len = colon ? (size_t)(colon - dir) : strlen(dir);
            *paths++ = text;
            /* An empty entry means the working directory. */
            text +=
                len ? sprintf(text, "%.*s/%s", (int)len, dir, file) : sprintf(text, "./%s", file);
            text++;
            dir = colon ? colon + 1 : NULL;
        }
    }
    *paths = NULL;
}

int sb_launch_prepare(sb_launch *launch, const sb_command *command) {
    size_t args = count(command->args);
    char *const *inherited = command->inherit_env ? environ : NULL;
    size_t vars = count(inherited) + count(command->env);
    const char *search = find_env(command->env, "PATH", 4);
    if (!search)
        search = find_env(inherited, "PATH", 4);
    search = search ? search + 5 : "/usr/local/bin:/usr/bin:/bin";
    size_t dirs = 1;
    for (const char *c = search; *c; c++)
        dirs += *c == ':';

    size_t pointers = (args + 2) + (args + 3) + (vars + 1) + (dirs + 1);
    size_t text = strlen(search) + dirs * (strlen(command->file) + 4) + 1;
    char **at = malloc(pointers * sizeof(char *) + text);
    if (!at)
        return ENOMEM;
    launch->block = at;
    launch->cwd = command->cwd;

    launch->argv = at;
    launch->shell_argv = launch->argv + args + 2;
    launch->envp = launch->shell_argv + args + 3;
    launch->paths = launch->envp + vars + 1;

    launch->argv[0] = (char *)command->file;
    launch->shell_argv[0] = (char *)"/bin/sh";
    launch->shell_argv[1] = NULL; /* the script, filled in by the child */
    for (size_t i = 0; i <= args; i++) {
        char *arg = i < args ? command->args[i] : NULL;
        launch->argv[1 + i] = arg;
        launch->shell_argv[2 + i] = arg;
    }
    merge_env(launch->envp, inherited, command->env);
    list_paths(launch->paths, (char *)(launch->paths + dirs + 1), command->file, search);
    return 0;
}

void sb_launch_free(sb_launch *launch) {
    free(launch->block);
    *launch = (sb_launch){0};
}

const char *sb_signal_name(int signal) {
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
        {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
        {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
        {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGSTOP, "SIGSTOP"},
        {SIGTSTP, "SIGTSTP"}, {SIGTTIN, "SIGTTIN"}, {SIGTTOU, "SIGTTOU"}, {SIGXCPU, "SIGXCPU"},
        {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == signal)
            return names[i].name;
    return NULL;
}

/* --- Clock, chance, words --------------------------------------------------------------- */

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sb_clock_ms(void) {
    return read_clock(CLOCK_MONOTONIC);
}
int64_t sb_clock_unix_ms(void) {
    return read_clock(CLOCK_REALTIME);
}

uint64_t sb_random(void) {
    uint64_t value;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, &value, sizeof value) : -1;
    if (fd >= 0)
        close(fd);
    if (n == (ssize_t)sizeof value)
        return value;
    /* No device node (a bare chroot): the address layout and the clock are what is left. */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)(uintptr_t)&now ^ (uint64_t)getpid();
}

const char *sb_os_error_text(int error, char *buf, size_t len) {
    /* GNU's strerror_r returns the text and may leave buf alone; XSI's returns 0. */
#if defined(__GLIBC__)
    const char *text = strerror_r(error, buf, len);
    if (text != buf)
        snprintf(buf, len, "%s", text);
#else
    if (strerror_r(error, buf, len) != 0)
        snprintf(buf, len, "error %d", error);
#endif
    return buf;
}
