/* worker.c: how a worker starts and ends. What becomes of its requests is in worker_exit.c. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotation.h"
#include "client.h"
#include "decline.h"
#include "embedded.h"
#include "guard.h"
#include "handshake.h"
#include "pool.h"
#include "worker_exit.h"

enum {
    WATCH_MS = 20,   /* how often to ask for the exit where the system gives no notice */
    BROKEN_MS = 1000 /* how long a worker without stdin or stdout may take to exit */
};

static void on_timer(void *owner);

static void on_stall(void *owner) {
    sb_worker *w = owner;
    sb_worker_log(w, STDIO_BUS_LOG_WARN, "has not read its stdin for %u s: it is replaced",
                  (unsigned)w->bus->config.limits.backpressure_timeout_sec);
    sb_worker_condemn(w, "did not read its stdin within backpressure_timeout_sec");
}

static void on_watch(void *owner) {
    sb_worker *w = owner;
    sb_timer_set(&w->bus->timers, &w->watch, sb_clock_ms() + WATCH_MS);
    sb_worker_check_exit(w);
}

sb_worker *sb_worker_new(sb_bus *bus, sb_pool *pool) {
    if (bus->worker_count == bus->worker_cap) {
        size_t cap = bus->worker_cap ? 2 * bus->worker_cap : 8;
        sb_worker **workers = realloc(bus->workers, cap * sizeof(sb_worker *));
        if (!workers)
            return NULL;
        bus->workers = workers;
        bus->worker_cap = cap;
    }
    if (!sb_timers_announce(&bus->timers, bus->timer_count + 3))
        return NULL;
    sb_worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->bus = bus;
    w->pool = pool;
    w->id = (int)bus->worker_count;
    if (!sb_annotation_prepare(w)) {
        free(w);
        return NULL;
    }
    bus->timer_count += 3;
    w->state = STDIO_BUS_WORKER_STOPPED;
    w->child = (sb_child){.in = SB_SOURCE_CLOSED,
                          .out = SB_SOURCE_CLOSED,
                          .err = SB_SOURCE_CLOSED,
                          .exit = SB_SOURCE_CLOSED};
    sb_link *lists[] = {&w->calls,        &w->asked,      &w->ghosts, &w->sessions, &w->bonds,
                        &w->backlog_link, &w->dirty_link, &w->busy,   &w->decliners};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        sb_list_init(lists[i]);
    w->timer = (sb_timer){.fire = on_timer, .owner = w};
    w->stall = (sb_timer){.fire = on_stall, .owner = w};
    w->watch = (sb_timer){.fire = on_watch, .owner = w};
    bus->workers[bus->worker_count++] = w;
    return w;
}

void sb_worker_close_streams(sb_worker *w) {
    sb_bus *bus = w->bus;
    sb_source_close(bus->poller, &w->child.in);
    sb_source_close(bus->poller, &w->child.out);
    sb_source_close(bus->poller, &w->child.err);
    sb_source_close(bus->poller, &w->child.exit);
    sb_timer_clear(&bus->timers, &w->timer);
    sb_timer_clear(&bus->timers, &w->stall);
    sb_timer_clear(&bus->timers, &w->watch);
    if (w->dirty)
        sb_list_remove(&w->dirty_link);
    if (w->backlog)
        sb_list_remove(&w->backlog_link);
    w->dirty = w->backlog = w->blocked = w->close_input = false;
    sb_frame_free(&w->frame);
    sb_frame_init(&w->frame, bus->config.limits.max_input_buffer);
    sb_text_free(&w->answer);
}

void sb_worker_free(sb_worker *w) {
    sb_worker_close_streams(w);
    sb_frame_free(&w->frame);
    sb_queue_free(&w->out);
    sb_stderr_free(&w->tail);
    sb_text_free(&w->annotation);
    sb_text_free(&w->skipped);
    free(w->starts);
    free(w);
}

bool sb_worker_is_running(const sb_worker *w) {
    return w->state == STDIO_BUS_WORKER_RUNNING && !w->ending && !w->broken;
}

bool sb_worker_is_up(const sb_worker *w) {
    return w->state == STDIO_BUS_WORKER_RUNNING || w->state == STDIO_BUS_WORKER_STARTING;
}

