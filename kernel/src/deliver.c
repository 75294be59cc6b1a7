/* deliver.c: from a worker to the connection that a line belongs to. */
#include "deliver.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "conn.h"
#include "handshake.h"
#include "session.h"
#include "skipped.h"
#include "worker.h"

static size_t decode_name(sb_bus *bus, sb_token token) {
    sb_text_clear(&bus->name);
    char *room = sb_text_extend(&bus->name, token.len);
    if (!room)
        return 0;
    return sb_json_decode(token, room);
}

static sb_session *session_of(sb_worker *w, sb_token token) {
    if (!token.p)
        return NULL;
    size_t len = decode_name(w->bus, token);
    return len ? sb_session_find(w->bus, w->pool, w->bus->name.p, len) : NULL;
}

void sb_restore_session(sb_edits *edits, const char *msg, const sb_session *s, sb_text *member) {
    size_t at = (size_t)(strchr(msg, '{') + 1 - msg);
    sb_text_put(member, "\"sessionId\":");
    sb_text_quoted(member, s->name, s->len);
    sb_text_put(member, ",");
    if (!member->failed)
        sb_edits_replace(edits, at, at, member->p, member->len);
}

/* Whether a message for this connection gets its session put back at the top level. */
static bool wants_session(const sb_worker *w, const sb_scan *scan, const sb_session *s,
                          const sb_conn *to) {
    return w->pool->config->standard && s && s->enveloped && s->owned && s->owner == to->id &&
           !scan->session.p;
}

/* --- Answers ------------------------------------------------------------------------------- */

void sb_drop_late_answer(sb_worker *w, sb_call *call, sb_token id) {
    w->bus->counters.late_replies++;
    sb_worker_log(w, STDIO_BUS_LOG_DEBUG, "dropped an answer nobody waits for, id %.*s",
                  (int)(id.len < 100 ? id.len : 100), id.p);
    if (call)
        sb_call_close(w->bus, call);
}

/* The session that an answer opens belongs to the worker that answered and to its asker. */
static void learn_session(sb_worker *w, const sb_call *call, sb_token token) {
    sb_bus *bus = w->bus;
    size_t len = decode_name(bus, token);
    sb_session *s = len ? sb_session_open(bus, w->pool, bus->name.p, len) : NULL;
    if (!s)
        return;
    sb_session_bind(s, w);
    sb_session_claim(bus, s, call->conn, false);
}

static void deliver_answer(sb_worker *w, const sb_scan *scan, const char *line, size_t len) {
    sb_bus *bus = w->bus;
    if (sb_handshake_takes(w, scan))
        return;
    sb_call *call = sb_call_given_to_worker(bus, w, sb_id_key(bus, scan->id));
    if (!call || !call->conn) {
        sb_drop_late_answer(w, call, scan->id);
        return;
    }
    if (scan->result_session.p)
        learn_session(w, call, scan->result_session);

    sb_text member = {0};
    sb_edits edits = {.count = 0};
    sb_edits_token(&edits, line, scan->id, call->id);
    if (call->enveloped && w->pool->config->standard && !scan->session.p)
        sb_restore_session(&edits, line, call->session, &member);

    sb_session *session = call->session;
    sb_origin origin = {.kind = STDIO_BUS_RESPONSE,
                        .worker = w,
                        .pool = w->pool,
                        .session = session ? session->name : NULL,
                        .cookie = call->cookie,
                        .answered = call};
    if (session)
        sb_session_keep(session);
    if (!sb_conn_deliver(bus, call->conn, line, len, &edits, &origin))
        bus->counters.late_replies++;
    if (session)
        sb_session_release(bus, session);
    sb_text_free(&member);
}

/* --- Requests ------------------------------------------------------------------------------- */

/* The connection of the session that the message names, if that is known and lives. */
static sb_conn *owner_of(sb_worker *w, const sb_scan *scan, sb_session **session) {
    sb_session *s = session_of(w, scan->session);
    if (!s)
        s = session_of(w, scan->params_session);
    *session = s;
    return s ? sb_session_owner(w->bus, s) : NULL;
}

/* The connection with requests in flight there, when it is only one. */
static sb_conn *only_asker(const sb_worker *w) {
    const sb_link *first = w->busy.next;
    if (first == &w->busy || first->next != &w->busy)
        return NULL;
    return SB_ENTRY(first, sb_bond, busy)->conn;
}

static sb_conn *only_client(const sb_worker *w) {
    sb_conn *only = NULL;
    for (const sb_link *at = w->bonds.next; at != &w->bonds; at = at->next) {
        sb_conn *c = SB_ENTRY(at, sb_bond, of_worker)->conn;
        if (!c->client || c->client->closing || c->silent)
            continue;
        if (only)
            return NULL;
        only = c;
    }
    return only;
}

static bool can_answer(sb_bus *bus, const sb_conn *c) {
    return c && !c->silent && (c->client ? !c->client->closing : sb_host_listens(bus));
}

