/* pool.c: two binary heaps over the running workers of a pool, one for each order of choice. A
 * change of load moves a worker by as many places as it must, so choosing costs the same with 2
 * workers as with 256. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "reply.h"
#include "route.h"
#include "session.h"
#include "worker.h"

static bool before(int order, const sb_worker *a, const sb_worker *b) {
    if (a->pending != b->pending)
        return a->pending < b->pending;
    if (order == SB_BY_SESSIONS && a->session_count != b->session_count)
        return a->session_count < b->session_count;
    if (a->turn != b->turn)
        return a->turn < b->turn;
    return a->id < b->id;
}

static void put(sb_pool *pool, int order, sb_worker *w, size_t at) {
    pool->order[order][at - 1] = w;
    w->place[order] = at;
}

static void settle(sb_pool *pool, int order, size_t at) {
    sb_worker **heap = pool->order[order];
    sb_worker *w = heap[at - 1];
    for (; at > 1 && before(order, w, heap[at / 2 - 1]); at /= 2)
        put(pool, order, heap[at / 2 - 1], at);
    for (size_t child; (child = 2 * at) <= pool->running; at = child) {
        if (child < pool->running && before(order, heap[child], heap[child - 1]))
            child++;
        if (!before(order, heap[child - 1], w))
            break;
        put(pool, order, heap[child - 1], at);
    }
    put(pool, order, w, at);
}

bool sb_pool_enter(sb_worker *w) {
    sb_pool *pool = w->pool;
    if (w->place[0])
        return true;
    if (pool->running == pool->capacity) {
        size_t capacity = pool->capacity ? 2 * pool->capacity : 4;
        for (int o = 0; o < SB_ORDERS; o++) {
            sb_worker **heap = realloc(pool->order[o], capacity * sizeof(sb_worker *));
            if (!heap)
                return false;
            pool->order[o] = heap;
        }
        pool->capacity = capacity;
    }
    pool->running++;
    for (int o = 0; o < SB_ORDERS; o++) {
        put(pool, o, w, pool->running);
        settle(pool, o, pool->running);
    }
    return true;
}

void sb_pool_leave(sb_worker *w) {
    sb_pool *pool = w->pool;
    if (!w->place[0])
        return;
    size_t last_place = pool->running--;
    for (int o = 0; o < SB_ORDERS; o++) {
        size_t at = w->place[o];
        sb_worker *last = pool->order[o][last_place - 1];
        w->place[o] = 0;
        if (last == w)
            continue;
        put(pool, o, last, at);
        settle(pool, o, at);
    }
}

void sb_pool_update(sb_worker *w) {
    if (!w->place[0] || w->pool->running == 1)
        return;
    for (int o = 0; o < SB_ORDERS; o++)
        settle(w->pool, o, w->place[o]);
}

sb_worker *sb_pool_choose(sb_pool *pool, int order) {
    if (!pool->running)
        return NULL;
    sb_worker *w = pool->order[order][0];
    w->turn = ++pool->turn;
    sb_pool_update(w);
    return w;
}

bool sb_pool_expects_worker(const sb_pool *pool) {
    const sb_bus *bus = pool->bus;
    bool stopping = bus->state > STDIO_BUS_STATE_RUNNING;
    for (size_t i = 0; i < bus->worker_count; i++) {
        const sb_worker *w = bus->workers[i];
        if (w->pool != pool)
            continue;
        /* What waits for a worker that is being greeted may still be answered while the bus drains;
         * one that ends now is not replaced any more. */
        bool is_coming = w->state == STDIO_BUS_WORKER_STARTING && !w->ending && !w->closing;
        if (is_coming && (!stopping || bus->phase == SB_STOP_DRAIN))
            return true;
        bool being_replaced = sb_worker_is_up(w) && !sb_worker_is_running(w) && !is_coming;
        bool will_return =
            w->state == STDIO_BUS_WORKER_RESTARTING || w->wants_restart || being_replaced;
        if (will_return && !stopping && !w->embedded)
            return true;
    }
    return false;
}

sb_pool *sb_pool_named(sb_bus *bus, const char *id, size_t len) {
    for (size_t i = 0; i < bus->config.pool_count; i++) {
        const char *name = bus->pools[i].config->id;
        if (strlen(name) == len && memcmp(name, id, len) == 0)
            return &bus->pools[i];
    }
    return NULL;
}

/* --- Messages that wait ------------------------------------------------------------------ */

bool sb_pool_hold(sb_pool *pool, sb_call *call, sb_session *session, const char *msg, size_t len,
                  const sb_edits *edits) {
    size_t size = sb_edits_length(edits, len);
    if (pool->held_bytes && pool->held_bytes + size > pool->bus->config.limits.max_output_queue)
        return false;
    sb_held *held = malloc(sizeof *held + size);
    if (!held)
        return false;
    held->call = call;
    held->session = session;
    held->len = size;
    sb_edits_apply(edits, msg, len, held->data);
    if (call)
        call->held = held;
    else if (session)
        sb_session_keep(session);
    sb_list_append(&pool->held, &held->link);
    pool->held_bytes += size;
    return true;
}

/* Takes it off the queue; the memory stays the caller's. */
static void detach(sb_pool *pool, sb_held *held) {
    sb_list_remove(&held->link);
    pool->held_bytes -= held->len;
    if (held->call)
        held->call->held = NULL;
    else if (held->session)
        sb_session_release(pool->bus, held->session);
}

void sb_pool_drop_held(sb_pool *pool, sb_held *held) {
    detach(pool, held);
    free(held);
}

void sb_pool_flush_held(sb_pool *pool) {
    while (pool->running && !sb_list_is_empty(&pool->held)) {
        sb_held *held = SB_ENTRY(pool->held.next, sb_held, link);
        detach(pool, held);
        sb_route_held(pool, held);
        free(held);
    }
}

void sb_pool_fail_held(sb_pool *pool, const sb_fault *fault) {
    while (!sb_list_is_empty(&pool->held)) {
        sb_held *held = SB_ENTRY(pool->held.next, sb_held, link);
        sb_call *call = held->call;
        sb_pool_drop_held(pool, held);
        if (call)
            sb_call_fail(pool->bus, call, fault);
        else
            pool->bus->counters.dropped_notifications++;
    }
}
