/* answer.c: what a connection sends about requests that are in flight: answers to a worker's
 * requests, cancellations, progress. */
#include "call.h"
#include "conn.h"
#include "route_in.h"
#include "worker.h"

/* The worker waits for an answer: in the place of one that finds no room it gets a short error. */
static int lose_answer(sb_incoming *in, sb_call *call, const char *reason) {
    sb_fault fault = {.code = SB_QUEUE_FULL,
                      .message = "Queue full",
                      .pool = in->pool,
                      .worker = in->worker->id,
                      .reason = reason,
                      .written = -1};
    sb_call_fail(in->bus, call, &fault);
    return sb_refuse(in, SB_QUEUE_FULL, "Queue full", reason, NULL);
}

int sb_route_answer(sb_incoming *in) {
    sb_bus *bus = in->bus;
    sb_call *call = NULL;
    if (in->scan.id_kind != SB_ID_OTHER)
        call = sb_call_given_to_conn(bus, in->conn, sb_id_key(bus, in->scan.id));
    if (!call)
        return sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                         "an answer to a request that no worker has in flight here", NULL);
    sb_worker *w = call->worker;
    if (!w) {
        sb_call_close(bus, call);
        return sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                         "an answer to a request whose worker has ended or took it back", NULL);
    }
    if (in->route && in->route->worker_id >= 0 && in->route->worker_id != w->id)
        return sb_refuse(in, SB_INVALID_REQUEST, "Invalid Request",
                         "the worker that the answer names did not make this request", NULL);
    in->worker = w;
    in->pool = w->pool;
    if (in->beside && in->beside->code) /* it found no memory */
        return lose_answer(in, call, in->beside->fault);
    if (sb_worker_is_full(w, in->len)) {
        sb_worker_note_full(w);
        return lose_answer(in, call, "max_output_queue is reached");
    }
    int code;
    if (sb_strip_envelope(in, &code))
        return code;
    sb_edits_token(&in->edits, in->msg, in->scan.id, call->id);
    if (!sb_write_incoming(in, w))
        return lose_answer(in, call, "out of memory");
    sb_call_close(bus, call);
    return STDIO_BUS_OK;
}

/* No worker has seen the request yet, so that taking it back is up to the kernel. */
static void take_back(sb_bus *bus, sb_call *call) {
    sb_fault fault = {.code = SB_CANCELLED,
                      .message = "Request cancelled",
                      .pool = call->pool,
                      .worker = -1,
                      .reason = "it was cancelled while it waited for a worker",
                      .written = -1};
    sb_call_fail(bus, call, &fault);
}

/* A cancellation names a request of the same connection. One that is over makes it moot: sent to
 * any worker, it could hit another connection's request with the same id. */
static void find_cancelled(sb_incoming *in, sb_token named) {
    sb_bus *bus = in->bus;
    sb_key key = sb_id_key(bus, named);
    sb_call *call = sb_call_made_by_conn(bus, in->conn, key);
    if (call && call->worker && (!in->worker || in->worker == call->worker)) {
        in->worker = call->worker;
        in->pool = call->pool;
        sb_edits_token(&in->edits, in->msg, named, call->wire);
        return;
    }
    if (call && call->held && !in->pinned) {
        take_back(bus, call);
        in->moot = true;
        return;
    }
    const sb_call *other = in->worker ? sb_call_given_to_worker(bus, in->worker, key) : NULL;
    bool own_leftover = other && !other->conn && !in->conn->client;
    if (!in->pinned || (other && !own_leftover)) {
        bus->counters.dropped_notifications++;
        in->moot = true;
    }
}

void sb_find_named_call(sb_incoming *in) {
    sb_bus *bus = in->bus;
    const sb_scan *scan = &in->scan;
    if (in->is_request)
        return;
    if (scan->request_id.p && sb_json_is(scan->method, "notifications/cancelled")) {
        find_cancelled(in, scan->request_id);
    } else if (scan->params_id.p && sb_json_is(scan->method, "$/cancelRequest")) {
        find_cancelled(in, scan->params_id);
    } else if (scan->progress_token.p) {
        sb_call *call = sb_call_by_conn_token(bus, in->conn, sb_id_key(bus, scan->progress_token));
        if (!call || (call->worker && in->worker && in->worker != call->worker))
            return;
        if (!call->worker) { /* it has ended */
            bus->counters.dropped_notifications++;
            in->moot = true;
            return;
        }
        in->worker = call->worker;
        in->pool = call->pool;
        sb_edits_token(&in->edits, in->msg, scan->progress_token, call->token);
    }
}
