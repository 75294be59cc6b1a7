/* guard.c: the kernel's end of the guard.
 *
 * A host that is ended by SIGKILL cannot end its workers. The parent-death signal, where there is
 * one, reaches the workers themselves, but not what they have started. So a small process, the
 * guard, is told of every process group on its stdin, one line each: "+1234" for a group that is
 * there, "-1234" for one that is gone. The system closes the pipe when the host dies, however it
 * dies; on end of file the guard ends every group that is still on its list (cli/guard.c).
 *
 * What was written stays readable after the death of the host, so the list is as new as the last
 * write. Each line is written whole or not at all. Lines that find the pipe full wait here; a
 * guard that leaves too many unread is replaced, as is one that dies.
 */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/path.h"
#include "worker_exit.h"

enum {
    CLOSE_MS = 1000,       /* what it may take to end once it has nothing to do */
    WATCH_MS = 20,         /* how often to ask for its exit where the system gives no notice */
    FIRST_RETRY_MS = 1000, /* doubled up to the last, and forgotten by a guard that lived so long */
    LAST_RETRY_MS = 60000,
    UNREAD_MAX = 16 * 1024, /* beyond what the full list takes */
    LINE_MAX_LEN = 24
};

static void on_timer(void *owner);

int stdio_bus_set_guard(stdio_bus_t *bus, const char *path) {
    if (!bus || (path && !*path))
        return STDIO_BUS_EINVAL;
    if (bus->state != STDIO_BUS_STATE_CREATED)
        return STDIO_BUS_ERR_STATE;
    char *absolute = path ? sb_path_resolve(NULL, path) : NULL;
    if (path && !absolute)
        return STDIO_BUS_ERR;
    free(bus->guard.path);
    bus->guard.path = absolute;
    return STDIO_BUS_OK;
}

void sb_guard_init(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    g->child = (sb_child){.in = SB_SOURCE_CLOSED,
                          .out = SB_SOURCE_CLOSED,
                          .err = SB_SOURCE_CLOSED,
                          .exit = SB_SOURCE_CLOSED};
    g->timer = (sb_timer){.fire = on_timer, .owner = bus};
}

void sb_guard_free(sb_bus *bus) {
    sb_queue_free(&bus->guard.unsent);
    free(bus->guard.path);
}

bool sb_guard_is_alive(const sb_bus *bus) {
    return bus->guard.child.pid > 0;
}

/* --- The list ------------------------------------------------------------------------------ */

static bool listens(const sb_guard *g) {
    return g->child.pid > 0 && sb_source_is_open(&g->child.in);
}

/* It is of no use any more: killed, so that it cannot act on a list that it has in part. */
static void give_up_on(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    sb_source_close(bus->poller, &g->child.in);
    sb_queue_free(&g->unsent);
    sb_child_kill(&g->child);
    if (!sb_source_is_open(&g->child.exit))
        sb_timer_set(&bus->timers, &g->timer, sb_clock_ms() + WATCH_MS);
}

/* One line a write: a pipe takes so few bytes whole or not at all, and so the lines of workers that
 * announce themselves fall between ours, not into them. */
static void flush(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    sb_pipe_signal held;
    ptrdiff_t n = 1;
    sb_pipe_signal_hold(&held);
    while (n > 0 && sb_queue_len(&g->unsent)) {
        const char *line = sb_queue_data(&g->unsent);
        const char *newline = memchr(line, '\n', sb_queue_len(&g->unsent));
        n = sb_source_write(&g->child.in, line, (size_t)(newline + 1 - line));
        if (n > 0)
            sb_queue_consume(&g->unsent, (size_t)n);
    }
    sb_pipe_signal_release(&held);
    size_t waiting = sb_queue_len(&g->unsent);
    if (n == SB_IO_FAILED ||
        sb_poller_watch(bus->poller, &g->child.in, waiting ? SB_WRITE | SB_HANGUP : SB_HANGUP)) {
        give_up_on(bus);
    } else if (waiting > UNREAD_MAX + bus->worker_count * LINE_MAX_LEN) {
        sb_log(bus, STDIO_BUS_LOG_WARN, "the guard, pid %lld, does not read: it is replaced",
               (long long)g->child.pid);
        give_up_on(bus);
    }
}

static bool queue_line(sb_guard *g, char sign, int64_t group) {
    char line[LINE_MAX_LEN];
    int len = snprintf(line, sizeof line, "%c%lld\n", sign, (long long)group);
    char *room = sb_queue_extend(&g->unsent, (size_t)len);
    if (room)
        memcpy(room, line, (size_t)len);
    return room != NULL;
}

static void tell(sb_bus *bus, char sign, int64_t group) {
    sb_guard *g = &bus->guard;
    if (!listens(g) || group <= 0)
        return;
    if (queue_line(g, sign, group))
        flush(bus);
    else
        give_up_on(bus);
}

void sb_guard_add(sb_bus *bus, int64_t group) {
    tell(bus, '+', group);
}

void sb_guard_remove(sb_bus *bus, int64_t group) {
    tell(bus, '-', group);
}

