/* route.c: what a message from a connection is, and its sending to the worker that it is for. */
#include "route.h"

#include <string.h>

#include "call.h"
#include "conn.h"
#include "control.h"
#include "json_token.h"
#include "pool.h"
#include "route_in.h"
#include "session.h"
#include "worker.h"

/* --- Sending ---------------------------------------------------------------------------------- */

/* A request may carry a session in its params that nobody opened yet (a session that is loaded
 * again): from now on it belongs to the worker that got the request, and to its sender. */
static void learn_params_session(sb_incoming *in) {
    if (in->session || in->opens || !in->name_len)
        return;
    in->session = sb_session_open(in->bus, in->pool, in->name.p, in->name_len);
}

static void settle_session(sb_incoming *in) {
    if (!in->session)
        return;
    const sb_worker *bound = in->session->worker;
    /* A cancellation may go to another pool than that of the session it names. */
    if (in->worker && in->worker->pool == in->session->pool &&
        (!bound || !sb_worker_is_running(bound)))
        sb_session_bind(in->session, in->worker);
    sb_session_claim(in->bus, in->session, in->conn, in->enveloped);
    /* Keeping it for a moment makes it the most recently used. */
    sb_session_keep(in->session);
    sb_session_release(in->bus, in->session);
}

int sb_strip_envelope(sb_incoming *in, int *code) {
    if (!in->pool->config->standard || in->verbatim)
        return 0;
    if (in->scan.envelope_repeated) {
        *code = sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                          "a member of the envelope is given twice", NULL);
        return 1;
    }
    sb_edits_strip(&in->edits, &in->scan, in->msg, in->len);
    return 0;
}

bool sb_write_incoming(sb_incoming *in, sb_worker *w) {
    if (!sb_worker_write(w, in->msg, in->len, &in->edits))
        return false;
    size_t size = sb_edits_length(&in->edits, in->len) + 1;
    if (in->many_lines)
        sb_json_join_lines(w->out.buf + w->out.end - size, size - 1);
    return true;
}

static int send_request(sb_incoming *in) {
    sb_bus *bus = in->bus;
    const sb_limits *limits = &bus->config.limits;
    if (in->worker && sb_worker_is_full(in->worker, in->len)) {
        sb_worker_note_full(in->worker);
        return sb_refuse_full(in, "max_output_queue", limits->max_output_queue);
    }
    if (in->id_key.p != in->scan.id.p)
        in->id_key = sb_id_key(bus, in->scan.id); /* the scratch memory may have served others */
    sb_call *call =
        sb_call_open(bus, false, in->conn, NULL, in->scan.id, in->id_key, in->scan.meta_token);
    if (!call)
        return sb_refuse(in, SB_QUEUE_FULL, "Table full", "out of memory", NULL);
    call->pool = in->pool;
    call->pinned = in->pinned;
    if (in->route && !sb_call_set_cookie(bus, call, in->route->cookie)) {
        sb_call_close(bus, call);
        return sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                         "the cookie belongs to another request in flight", NULL);
    }
    learn_params_session(in);
    sb_call_set_session(call, in->session);
    settle_session(in);
    call->enveloped = in->enveloped;
    call->tells = in->beside && in->beside->tell;

    bool sent;
    if (in->worker) {
        sent = sb_call_place(bus, call, in->worker, NULL);
        if (sent) {
            sb_call_edit(call, &in->scan, in->msg, &in->edits);
            call->begin = sb_queue_tail(&in->worker->out);
            sent = sb_write_incoming(in, in->worker);
            call->end = sb_queue_tail(&in->worker->out);
        }
    } else {
        sb_call_edit(call, &in->scan, in->msg, &in->edits);
        sent = sb_pool_hold(in->pool, call, in->session, in->msg, in->len, &in->edits);
        if (sent && in->many_lines)
            sb_json_join_lines(call->held->data, call->held->len);
    }
    if (sent) {
        if (call->tells && call->worker)
            sb_notify_placed(bus, call);
        return STDIO_BUS_OK;
    }
    sb_call_close(bus, call);
    bus->counters.backpressure++;
    return sb_refuse_full(in, "max_output_queue", limits->max_output_queue);
}

static int send_notification(sb_incoming *in) {
    const sb_limits *limits = &in->bus->config.limits;
    settle_session(in);
    if (!in->worker) {
        if (sb_pool_hold(in->pool, NULL, in->session, in->msg, in->len, &in->edits)) {
            sb_held *held = SB_ENTRY(in->pool->held.prev, sb_held, link);
            if (in->many_lines)
                sb_json_join_lines(held->data, held->len);
            return STDIO_BUS_OK;
        }
        in->bus->counters.backpressure++;
    } else if (sb_worker_is_full(in->worker, in->len)) {
        sb_worker_note_full(in->worker);
    } else if (sb_write_incoming(in, in->worker)) {
        sb_bond_get(in->conn, in->worker);
        return STDIO_BUS_OK;
    }
    return sb_refuse_full(in, "max_output_queue", limits->max_output_queue);
}

/* Whether an answer to the request will be known by its id. If not, it is refused without it. */
static bool has_usable_id(sb_incoming *in, int *code) {
    sb_bus *bus = in->bus;
    in->answer_null_id = true;
    if (in->scan.id_kind == SB_ID_OTHER) {
        *code = sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                          "the id is neither a string nor a number nor null", NULL);
        return false;
    }
    in->id_key = sb_id_key(bus, in->scan.id);
    if (sb_call_made_by_conn(bus, in->conn, in->id_key)) {
        sb_text more = {0};
        sb_text_put(&more, ",\"id\":");
        sb_text_add(&more, in->scan.id.p, in->scan.id.len);
        *code = sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                          "a request with this id is in flight already", more.p);
        sb_text_free(&more);
        return false;
    }
    in->answer_null_id = false;
    return true;
}

