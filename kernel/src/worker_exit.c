#include "worker_exit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "decline.h"
#include "guard.h"
#include "handshake.h"
#include "pool.h"
#include "route.h"
#include "session.h"
#include "worker.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 5000 };

void sb_worker_unbind_sessions(sb_worker *w) {
    while (!sb_list_is_empty(&w->sessions))
        sb_session_unbind(SB_ENTRY(w->sessions.next, sb_session, of_worker));
}

/* The lines in the queue, without those of the handshake, which is nobody's message. */
static size_t count_lines(const sb_queue *q, uint64_t from) {
    size_t lines = 0, left = sb_queue_len(q);
    size_t skipped = from > q->written ? (size_t)(from - q->written) : 0;
    if (skipped > left)
        skipped = left;
    left -= skipped;
    for (const char *p = sb_queue_data(q) + skipped; left;) {
        const char *newline = memchr(p, '\n', left);
        if (!newline)
            break;
        lines++;
        left -= (size_t)(newline + 1 - p);
        p = newline + 1;
    }
    return lines;
}

sb_fault sb_exit_fault(const sb_worker *w, bool written) {
    return (sb_fault){.code = SB_WORKER_EXITED,
                      .message = "Worker exited",
                      .pool = w->pool,
                      .worker = w->id,
                      .reason = w->reason,
                      .exit = w->embedded ? NULL : &w->last_exit,
                      .stderr_tail = w->embedded ? NULL : sb_stderr_own_text(&w->tail),
                      .written = written};
}

/* Requests of which the worker has not seen a byte go to another one, in their order. The others
 * are answered with the reason of the exit; `written` says whether the worker had the whole
 * request, so that the caller knows whether it may have been carried out. */
void sb_worker_settle_calls(sb_worker *w) {
    sb_bus *bus = w->bus;
    sb_queue unsent = w->out;
    w->out = (sb_queue){0};
    sb_pool_leave(w);
    sb_decline_forget(w);
    sb_worker_unbind_sessions(w);

    size_t unsent_lines = unsent.buf ? count_lines(&unsent, w->greeting_end) : 0;
    sb_link moving;
    sb_list_init(&moving);
    for (sb_link *at = w->calls.next, *next; at != &w->calls; at = next) {
        sb_call *call = SB_ENTRY(at, sb_call, of_worker);
        next = at->next;
        if (call->end > unsent.written)
            unsent_lines--;
        if (call->begin < unsent.written || call->pinned)
            continue;
        sb_call_unplace(bus, call);
        sb_list_append(&moving, &call->of_worker);
    }
    bus->counters.dropped_notifications += unsent_lines;

    while (!sb_list_is_empty(&moving)) {
        sb_call *call = SB_ENTRY(moving.next, sb_call, of_worker);
        const char *msg = sb_queue_data(&unsent) + (call->begin - unsent.written);
        size_t len = (size_t)(call->end - call->begin) - 1;
        sb_list_remove(&call->of_worker);
        sb_route_again(w, call, msg, len);
    }
    while (!sb_list_is_empty(&w->asked))
        sb_call_give_up(bus, SB_ENTRY(w->asked.next, sb_call, of_worker));
    while (!sb_list_is_empty(&w->ghosts))
        sb_call_close(bus, SB_ENTRY(w->ghosts.next, sb_call, of_worker));
    /* A worker that the bus itself ended did not fail: its requests met the end of the bus. */
    bool closing = bus->state > STDIO_BUS_STATE_RUNNING && bus->phase != SB_STOP_DRAIN;
    while (!sb_list_is_empty(&w->calls)) {
        sb_call *call = SB_ENTRY(w->calls.next, sb_call, of_worker);
        sb_fault fault = sb_exit_fault(w, call->end <= unsent.written);
        if (closing) {
            fault.code = SB_SHUTTING_DOWN;
            fault.message = "Shutting down";
            fault.reason = "the bus stopped before the worker answered";
            fault.exit = NULL;
            fault.stderr_tail = NULL;
        }
        sb_call_fail(bus, call, &fault);
    }
    sb_queue_free(&unsent);
}

sb_fault sb_no_worker_fault(const sb_pool *pool, char *reason, size_t len) {
    const sb_worker *last = pool->last_lost;
    sb_fault fault = {.code = SB_NO_WORKER,
                      .message = "No worker available",
                      .pool = pool,
                      .worker = -1,
                      .reason = reason,
                      .written = -1};
    int used = snprintf(reason, len, "every worker of the pool has failed or was stopped");
    if (!last || !last->reason[0])
        return fault;
    snprintf(reason + used, len - (size_t)used, "; the last one, worker %d, %s", last->id,
             last->reason);
    if (!last->embedded) {
        fault.exit = last->has_exited ? &last->last_exit : NULL;
        fault.stderr_tail = sb_stderr_own_text(&last->tail);
    }
    return fault;
}

void sb_worker_left_pool(sb_worker *w) {
    sb_pool *pool = w->pool;
    char reason[SB_NO_WORKER_REASON];
    pool->last_lost = w;
    if (pool->running || sb_pool_expects_worker(pool))
        return;
    sb_fault fault = sb_no_worker_fault(pool, reason, sizeof reason);
    if (w->bus->state > STDIO_BUS_STATE_RUNNING)
        fault = (sb_fault){.code = SB_SHUTTING_DOWN,
                           .message = "Shutting down",
                           .pool = pool,
                           .worker = -1,
                           .reason = "the bus is stopping"};
    sb_pool_fail_held(pool, &fault);
}

/* --- Restart --------------------------------------------------------------------------------- */

/* Whether another restart is allowed now; if so, it is noted. *delay is the back-off before it:
 * doubled with each restart within the window, and spread by a fifth so that workers that
 * failed together do not come back together. */
