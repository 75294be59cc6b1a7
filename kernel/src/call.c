/* call.c: the table of requests in flight. Each call stands in two hash tables, under its asker
 * and under its receiver, and in a list of each, so that an answer, a cancellation, a
 * disconnect and an exit all find theirs without a search. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_key.h"
#include "conn.h"
#include "pool.h"
#include "session.h"
#include "settled.h"

enum {
    LONGEST_NUMBER = 24, /* of one that was written another way */
    KEPT_FREE = 1024,    /* entries kept for reuse */
    MAX_GIVEN_UP = 1024  /* unanswered ids that a worker or a connection has remembered */
};

/* --- Making and freeing ----------------------------------------------------------------------- */

static sb_token store(char **at, sb_token t) {
    if (!t.p)
        return t;
    sb_token copy = {memcpy(*at, t.p, t.len), t.len};
    *at += t.len;
    return copy;
}

static void recycle(sb_bus *bus, sb_call *call) {
    if (call->text != call->inlined)
        free(call->text);
    if (bus->free_call_count >= KEPT_FREE) {
        free(call);
        return;
    }
    call->next_free = bus->free_calls;
    bus->free_calls = call;
    bus->free_call_count++;
}

sb_call *sb_call_open(sb_bus *bus, bool reverse, sb_conn *c, sb_worker *w, sb_token id, sb_key key,
                      sb_token token) {
    sb_call *call = bus->free_calls;
    if (call) {
        bus->free_calls = call->next_free;
        bus->free_call_count--;
    } else if (!(call = malloc(sizeof *call))) {
        return NULL;
    }
    memset(call, 0, offsetof(sb_call, inlined));
    sb_list_init(&call->of_conn);
    sb_list_init(&call->of_worker);
    call->reverse = reverse;

    bool same = key.p == id.p;
    size_t need = id.len + (same ? 0 : key.len) + (token.p ? 2 * token.len + LONGEST_NUMBER : 0);
    call->text = need <= sizeof call->inlined ? call->inlined : malloc(need);
    if (!call->text) {
        free(call);
        return NULL;
    }
    char *at = call->text;
    call->id = store(&at, id);
    key.p = same ? call->id.p : store(&at, (sb_token){key.p, key.len}).p;
    call->origin = sb_key_in(key, reverse ? sb_worker_asks(w) : sb_conn_asks(c));
    if (token.p) {
        call->token = store(&at, token);
        call->token_key = sb_id_key(bus, call->token);
        if (call->token_key.p != call->token.p)
            call->token_key.p = store(&at, (sb_token){call->token_key.p, call->token_key.len}).p;
    }
    if (!sb_table_add(&bus->origins, call->origin, call)) {
        recycle(bus, call);
        return NULL;
    }
    if (reverse) {
        call->worker = w;
        call->pool = w->pool;
        sb_list_append(&w->asked, &call->of_worker);
        bus->asked++;
    } else {
        call->conn = c;
        sb_list_append(&c->calls, &call->of_conn);
        c->pending++;
        bus->pending++;
    }
    return call;
}

bool sb_call_set_cookie(sb_bus *bus, sb_call *call, uint64_t cookie) {
    call->cookie = cookie;
    if (cookie && sb_table_add(&bus->cookies, sb_cookie_key(&call->cookie), call))
        return true;
    call->cookie = 0;
    return cookie == 0;
}

void sb_call_set_session(sb_call *call, sb_session *session) {
    call->session = session;
    if (session)
        sb_session_keep(session);
}

/* --- Placing ---------------------------------------------------------------------------------- */

/* An id that nobody uses, of the same type as the original: below 2^53 for a number, so that
 * every parser keeps it exact. */
static sb_token make_alias(sb_bus *bus, sb_token original, char *out, size_t room) {
    uint64_t n = ++bus->next_alias;
    int len = original.p[0] == '"' || original.p[0] == 'n'
                  ? snprintf(out, room, "\"sb:%llu\"", (unsigned long long)n)
                  : snprintf(out, room, "%llu", 9000000000000000ull - n);
    return (sb_token){out, (size_t)len};
}

/* Registers the progress token; one that is in use there is replaced by an alias, also when the
 * same connection uses it: of two calls that share a token the one that is left must not lose it to
 * somebody else. False when memory is out: a token that is not known would be taken for another's.
 */
static bool place_token(sb_bus *bus, sb_call *call, uint64_t salt) {
    call->token_wire = call->token;
    call->progress.p = NULL;
    if (!call->token.p)
        return true;
    sb_key key = sb_key_in(call->token_key, salt);
    while (sb_table_get(&bus->tokens, key)) {
        call->token_wire =
            make_alias(bus, call->token, call->token_alias, sizeof call->token_alias);
        key = sb_key_in(sb_key_of(bus, call->token_wire), salt);
    }
    if (!sb_table_add(&bus->tokens, key, call))
        return false;
    call->progress = key;
    return true;
}

bool sb_call_place(sb_bus *bus, sb_call *call, sb_worker *w, sb_conn *c) {
    uint64_t salt = call->reverse ? sb_conn_answers(c) : sb_worker_answers(w);
    sb_bond *bond = sb_bond_get(call->reverse ? c : call->conn, w);
    if (!bond)
        return false;
    call->wire = call->id;
    call->spliced = false;
    sb_key goal = sb_key_in(call->origin, salt);
    while (sb_table_get(&bus->goals, goal)) {
        call->wire = make_alias(bus, call->id, call->alias, sizeof call->alias);
        goal = sb_key_in(sb_key_of(bus, call->wire), salt);
        call->spliced = true;
    }
    call->goal = goal;
    if (!sb_table_add(&bus->goals, call->goal, call)) {
        call->goal.p = NULL;
        return false;
    }
    if (!place_token(bus, call, salt)) {
        sb_table_remove(&bus->goals, call->goal);
        call->goal.p = NULL;
        return false;
    }
    if (call->reverse) {
        call->conn = c;
        sb_list_append(&c->asked, &call->of_conn);
    } else {
        call->worker = w;
        call->pool = w->pool;
        sb_list_append(&w->calls, &call->of_worker);
        sb_bond_begin(bond);
        w->pending++;
        sb_pool_update(w);
    }
    return true;
}