static int route_request(sb_incoming *in) {
    sb_bus *bus = in->bus;
    int code;
    if (bus->state != STDIO_BUS_STATE_RUNNING)
        return sb_refuse(in, SB_SHUTTING_DOWN, "Shutting down", "the bus is stopping", NULL);
    const sb_limits *limits = &bus->config.limits;
    if (bus->pending >= limits->max_pending) {
        bus->counters.backpressure++;
        return sb_refuse_full(in, "max_pending", limits->max_pending);
    }
    /* So that one client cannot use up what all of them share. */
    if (in->conn->client && in->conn->pending >= limits->max_pending_per_client) {
        bus->counters.backpressure++;
        return sb_refuse_full(in, "max_pending_per_client", limits->max_pending_per_client);
    }
    if (sb_locate(in, &code))
        return code;
    if (sb_strip_envelope(in, &code))
        return code;
    return send_request(in);
}

static int route_notification(sb_incoming *in) {
    int code;
    if (sb_locate(in, &code))
        return code;
    if (in->moot)
        return STDIO_BUS_OK;
    if (sb_strip_envelope(in, &code))
        return code;
    return send_notification(in);
}

/* --- Entry ------------------------------------------------------------------------------------ */

/* A route that cannot be meant so: its sender hears of it also where nothing else is answered. Or
 * one that found no memory, which is the bus's own trouble. */
static int refuse_beside(sb_incoming *in) {
    const sb_beside *beside = in->beside;
    if (beside->code == SB_QUEUE_FULL)
        return sb_refuse(in, beside->code, "Table full", beside->fault, NULL);
    if (in->is_request)
        return sb_refuse(in, beside->code, "Invalid Request", beside->fault, NULL);
    return sb_refuse_invalid(in, beside->code, "Invalid Request", beside->fault);
}

static int route_scanned(sb_incoming *in) {
    const sb_scan *scan = &in->scan;
    if (scan->method.p) {
        int code;
        bool for_bus = sb_control_is_meant(in->bus, scan->method);
        bool running = in->bus->state == STDIO_BUS_STATE_RUNNING;
        in->is_request = scan->id_kind != SB_ID_ABSENT;
        sb_name_session(in);
        if (in->is_request && !in->conn->client && !in->conn->wired && !running && !for_bus)
            return STDIO_BUS_ERR_STATE;
        if (in->is_request && !has_usable_id(in, &code))
            return code;
        if (in->beside && in->beside->code)
            return refuse_beside(in);
        if (for_bus)
            return sb_control(in);
        return in->is_request ? route_request(in) : route_notification(in);
    }
    if (sb_scan_is_response(scan)) {
        bool wrong = in->beside && in->beside->code == SB_INVALID_REQUEST;
        return wrong ? refuse_beside(in) : sb_route_answer(in);
    }
    return sb_refuse_invalid(in, SB_INVALID_REQUEST, "Invalid Request",
                             "neither a request nor an answer: 'method' or 'id' with 'result' or "
                             "'error' is missing");
}

static int route_line(sb_incoming *in) {
    sb_bus *bus = in->bus;
    int code;
    in->verbatim = in->route && (in->route->flags & STDIO_BUS_ROUTE_VERBATIM);
    switch (sb_json_scan(in->msg, in->len, &in->scan)) {
    case SB_SCAN_OK:
        bus->stats.messages_in++;
        if (!in->conn->client) {
            bus->stats.bytes_in += in->len + 1;
            in->many_lines = memchr(in->msg, '\n', in->len) || memchr(in->msg, '\r', in->len);
        }
        code = route_scanned(in);
        break;
    case SB_SCAN_BATCH:
        code = sb_refuse_invalid(in, SB_INVALID_REQUEST, "Invalid Request",
                                 "batches are not supported: send one object a line");
        break;
    case SB_SCAN_SCALAR:
        code = sb_refuse_invalid(in, SB_INVALID_REQUEST, "Invalid Request", "not a JSON object");
        break;
    default:
        code = in->scan.error_text == sb_json_no_memory
                   ? sb_refuse_invalid(in, SB_QUEUE_FULL, "Table full", in->scan.error_text)
                   : sb_refuse_invalid(in, SB_PARSE_ERROR, "Parse error", in->scan.error_text);
        break;
    }
    sb_text_free(&in->name);
    return code;
}

/* A line that may begin with its route. */
static int route_annotated(sb_bus *bus, sb_conn *conn, const char *msg, size_t len) {
    sb_beside beside;
    sb_incoming in = {.bus = bus, .conn = conn, .msg = msg, .len = len};
    if (!sb_beside_take(&beside, msg, len))
        return route_line(&in);
    in.beside = &beside;
    if (!beside.code) {
        in.route = &beside.route;
        in.msg = beside.msg.p;
        in.len = beside.msg.len;
        if (!conn->client)
            bus->stats.bytes_in += beside.taken;
    }
    int code = route_line(&in);
    sb_beside_free(&beside);
    return code;
}

int sb_route_message(sb_bus *bus, sb_conn *conn, const stdio_bus_route_t *route, const char *msg,
                     size_t len) {
    if (!route && sb_conn_is_annotated(conn))
        return route_annotated(bus, conn, msg, len);
    sb_incoming in = {.bus = bus, .conn = conn, .route = route, .msg = msg, .len = len};
    return route_line(&in);
}
