/* route_again.c: messages that were routed before but could not be sent: they waited in the pool,
 * or their worker ended before it saw them. Nothing is scanned a second time. */
#include <stdio.h>

#include "annotation.h"
#include "call.h"
#include "pool.h"
#include "route.h"
#include "session.h"
#include "worker.h"
#include "worker_exit.h"

/* Sends the message of a call to a worker of its pool. The message has the id and the token of
 * its last placing in it, at places that were noted then. */
static bool place_again(sb_pool *pool, sb_call *call, sb_worker *w, const char *msg, size_t len) {
    size_t id_len = call->wire.p ? call->wire.len : call->id.len;
    size_t token_len = call->token_wire.p ? call->token_wire.len : call->token.len;
    size_t id_at = call->id_at, token_at = call->token_at;
    if (!sb_call_place(pool->bus, call, w, NULL))
        return false;
    sb_edits edits = {.count = 0};
    sb_edits_replace(&edits, id_at, id_at + id_len, call->wire.p, call->wire.len);
    if (call->token.p)
        sb_edits_replace(&edits, token_at, token_at + token_len, call->token_wire.p,
                         call->token_wire.len);
    call->id_at = sb_edits_position(&edits, id_at);
    call->token_at = sb_edits_position(&edits, token_at);
    call->begin = sb_queue_tail(&w->out);
    bool written = sb_worker_write(w, msg, len, &edits);
    call->end = sb_queue_tail(&w->out);
    if (written && call->tells)
        sb_notify_placed(pool->bus, call);
    return written;
}

static sb_worker *choose_again(sb_pool *pool, sb_session *session) {
    sb_worker *w = session ? session->worker : NULL;
    if (!w || !sb_worker_is_running(w))
        w = sb_pool_choose(pool, session ? SB_BY_SESSIONS : SB_BY_TURN);
    if (w && session)
        sb_session_bind(session, w);
    return w;
}

void sb_route_held(sb_pool *pool, sb_held *held) {
    static const sb_edits none = {.count = 0};
    sb_worker *w = choose_again(pool, held->call ? held->call->session : held->session);
    bool full = w && sb_worker_is_full(w, held->len);
    if (w && !full && held->call && place_again(pool, held->call, w, held->data, held->len))
        return;
    if (w && !full && !held->call && sb_worker_write(w, held->data, held->len, &none))
        return;
    if (!held->call) {
        pool->bus->counters.dropped_notifications++;
        return;
    }
    sb_limit_members more =
        sb_tell_limit("max_output_queue", pool->bus->config.limits.max_output_queue);
    sb_fault fault = {.code = SB_QUEUE_FULL,
                      .message = "Queue full",
                      .pool = pool,
                      .worker = -1,
                      .reason = "max_output_queue is reached",
                      .written = -1,
                      .more = more.text};
    sb_call_fail(pool->bus, held->call, &fault);
}

void sb_route_again(sb_worker *from, sb_call *call, const char *msg, size_t len) {
    static const sb_edits none = {.count = 0};
    sb_pool *pool = from->pool;
    sb_bus *bus = pool->bus;
    sb_worker *w = choose_again(pool, call->session);
    bool moved = false;
    if (w && !sb_worker_is_full(w, len))
        moved = place_again(pool, call, w, msg, len);
    else if (!w && sb_pool_expects_worker(pool))
        moved = sb_pool_hold(pool, call, call->session, msg, len, &none);
    if (moved) {
        bus->counters.requeued++;
        return;
    }
    sb_fault fault = sb_exit_fault(from, false);
    sb_call_fail(bus, call, &fault);
}