static void remove_goal(sb_bus *bus, sb_call *call) {
    if (call->goal.p)
        sb_table_remove(&bus->goals, call->goal);
    if (call->progress.p)
        sb_table_remove(&bus->tokens, call->progress);
    call->goal.p = call->progress.p = NULL;
}

/* A forward call's share of its worker's load. */
static void leave_worker(sb_call *call) {
    sb_worker *w = call->worker;
    if (!w)
        return;
    sb_list_remove(&call->of_worker);
    sb_bond_end(call->conn, w);
    w->pending--;
    sb_pool_update(w);
}

void sb_call_unplace(sb_bus *bus, sb_call *call) {
    remove_goal(bus, call);
    leave_worker(call);
    call->worker = NULL;
}

void sb_call_edit(sb_call *call, const sb_scan *scan, const char *msg, sb_edits *edits) {
    size_t id_at = (size_t)(scan->id.p - msg);
    size_t token_at = call->token.p ? (size_t)(scan->meta_token.p - msg) : 0;
    if (call->spliced)
        sb_edits_replace(edits, id_at, id_at + scan->id.len, call->wire.p, call->wire.len);
    /* A call that waits for a worker has no place yet: its token stands as it came. */
    if (call->token_wire.p && call->token_wire.p != call->token.p)
        sb_edits_replace(edits, token_at, token_at + call->token.len, call->token_wire.p,
                         call->token_wire.len);
    call->id_at = sb_edits_position(edits, id_at);
    call->token_at = sb_edits_position(edits, token_at);
}

/* --- Ending ----------------------------------------------------------------------------------- */

/* Everything that ties it to its asker. */
static void leave_asker(sb_bus *bus, sb_call *call) {
    sb_table_remove(&bus->origins, call->origin);
    if (call->cookie)
        sb_table_remove(&bus->cookies, sb_cookie_key(&call->cookie));
    if (call->session)
        sb_session_release(bus, call->session);
    call->session = NULL;
    call->cookie = 0;
    if (call->held)
        sb_pool_drop_held(call->pool, call->held);
    if (call->reverse) {
        sb_list_remove(&call->of_worker);
        call->worker = NULL;
        bus->asked--;
    } else {
        leave_worker(call);
        sb_list_remove(&call->of_conn);
        call->conn->pending--;
        bus->pending--;
        call->conn = NULL;
    }
}

static void detach(sb_bus *bus, sb_call *call) {
    sb_list_remove(&call->of_worker);
    sb_list_remove(&call->of_conn);
    recycle(bus, call);
}

void sb_call_close(sb_bus *bus, sb_call *call) {
    remove_goal(bus, call);
    if (!call->reverse && !call->conn) {
        sb_settled settled = sb_settled_take(call);
        call->worker->ghost_count--;
        detach(bus, call);
        sb_settled_tell(bus, &settled);
        return;
    }
    if (call->reverse && !call->worker)
        call->conn->ghost_count--;
    else
        leave_asker(bus, call);
    detach(bus, call);
}

/* A connection that is slow to answer a worker that has ended meanwhile must not answer the next
 * process, which may count its requests from the same number. */
static void give_up_asked(sb_bus *bus, sb_call *call) {
    sb_conn *c = call->conn;
    leave_asker(bus, call);
    sb_list_remove(&call->of_conn);
    sb_list_append(&c->ghosts, &call->of_conn);
    if (++c->ghost_count > MAX_GIVEN_UP)
        sb_call_close(bus, SB_ENTRY(c->ghosts.next, sb_call, of_conn));
}

/* The id and the token must not be used again at that receiver while its answer or its progress may
 * still come: another request under the same would get them. So the entry stays, without its
 * asker. */
void sb_call_give_up(sb_bus *bus, sb_call *call) {
    sb_worker *w = call->worker;
    if (call->reverse) {
        give_up_asked(bus, call);
        return;
    }
    call->asker = call->conn->id;
    if (!w) {
        sb_settled settled = sb_settled_take(call);
        sb_call_close(bus, call);
        sb_settled_tell(bus, &settled);
        return;
    }
    uint64_t cookie = call->cookie;
    leave_asker(bus, call);
    call->cookie = cookie;
    sb_list_append(&w->ghosts, &call->of_worker);
    if (++w->ghost_count > MAX_GIVEN_UP)
        sb_call_close(bus, SB_ENTRY(w->ghosts.next, sb_call, of_worker));
}

void sb_calls_forget_given_up(sb_bus *bus, sb_conn *c) {
    while (!sb_list_is_empty(&c->ghosts))
        sb_call_close(bus, SB_ENTRY(c->ghosts.next, sb_call, of_conn));
}

void sb_calls_free(sb_bus *bus) {
    size_t at = 0;
    for (sb_call *call; (call = sb_table_next(&bus->goals, &at));) {
        if (call->text != call->inlined)
            free(call->text);
        free(call);
    }
    for (sb_call *call; (call = bus->free_calls);) {
        bus->free_calls = call->next_free;
        free(call);
    }
    sb_table_free(&bus->goals);
    sb_table_free(&bus->origins);
    sb_table_free(&bus->tokens);
    sb_table_free(&bus->cookies);
}