/* While lines wait here a worker's own would overtake them. */
const sb_source *sb_guard_pipe(const sb_bus *bus) {
    const sb_guard *g = &bus->guard;
    return listens(g) && sb_queue_len(&g->unsent) == 0 ? &g->child.in : NULL;
}

void sb_guard_on_pipe(sb_bus *bus, unsigned ready) {
    if (ready & SB_HANGUP)
        give_up_on(bus);
    else
        flush(bus);
}

/* --- Its life ------------------------------------------------------------------------------ */

static void retry_later(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    int64_t now = sb_clock_ms();
    if (now - g->started_at > LAST_RETRY_MS)
        g->retry_ms = 0;
    sb_timer_set(&bus->timers, &g->timer, now + g->retry_ms);
    g->retry_ms = g->retry_ms == 0                  ? FIRST_RETRY_MS
                  : g->retry_ms < LAST_RETRY_MS / 2 ? 2 * g->retry_ms
                                                    : LAST_RETRY_MS;
}

static void start(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    char *args[] = {(char *)"--guard", NULL};
    sb_command command = {
        .file = g->path, .args = args, .inherit_env = true, .cwd = "/", .outlives_host = true};
    char why[512];
    g->started_at = sb_clock_ms();
    if (sb_spawn(&command, &g->child, why, sizeof why) != 0) {
        /* Said once. It is tried again soon, since what was short (descriptors, processes) may be
         * there then, and ever more rarely, since a file will hardly come back. */
        sb_log(bus, g->missing ? STDIO_BUS_LOG_DEBUG : STDIO_BUS_LOG_WARN,
               "no guard: %s; what workers have started will outlive a host that is killed", why);
        g->missing = true;
        if (g->retry_ms == 0)
            g->retry_ms = FIRST_RETRY_MS;
        retry_later(bus);
        return;
    }
    g->missing = false;
    g->child.in.owner = g->child.exit.owner = bus;
    g->child.in.kind = SB_ON_GUARD_PIPE;
    g->child.exit.kind = SB_ON_GUARD_EXIT;
    if (sb_poller_watch(bus->poller, &g->child.exit, SB_READ) != 0)
        sb_source_close(bus->poller, &g->child.exit); /* as on a system without such a notice */
    bool queued = true;
    for (size_t i = 0; queued && i < bus->worker_count; i++) {
        int64_t group = bus->workers[i]->child.pid;
        queued = group <= 0 || queue_line(g, '+', group);
    }
    if (queued)
        flush(bus);
    else
        give_up_on(bus);
    sb_log(bus, STDIO_BUS_LOG_INFO, "guard started, pid %lld", (long long)g->child.pid);
}

void sb_guard_prepare(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    bool needed = g->path && !sb_children_end_with_host();
    if (needed && g->child.pid == 0 && !sb_timer_is_set(&g->timer))
        start(bus);
}

void sb_guard_check_exit(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    int64_t pid = g->child.pid;
    sb_exit how;
    char words[96];
    if (pid == 0 || !sb_child_reap(bus->poller, &g->child, &how))
        return;
    sb_source_close(bus->poller, &g->child.in);
    sb_queue_free(&g->unsent);
    sb_timer_clear(&bus->timers, &g->timer);
    if (g->closing)
        return;
    sb_exit_words(&how, words, sizeof words);
    retry_later(bus);
    sb_log(bus, STDIO_BUS_LOG_WARN, "the guard, pid %lld, %s; replaced in %lld ms", (long long)pid,
           words, (long long)(g->timer.due - sb_clock_ms()));
}

static void on_timer(void *owner) {
    sb_bus *bus = owner;
    sb_guard *g = &bus->guard;
    if (g->child.pid == 0) {
        start(bus);
        return;
    }
    if (!g->closing || sb_clock_ms() >= g->kill_at)
        sb_child_kill(&g->child);
    sb_guard_check_exit(bus);
    if (g->child.pid > 0 && !sb_source_is_open(&g->child.exit))
        sb_timer_set(&bus->timers, &g->timer, sb_clock_ms() + WATCH_MS);
}

/* A guard that has not been told everything is not left to act on what it knows. */
void sb_guard_close(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    g->closing = true;
    sb_timer_clear(&bus->timers, &g->timer);
    if (g->child.pid == 0)
        return;
    if (sb_queue_len(&g->unsent))
        give_up_on(bus);
    sb_source_close(bus->poller, &g->child.in);
    bool has_notice = sb_source_is_open(&g->child.exit);
    g->kill_at = sb_clock_ms() + CLOSE_MS;
    sb_timer_set(&bus->timers, &g->timer, has_notice ? g->kill_at : sb_clock_ms() + WATCH_MS);
}

void sb_guard_end(sb_bus *bus) {
    sb_guard *g = &bus->guard;
    sb_guard_close(bus);
    if (g->child.pid == 0)
        return;
    sb_exit ignored;
    sb_child_wait(&g->child, CLOSE_MS);
    sb_child_kill(&g->child);
    sb_child_wait(&g->child, CLOSE_MS);
    sb_child_reap(bus->poller, &g->child, &ignored);
    sb_timer_clear(&bus->timers, &g->timer);
}