bool sb_worker_is_alive(const sb_worker *w) {
    return w->child.pid > 0 || (w->embedded && sb_worker_is_up(w));
}

static bool has_handshake(const sb_worker *w) {
    return w->pool->config->handshake_count > 0;
}

bool sb_worker_attach(sb_worker *w) {
    w->state = has_handshake(w) ? STDIO_BUS_WORKER_STARTING : STDIO_BUS_WORKER_RUNNING;
    w->started_at_ms = sb_clock_unix_ms();
    w->greeted = 0;
    w->greeting_end = 0;
    if (!has_handshake(w))
        w->ready_at = sb_clock_ms();
    sb_child *c = &w->child;
    sb_poller *poller = w->bus->poller;
    c->in.owner = c->out.owner = c->err.owner = c->exit.owner = w;
    c->in.kind = SB_ON_WORKER_IN;
    c->out.kind = SB_ON_WORKER_OUT;
    c->err.kind = SB_ON_WORKER_ERR;
    c->exit.kind = SB_ON_WORKER_EXIT;
    return sb_poller_watch(poller, &c->out, SB_READ) == 0 &&
           sb_poller_watch(poller, &c->err, SB_READ) == 0 &&
           sb_poller_watch(poller, &c->exit, SB_READ) == 0 &&
           (has_handshake(w) || sb_pool_enter(w));
}

void sb_worker_arrive(sb_worker *w) {
    if (has_handshake(w)) {
        sb_handshake_begin(w);
        return;
    }
    sb_worker_event(w, "started");
    sb_pool_flush_held(w->pool);
}

int sb_worker_start(sb_worker *w) {
    sb_bus *bus = w->bus;
    const sb_pool_config *config = w->pool->config;
    sb_command command = {.file = config->command,
                          .args = config->args,
                          .env = config->env,
                          .inherit_env = config->inherit_env,
                          .cwd = config->cwd,
                          .capture_stderr = config->capture_stderr};
    sb_stderr_renew(&w->tail);
    sb_text_free(&w->skipped);
    sb_queue_free(&w->out);
    sb_frame_free(&w->frame);
    sb_frame_init(&w->frame, bus->config.limits.max_input_buffer);
    w->paused = 0;
    sb_clients_forget_worker(w);
    w->wants_restart = w->terminated = w->killed = false;
    w->has_skipped = w->has_answered = w->awaits_id = false;
    w->ending = NULL;
    sb_guard_prepare(bus);
    command.announce = sb_guard_pipe(bus);
    if (sb_spawn(&command, &w->child, w->reason, sizeof w->reason) != 0) {
        sb_guard_remove(bus, w->child.announced);
        return STDIO_BUS_ERR_WORKER;
    }
    sb_guard_add(bus, w->child.pid);
    if (!sb_worker_attach(w)) {
        snprintf(w->reason, sizeof w->reason, "its streams could not be watched");
        w->state = STDIO_BUS_WORKER_FAILED;
        sb_child_kill(&w->child);
        sb_child_wait(&w->child, 1000);
        sb_exit ignored;
        int64_t group = w->child.pid;
        sb_child_reap(bus->poller, &w->child, &ignored);
        sb_guard_remove(bus, group);
        sb_worker_close_streams(w);
        return STDIO_BUS_ERR_WORKER;
    }
    if (!sb_source_is_open(&w->child.exit))
        sb_timer_set(&bus->timers, &w->watch, sb_clock_ms() + WATCH_MS);
    sb_worker_log(w, STDIO_BUS_LOG_INFO, "started, pool '%s', pid %lld", config->id,
                  (long long)w->child.pid);
    sb_worker_arrive(w);
    return STDIO_BUS_OK;
}

/* --- The way out ----------------------------------------------------------------------------- */

/* Half of the time to the deadline is for the worker to see the end of its input, the other half
 * for the signal that asks it to end. */