static void refuse(sb_worker *w, sb_token id, int code, const char *message, const char *reason,
                   const char *more) {
    sb_fault fault = {.code = code,
                      .message = message,
                      .pool = w->pool,
                      .worker = w->id,
                      .reason = reason,
                      .written = -1,
                      .more = more};
    w->bus->stats.routing_errors++;
    sb_reply_error_to_worker(w, id, &fault);
}

static void refuse_repeated(sb_worker *w, sb_token id) {
    sb_text more = {0};
    sb_text_put(&more, ",\"id\":");
    sb_text_add(&more, id.p, id.len);
    refuse(w, (sb_token){0}, SB_INVALID_REQUEST, "Invalid Request",
           "a request with this id is in flight already", more.failed ? NULL : more.p);
    sb_text_free(&more);
}

static void refuse_full(sb_worker *w, sb_token id) {
    sb_limit_members more = sb_tell_limit("max_pending", w->bus->config.limits.max_pending);
    refuse(w, id, SB_QUEUE_FULL, "Table full", "max_pending requests are in flight", more.text);
}

/* Who answers a request: the client of its session or the only one with requests in flight there,
 * else the host, else the only client. A session that is, or was, somebody's is not shown to
 * another client. */
static sb_conn *who_answers(sb_worker *w, const sb_scan *scan, sb_session **session) {
    sb_bus *bus = w->bus;
    sb_conn *to = owner_of(w, scan, session);
    bool is_private = *session && (*session)->owned;
    if (!can_answer(bus, to) && !is_private)
        to = only_asker(w);
    if (!can_answer(bus, to))
        to = &bus->host;
    if (!can_answer(bus, to) && !is_private)
        to = only_client(w);
    return can_answer(bus, to) ? to : NULL;
}

static void deliver_request(sb_worker *w, const sb_scan *scan, const char *line, size_t len) {
    sb_bus *bus = w->bus;
    if (scan->id_kind == SB_ID_OTHER) {
        refuse(w, (sb_token){0}, SB_INVALID_REQUEST, "Invalid Request",
               "the id is neither a string nor a number nor null", NULL);
        return;
    }
    sb_key key = sb_id_key(bus, scan->id);
    if (sb_call_made_by_worker(bus, w, key)) {
        refuse_repeated(w, scan->id);
        return;
    }
    sb_session *session;
    sb_conn *to = who_answers(w, scan, &session);
    if (!to) {
        refuse(w, scan->id, SB_METHOD_NOT_FOUND, "Method not found",
               "no client is there to answer a worker's request", NULL);
        return;
    }
    if (bus->asked >= bus->config.limits.max_pending) {
        refuse_full(w, scan->id);
        return;
    }
    sb_call *call = sb_call_open(bus, true, NULL, w, scan->id, key, scan->meta_token);
    if (!call || !sb_call_place(bus, call, w, to)) {
        if (call)
            sb_call_close(bus, call);
        refuse(w, scan->id, SB_QUEUE_FULL, "Table full", "out of memory", NULL);
        return;
    }
    sb_text member = {0};
    sb_edits edits = {.count = 0};
    sb_call_edit(call, scan, line, &edits);
    if (wants_session(w, scan, session, to))
        sb_restore_session(&edits, line, session, &member);
    sb_origin origin = {.kind = STDIO_BUS_REQUEST,
                        .worker = w,
                        .pool = w->pool,
                        .session = session ? session->name : NULL};
    if (session)
        sb_session_keep(session);
    bool delivered = sb_conn_deliver(bus, to, line, len, &edits, &origin);
    if (session)
        sb_session_release(bus, session);
    sb_text_free(&member);
    if (!delivered) {
        call = sb_call_made_by_worker(bus, w, sb_id_key(bus, scan->id));
        if (call)
            sb_call_close(bus, call);
        refuse(w, scan->id, SB_METHOD_NOT_FOUND, "Method not found",
               "the client that should answer is going away", NULL);
    }
}

/* --- Notifications ---------------------------------------------------------------------------- */

/* The id of the request that a notification names. "id" in params is one in $/cancelRequest only;
 * anywhere else it may be the id of anything. */
static const sb_token *named_request(const sb_scan *scan) {
    if (scan->request_id.p)
        return &scan->request_id;
    bool cancels = scan->params_id.p && sb_json_is(scan->method, "$/cancelRequest");
    return cancels ? &scan->params_id : NULL;
}

/* The call that a notification names: by progress token, or by the id of a request in either
 * direction. */
static sb_call *named_call(sb_worker *w, const sb_scan *scan, bool *names_one) {
    sb_bus *bus = w->bus;
    *names_one = false;
    if (scan->progress_token.p) {
        *names_one = true;
        return sb_call_by_worker_token(bus, w, sb_id_key(bus, scan->progress_token));
    }
    const sb_token *named = named_request(scan);
    if (!named)
        return NULL;
    *names_one = true;
    sb_key key = sb_id_key(bus, *named);
    sb_call *call = sb_call_made_by_worker(bus, w, key);
    return call ? call : sb_call_given_to_worker(bus, w, key);
}

