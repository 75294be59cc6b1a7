/* locate.c: which worker a message from a connection is for: pool, session, least load. */
#include <stdio.h>
#include <string.h>

#include "pool.h"
#include "reply.h"
#include "route_in.h"
#include "session.h"
#include "worker.h"

static int refuse_pool(sb_incoming *in, const char *name, size_t len) {
    sb_bus *bus = in->bus;
    sb_text reason = {0}, more = {0};
    if (name) {
        sb_text_put(&reason, "no pool is named '");
        sb_text_add(&reason, name, len < 200 ? len : 200);
        sb_text_put(&reason, "'; pools: ");
    } else {
        sb_text_put(&reason, "the message names no pool and there are several; pools: ");
    }
    sb_text_put(&more, ",\"pools\":[");
    for (size_t i = 0; i < bus->config.pool_count; i++) {
        const char *id = bus->config.pools[i].id;
        sb_text_put(&reason, i ? ", " : "");
        sb_text_put(&reason, id);
        sb_text_put(&more, i ? "," : "");
        sb_text_quoted(&more, id, strlen(id));
    }
    sb_text_put(&more, "]");
    int code = sb_refuse(in, SB_BAD_POOL, "Unknown pool", reason.p, more.failed ? NULL : more.p);
    sb_text_free(&reason);
    sb_text_free(&more);
    return code;
}

/* Fills in->pool from the route or the message. 0, or 1 when refused with *code. */
static int find_pool(sb_incoming *in, int *code) {
    sb_bus *bus = in->bus;
    const char *name = in->route ? in->route->pool : NULL;
    size_t len = name ? strlen(name) : 0;
    sb_text decoded = {0};
    if (!name && !in->verbatim && in->scan.pool.p) {
        char *room = sb_text_extend(&decoded, in->scan.pool.len);
        if (room) {
            len = sb_json_decode(in->scan.pool, room);
            name = room;
        }
    }
    if (name) {
        in->pool = sb_pool_named(bus, name, len);
        in->pool_named = true;
        if (!in->pool)
            *code = refuse_pool(in, name, len);
    }
    sb_text_free(&decoded);
    return name && !in->pool;
}

void sb_name_session(sb_incoming *in) {
    sb_token token = {0};
    if (in->route && in->route->session && in->route->session[0]) {
        sb_text_put(&in->name, in->route->session);
        in->name_len = in->name.len;
        in->opens = true;
    } else if (!in->verbatim && in->scan.session.p) {
        token = in->scan.session;
        in->opens = in->enveloped = true;
    } else {
        token = in->scan.params_session;
    }
    if (token.p) {
        char *room = sb_text_extend(&in->name, token.len);
        in->name_len = room ? sb_json_decode(token, room) : 0;
        if (in->name.p)
            in->name.p[in->name_len] = '\0';
    }
    if (!in->name_len)
        in->enveloped = in->opens = false;
}

static void find_session(sb_incoming *in) {
    if (!in->name_len)
        return;
    bool pool_is_certain = in->pool_named || in->pinned;
    in->session =
        sb_session_find(in->bus, pool_is_certain ? in->pool : NULL, in->name.p, in->name_len);
    if (in->session && !in->pool)
        in->pool = in->session->pool;
}

/* The worker the route names. 1 when refused. */
static int find_pinned(sb_incoming *in, int *code) {
    sb_bus *bus = in->bus;
    int id = in->route ? in->route->worker_id : -1;
    if (id < 0)
        return 0;
    char reason[80];
    sb_worker *w = (size_t)id < bus->worker_count ? bus->workers[id] : NULL;
    if (w && sb_worker_is_running(w)) {
        in->worker = w;
        in->pool = w->pool;
        in->pinned = true;
        return 0;
    }
    snprintf(reason, sizeof reason, w ? "worker %d does not run" : "there is no worker %d", id);
    in->pool = w ? w->pool : in->pool;
    *code = sb_refuse(in, SB_NO_WORKER, "No worker available", reason, NULL);
    return 1;
}

/* Chooses the worker; leaves it NULL when the message is to wait in the pool. 1 when refused. */
static int choose_worker(sb_incoming *in, int *code) {
    sb_bus *bus = in->bus;
    if (in->opens && !in->session) {
        in->session = sb_session_open(bus, in->pool, in->name.p, in->name_len);
        if (!in->session) {
            *code = sb_refuse_full(in, "max_sessions", bus->config.limits.max_sessions);
            return 1;
        }
    }
    if (in->worker)
        return 0;
    if (in->session && in->session->worker && sb_worker_is_running(in->session->worker))
        in->worker = in->session->worker;
    else
        in->worker = sb_pool_choose(in->pool, in->session ? SB_BY_SESSIONS : SB_BY_TURN);
    if (in->worker || sb_pool_expects_worker(in->pool))
        return 0;
    *code = sb_refuse_no_worker(in);
    return 1;
}

int sb_locate(sb_incoming *in, int *code) {
    if (find_pool(in, code))
        return 1;
    if (!in->pool && in->bus->config.pool_count == 1)
        in->pool = &in->bus->pools[0];
    if (find_pinned(in, code))
        return 1;
    find_session(in);
    if (!in->pool) {
        *code = refuse_pool(in, NULL, 0);
        return 1;
    }
    sb_find_named_call(in);
    return in->moot ? 0 : choose_worker(in, code);
}
