/* refuse.c: what cannot be routed is answered, or counted and reported. */
#include <stdio.h>

#include "call.h"
#include "route_in.h"
#include "worker_exit.h"

static int refuse(sb_incoming *in, const sb_fault *fault) {
    sb_bus *bus = in->bus;
    bus->stats.routing_errors++;
    if (in->is_request) {
        sb_asker asker = {.conn = in->conn,
                          .id = in->answer_null_id ? (sb_token){0} : in->scan.id,
                          .cookie = in->route ? in->route->cookie : 0,
                          .session = in->name_len ? in->name.p : NULL,
                          .restore = in->enveloped};
        sb_reply_error(bus, &asker, fault);
        return STDIO_BUS_OK;
    }
    bus->counters.dropped_notifications++;
    if (in->conn->client) {
        sb_log(bus, STDIO_BUS_LOG_WARN, "client %llu: a message was dropped: %s",
               (unsigned long long)in->conn->id, fault->reason);
        return STDIO_BUS_ERR_ROUTING;
    }
    if (fault->code == SB_QUEUE_FULL)
        return STDIO_BUS_EFULL;
    sb_report(bus, STDIO_BUS_ERR_ROUTING, "message could not be routed: %s", fault->reason);
    return STDIO_BUS_ERR_ROUTING;
}

int sb_refuse(sb_incoming *in, int code, const char *message, const char *reason,
              const char *more) {
    sb_fault fault = {.code = code,
                      .message = message,
                      .pool = in->pool,
                      .worker = in->worker ? in->worker->id : -1,
                      .reason = reason,
                      .written = -1,
                      .more = more};
    return refuse(in, &fault);
}

int sb_refuse_no_worker(sb_incoming *in) {
    char reason[SB_NO_WORKER_REASON];
    sb_fault fault = sb_no_worker_fault(in->pool, reason, sizeof reason);
    return refuse(in, &fault);
}

int sb_refuse_full(sb_incoming *in, const char *which, uint64_t limit) {
    char reason[120];
    snprintf(reason, sizeof reason, "%s (%llu) is reached", which, (unsigned long long)limit);
    return sb_refuse(in, SB_QUEUE_FULL, "Queue full", reason, sb_tell_limit(which, limit).text);
}

int sb_refuse_invalid(sb_incoming *in, int code, const char *message, const char *reason) {
    sb_bus *bus = in->bus;
    size_t at = in->scan.error_at + (in->beside ? in->beside->taken : 0);
    char where[160];
    bus->stats.routing_errors++;
    if (!in->conn->client && !in->conn->wired) {
        sb_report(bus, STDIO_BUS_ERR_INVALID, "not one valid JSON-RPC message: %s (at byte %zu)",
                  reason, at);
        return STDIO_BUS_ERR_INVALID;
    }
    if (code == SB_PARSE_ERROR) {
        snprintf(where, sizeof where, "at byte %zu: %s", at, reason);
        reason = where;
    }
    sb_asker asker = {.conn = in->conn};
    /* Under the id of a request in flight it would pass for the answer to that. */
    bool has_id = in->scan.id_kind == SB_ID_NUMBER || in->scan.id_kind == SB_ID_STRING;
    if (has_id && !sb_call_made_by_conn(bus, in->conn, sb_id_key(bus, in->scan.id)))
        asker.id = in->scan.id;
    sb_fault fault = {.code = code, .message = message, .worker = -1, .reason = reason};
    sb_reply_error(bus, &asker, &fault);
    return STDIO_BUS_ERR_INVALID;
}

void sb_refuse_too_long(sb_bus *bus, sb_conn *conn) {
    char reason[96];
    snprintf(reason, sizeof reason, "the line is longer than max_input_buffer (%llu bytes)",
             (unsigned long long)bus->config.limits.max_input_buffer);
    sb_asker asker = {.conn = conn};
    sb_fault fault = {
        .code = SB_INVALID_REQUEST, .message = "Message too large", .worker = -1, .reason = reason};
    bus->stats.messages_in++;
    bus->stats.routing_errors++;
    sb_reply_error(bus, &asker, &fault);
}