/* The ids and tokens in the notification in the form in which its receiver knows them. */
static void edit_names(const sb_call *call, const sb_scan *scan, const char *line,
                       sb_edits *edits) {
    sb_token found = scan->progress_token;
    sb_token known = call->token;
    if (!found.p) {
        found = *named_request(scan);
        known = call->reverse ? call->wire : call->id;
    }
    sb_edits_token(edits, line, found, known);
}

/* To its owner; without one and without a key, to every client bound to the worker. The host
 * receives a copy of everything. True when somebody received it who was meant to. */
static bool hand_out(sb_worker *w, sb_conn *to, bool has_key, const char *line, size_t len,
                     const sb_edits *edits, const sb_origin *origin) {
    static const sb_edits none = {.count = 0};
    sb_bus *bus = w->bus;
    bool delivered = false;
    if (to && to->client) {
        delivered = sb_conn_deliver(bus, to, line, len, edits, origin);
    } else if (!to && !has_key) {
        for (sb_link *at = w->bonds.next; at != &w->bonds; at = at->next) {
            sb_conn *c = SB_ENTRY(at, sb_bond, of_worker)->conn;
            if (c->client && sb_conn_deliver(bus, c, line, len, &none, origin))
                delivered = true;
        }
    }
    if (sb_host_listens(bus)) {
        sb_conn_deliver(bus, &bus->host, line, len, to && to->client ? &none : edits, origin);
        /* One that names an owner nobody knows may have been a client's. */
        bool may_be_a_clients = has_key && !to && bus->client_count > 0;
        delivered = delivered || !may_be_a_clients;
    }
    return delivered;
}

/* A worker that takes its request back expects no answer, so the host need not send one to be rid
 * of it; one that is on its way already must not answer another worker's request. A client may
 * still answer: some protocols want that, and its answer closes the call. */
static void forget_cancelled(sb_worker *w, const sb_scan *scan) {
    sb_bus *bus = w->bus;
    if (!scan->request_id.p || !sb_json_is(scan->method, "notifications/cancelled"))
        return;
    sb_call *call = sb_call_made_by_worker(bus, w, sb_id_key(bus, scan->request_id));
    if (call && call->conn == &bus->host)
        sb_call_give_up(bus, call);
}

static void deliver_notification(sb_worker *w, const sb_scan *scan, const char *line, size_t len) {
    sb_bus *bus = w->bus;
    sb_session *session;
    sb_conn *to = owner_of(w, scan, &session);
    bool names_call;
    sb_edits edits = {.count = 0};
    sb_call *call = named_call(w, scan, &names_call);
    bool has_key = scan->session.p || scan->params_session.p || names_call;
    if (call && call->conn) {
        if (!to)
            to = call->conn;
        if (to == call->conn)
            edit_names(call, scan, line, &edits);
        if (!session)
            session = call->session;
    }
    if (!to && !has_key)
        to = only_asker(w);

    sb_origin origin = {.kind = STDIO_BUS_NOTIFICATION,
                        .worker = w,
                        .pool = w->pool,
                        .session = session ? session->name : NULL};
    sb_text member = {0};
    if (to && wants_session(w, scan, session, to))
        sb_restore_session(&edits, line, session, &member);
    if (session)
        sb_session_keep(session);
    bool delivered = hand_out(w, to, has_key, line, len, &edits, &origin);
    if (session)
        sb_session_release(bus, session);
    sb_text_free(&member);
    forget_cancelled(w, scan);
    if (delivered)
        return;
    bus->counters.dropped_notifications++;
    sb_worker_log(w, STDIO_BUS_LOG_DEBUG, "nobody owns the notification %.*s",
                  (int)(len < SB_EXCERPT ? len : SB_EXCERPT), line);
}

void sb_deliver_line(sb_worker *w, const char *line, size_t len) {
    sb_scan scan;
    w->messages_in++;
    w->bus->stats.messages_in++;
    switch (sb_json_scan(line, len, &scan)) {
    case SB_SCAN_OK:
        break;
    case SB_SCAN_INVALID:
        sb_skip_line(w, "not valid JSON", line, len);
        return;
    default:
        sb_skip_line(w, "not a JSON object", line, len);
        return;
    }
    if (scan.method.p && scan.id_kind != SB_ID_ABSENT)
        deliver_request(w, &scan, line, len);
    else if (scan.method.p)
        deliver_notification(w, &scan, line, len);
    else if (sb_scan_is_response(&scan) && scan.id_kind != SB_ID_OTHER)
        deliver_answer(w, &scan, line, len);
    else
        sb_skip_line(w, "not a JSON-RPC message", line, len);
}