static bool allow_restart(sb_worker *w, int64_t *delay) {
    const sb_limits *limits = &w->bus->config.limits;
    int64_t now = sb_clock_ms();
    size_t kept = 0;
    /* Of one that never gets ready each start may take longer than the window, which therefore
     * holds all of them. */
    for (size_t i = 0; i < w->start_count; i++)
        if (now - w->starts[i] < 1000 * (int64_t)limits->restart_window_sec ||
            w->starts[i] > w->ready_at)
            w->starts[kept++] = w->starts[i];
    w->start_count = kept;
    if (kept >= limits->max_restarts)
        return false;
    if (kept == w->start_cap) {
        size_t cap = w->start_cap ? 2 * w->start_cap : 8;
        int64_t *starts = realloc(w->starts, cap * sizeof *starts);
        if (!starts)
            return false;
        w->starts = starts;
        w->start_cap = cap;
    }
    w->starts[w->start_count++] = now;
    int64_t base = kept < 6 ? BACKOFF_FIRST_MS << kept : BACKOFF_MAX_MS;
    if (base > BACKOFF_MAX_MS)
        base = BACKOFF_MAX_MS;
    *delay = base - base / 10 + (int64_t)(sb_random() % (uint64_t)(base / 5));
    return true;
}

static void schedule(sb_worker *w, int64_t delay) {
    w->state = STDIO_BUS_WORKER_RESTARTING;
    sb_timer_set(&w->bus->timers, &w->timer, sb_clock_ms() + delay);
}

/* Chooses the state after an exit, before anybody is told of it. */
static void choose_next_state(sb_worker *w, bool stopping) {
    int64_t delay = 0;
    if (w->bus->state > STDIO_BUS_STATE_RUNNING || (stopping && !w->wants_restart))
        w->state = STDIO_BUS_WORKER_STOPPED;
    else if (stopping)
        schedule(w, 0);
    else if (allow_restart(w, &delay))
        schedule(w, delay);
    else
        w->state = STDIO_BUS_WORKER_FAILED;
    w->wants_restart = false;
}

static void announce(sb_worker *w) {
    sb_bus *bus = w->bus;
    switch (w->state) {
    case STDIO_BUS_WORKER_RESTARTING:
        sb_worker_log(w, STDIO_BUS_LOG_WARN, "%s; restarts in %lld ms", w->reason,
                      (long long)(w->timer.due - sb_clock_ms()));
        sb_worker_event(w, "restarting");
        break;
    case STDIO_BUS_WORKER_FAILED:
        if (w->ending == w->failure)
            sb_worker_log(w, STDIO_BUS_LOG_ERROR, "%s; failed: %u restarts are the limit",
                          w->reason, (unsigned)bus->config.limits.max_restarts);
        else
            sb_worker_log(w, STDIO_BUS_LOG_ERROR,
                          "%s; failed: %u restarts within %u s are the limit", w->reason,
                          (unsigned)bus->config.limits.max_restarts,
                          (unsigned)bus->config.limits.restart_window_sec);
        sb_worker_event(w, "failed");
        break;
    default:
        sb_worker_log(w, STDIO_BUS_LOG_INFO, "stopped: %s", w->reason);
        sb_worker_event(w, "stopped");
        break;
    }
    sb_worker_left_pool(w);
}

void sb_worker_restart_now(sb_worker *w) {
    w->restarts++;
    w->bus->stats.worker_restarts++;
    if (sb_worker_start(w) == STDIO_BUS_OK)
        return;
    choose_next_state(w, false);
    sb_report(w->bus, STDIO_BUS_ERR_WORKER, "[worker=%d] pool '%s': %s", w->id, w->pool->config->id,
              w->reason);
    announce(w);
}

/* --- Exit --------------------------------------------------------------------------------------
 */

void sb_exit_words(const sb_exit *e, char *words, size_t len) {
    if (!e->known)
        snprintf(words, len, "exited, its status was taken by another part of the host");
    else if (e->signal && sb_signal_name(e->signal))
        snprintf(words, len, "was ended by %s", sb_signal_name(e->signal));
    else if (e->signal)
        snprintf(words, len, "was ended by signal %d", e->signal);
    else
        snprintf(words, len, "exited with code %d", e->code);
}

static void describe_exit(sb_worker *w) {
    const char *awaited = sb_handshake_awaited(w);
    char words[96];
    if (w->ending == w->failure) {
        snprintf(w->reason, sizeof w->reason, "%s", w->failure);
        return;
    }
    if (w->ending) {
        snprintf(w->reason, sizeof w->reason, "%s and was replaced", w->ending);
        return;
    }
    sb_exit_words(&w->last_exit, words, sizeof words);
    if (awaited)
        snprintf(w->reason, sizeof w->reason, "%s during its handshake, at '%.60s'", words,
                 awaited);
    else
        snprintf(w->reason, sizeof w->reason, "%s", words);
}

void sb_worker_check_exit(sb_worker *w) {
    sb_bus *bus = w->bus;
    int64_t group = w->child.pid;
    if (group == 0 || !sb_child_reap(bus->poller, &w->child, &w->last_exit))
        return;
    sb_guard_remove(bus, group);
    sb_worker_read_rest(w);
    bool stopping = w->state == STDIO_BUS_WORKER_STOPPING;
    sb_pool_leave(w);
    w->has_exited = true;
    w->broken = false;
    describe_exit(w);
    sb_worker_close_streams(w);
    choose_next_state(w, stopping);
    stdio_bus_worker_state_t chosen = w->state;
    sb_worker_settle_calls(w);
    /* A callback may have asked for another state, which was announced then. */
    if (w->state == chosen)
        announce(w);
}
