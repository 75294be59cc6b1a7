#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"

enum { READ_END, WRITE_END };

static void open_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail_errno("pipe2");
}

/* The text waits in a pipe, so it must fit in one. */
static int pipe_with(const char *text) {
    int ends[2];
    open_pipe(ends);
    size_t len = strlen(text);
    if (fcntl(ends[WRITE_END], F_SETFL, O_NONBLOCK) != 0 ||
        write(ends[WRITE_END], text, len) != (ssize_t)len)
        fail_errno("a text for a child");
    close(ends[WRITE_END]);
    return ends[READ_END];
}

static void run_child(char *const argv[], int in, int out, int err, int text) {
    /* Copies above the numbers they go to, so that none is overwritten before it is copied. */
    int from[] = {in, out, err, text};
    for (int i = 0; i < 4; i++)
        if (from[i] >= 0)
            from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 4; i++)
        if (from[i] >= 0 && dup2(from[i], i) < 0)
            _exit(126);
    execv(argv[0], argv);
    _exit(127);
}

void process_start(process *p, char *const argv[], const char *text, bool capture_err) {
    int in[2], out[2], err[2] = {-1, -1}, text_fd = -1;
    open_pipe(in);
    open_pipe(out);
    if (capture_err)
        open_pipe(err);
    if (text)
        text_fd = pipe_with(text);
    p->pid = fork();
    if (p->pid < 0)
        fail_errno("fork");
    if (p->pid == 0)
        run_child(argv, in[READ_END], out[WRITE_END], err[WRITE_END], text_fd);
    close(in[READ_END]);
    close(out[WRITE_END]);
    if (capture_err)
        close(err[WRITE_END]);
    if (text)
        close(text_fd);
    p->in = in[WRITE_END];
    p->out = out[READ_END];
    p->err = err[READ_END];
}

static void close_end(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void process_end(process *p, bool terminate) {
    int status;
    close_end(&p->in);
    if (terminate && kill(p->pid, SIGTERM) != 0)
        fail_errno("kill");
    while (waitpid(p->pid, &status, 0) < 0)
        if (errno != EINTR)
            fail_errno("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("process %d did not end as it should: wait status %#x", (int)p->pid, status);
    close_end(&p->out);
    close_end(&p->err);
}