void sb_worker_end(sb_worker *w, int64_t deadline) {
    sb_bus *bus = w->bus;
    int64_t now = sb_clock_ms();
    if (!sb_worker_is_alive(w)) {
        sb_timer_clear(&bus->timers, &w->timer);
        if (w->state == STDIO_BUS_WORKER_RESTARTING) {
            w->state = STDIO_BUS_WORKER_STOPPED;
            sb_worker_event(w, "stopped");
            sb_worker_left_pool(w);
        }
        return;
    }
    bool first = w->state != STDIO_BUS_WORKER_STOPPING;
    if (!first && deadline >= w->stop_at)
        return;
    w->stop_at = deadline;
    if (first) {
        w->state = STDIO_BUS_WORKER_STOPPING;
        sb_pool_leave(w);
        sb_worker_unbind_sessions(w);
        sb_worker_log(w, STDIO_BUS_LOG_INFO, "stopping");
        sb_worker_event(w, "stopping");
        if (w->state != STDIO_BUS_WORKER_STOPPING)
            return; /* the callback already saw to its end */
        if (w->embedded) {
            sb_worker_on_in(w);
            sb_worker_detach(w, "the bus closed it");
            return;
        }
        sb_worker_resume(w, SB_PAUSE_HOST_BITS);
        sb_decline_forget(w);
        w->close_input = true;
        if (!w->dirty && !sb_queue_len(&w->out))
            sb_source_close(bus->poller, &w->child.in);
    }
    sb_timer_set(&bus->timers, &w->timer, w->terminated ? deadline : now + (deadline - now) / 2);
}

static void climb_down(sb_worker *w) {
    sb_bus *bus = w->bus;
    if (!w->terminated && sb_clock_ms() < w->stop_at) {
        w->terminated = true;
        sb_source_close(bus->poller, &w->child.in);
        sb_child_terminate(&w->child);
        sb_timer_set(&bus->timers, &w->timer, w->stop_at);
    } else {
        w->terminated = w->killed = true;
        /* A host that steps late kills late; a stop then waits for the end all the same. */
        if (bus->workers_until < sb_clock_ms())
            bus->workers_until = sb_clock_ms();
        sb_worker_log(w, STDIO_BUS_LOG_WARN, "did not stop in time: killed");
        sb_child_kill(&w->child);
    }
}

static void on_timer(void *owner) {
    sb_worker *w = owner;
    if (w->state == STDIO_BUS_WORKER_RESTARTING)
        sb_worker_restart_now(w);
    else if (w->state == STDIO_BUS_WORKER_STOPPING)
        climb_down(w);
    else if (w->broken)
        sb_worker_condemn(w, sb_source_is_open(&w->child.out) ? "closed its stdin"
                                                              : "closed its stdout");
    else if (w->state == STDIO_BUS_WORKER_STARTING)
        sb_handshake_overdue(w);
}

void sb_worker_condemn(sb_worker *w, const char *why) {
    if (w->embedded) {
        sb_worker_detach(w, why);
        return;
    }
    sb_pool_leave(w);
    if (!w->ending)
        w->ending = why;
    w->killed = true;
    sb_child_kill(&w->child);
}

/* Usually the worker is exiting and its exit notice is on the way, so it gets a moment to say how
 * it ended. */
static void broken(sb_worker *w) {
    if (w->embedded)
        return;
    if (sb_worker_is_up(w) && !w->broken) {
        w->broken = true;
        sb_pool_leave(w);
        sb_timer_set(&w->bus->timers, &w->timer, sb_clock_ms() + BROKEN_MS);
    }
}

void sb_worker_broken_input(sb_worker *w) {
    if (w->embedded)
        sb_worker_detach(w, "its side of the stream was closed");
    else
        broken(w);
}

void sb_worker_broken_output(sb_worker *w) {
    broken(w);
    if (!sb_source_is_open(&w->child.exit))
        sb_worker_check_exit(w);
}

void sb_worker_note_full(sb_worker *w) {
    sb_bus *bus = w->bus;
    bus->counters.backpressure++;
    if (!sb_timer_is_set(&w->stall))
        sb_timer_set(&bus->timers, &w->stall,
                     sb_clock_ms() + 1000 * (int64_t)bus->config.limits.backpressure_timeout_sec);
}

void sb_worker_event(sb_worker *w, const char *event) {
    sb_bus *bus = w->bus;
    sb_notify_worker(w, event);
    if (bus->options.on_worker)
        bus->options.on_worker(bus, w->id, event, bus->options.user_data);
}
