/* posix_guard.c: keeps a list of process groups and, when the host that told them is gone, ends
 * them.
 *
 * The host holds the other end of standard input and nobody else does, so the end of file means
 * that the host is gone. By then it has either taken every group off the list, and there is nothing
 * to do, or it was killed.
 */
#include "guard.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "os/os.h"

enum {
    GRACE_MS = 2000, /* from SIGTERM to SIGKILL */
    LOOK_MS = 10     /* how often to look who is left; nothing tells when a group is empty */
};

typedef struct group_list {
    pid_t *groups;
    size_t count, cap;
} group_list;

/* The line that is being read. */
typedef struct list_line {
    char sign; /* 0: nothing yet */
    int64_t number;
    bool valid;
} list_line;

/* --- The list ------------------------------------------------------------------------------ */

static size_t find(const group_list *list, pid_t group) {
    size_t at = 0;
    while (at < list->count && list->groups[at] != group)
        at++;
    return at;
}

static void drop(group_list *list, size_t at) {
    list->groups[at] = list->groups[--list->count];
}

static bool add(group_list *list, pid_t group) {
    if (find(list, group) < list->count)
        return true;
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        pid_t *groups = realloc(list->groups, cap * sizeof *groups);
        if (!groups)
            return false;
        list->groups = groups;
        list->cap = cap;
    }
    list->groups[list->count++] = group;
    return true;
}

/* 1 and 0 would mean everybody and ourselves to kill(). */
static bool carry_out(group_list *list, const list_line *line) {
    if (!line->valid || line->number <= 1 || line->number == getpgrp())
        return true;
    pid_t group = (pid_t)line->number;
    if (line->sign == '+')
        return add(list, group);
    size_t at = find(list, group);
    if (at < list->count)
        drop(list, at);
    return true;
}

/* Only whole lines count: half a number would be somebody else's. */
static bool take(group_list *list, list_line *line, char c) {
    if (c == '\n') {
        bool done = carry_out(list, line);
        *line = (list_line){0};
        return done;
    }
    if (!line->sign) {
        line->sign = c;
        line->valid = c == '+' || c == '-';
    } else {
        line->valid = line->valid && c >= '0' && c <= '9' && line->number <= INT_MAX / 10 - 1;
        if (line->valid)
            line->number = line->number * 10 + (c - '0');
    }
    return true;
}

/* Until the end of file; false without memory. */
static bool read_list(group_list *list) {
    list_line line = {0};
    char block[4096];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        for (ssize_t i = 0; i < n; i++)
            if (!take(list, &line, block[i]))
                return false;
    }
}

/* --- The end ------------------------------------------------------------------------------- */

/* Sends it to all (0: only looks) and forgets those in which nobody is left that may be
 * signalled. */
static void signal_all(group_list *list, int number) {
    for (size_t at = list->count; at-- > 0;)
        if (kill(-list->groups[at], number) != 0)
            drop(list, at);
}

static void end_all(group_list *list) {
    int64_t deadline = sb_clock_ms() + GRACE_MS;
    signal_all(list, SIGTERM);
    while (list->count > 0 && sb_clock_ms() < deadline) {
        poll(NULL, 0, LOOK_MS);
        signal_all(list, 0);
    }
    signal_all(list, SIGKILL);
}

int sbd_guard_run(void) {
    group_list list = {0};
    /* What ends the host's session, or everything that belongs to it, must not end the guard
     * first. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    /* Without memory its end is the only way to tell; the kernel then starts another one. */
    bool complete = read_list(&list);
    if (complete)
        end_all(&list);
    free(list.groups);
    return complete ? 0 : 1;
}
