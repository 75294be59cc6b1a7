#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "conn.h"
#include "session.h"
#include "worker.h"

static void put_data(sb_text *t, const sb_fault *fault) {
    sb_text_put(t, "{");
    if (fault->pool)
        sb_text_string_member(t, "pool", fault->pool->config->id);
    if (fault->worker >= 0)
        sb_text_number_member(t, "worker", fault->worker);
    if (fault->reason)
        sb_text_string_member(t, "reason", fault->reason);
    if (fault->exit) {
        const char *name = fault->exit->signal ? sb_signal_name(fault->exit->signal) : NULL;
        if (fault->exit->signal)
            sb_text_number_member(t, "signal", fault->exit->signal);
        if (name)
            sb_text_string_member(t, "signalName", name);
        if (fault->exit->known && !fault->exit->signal)
            sb_text_number_member(t, "exitCode", fault->exit->code);
    }
    if (fault->stderr_tail)
        sb_text_string_member(t, "stderr", fault->stderr_tail);
    if (fault->written > 0 || (fault->code == SB_WORKER_EXITED && fault->written == 0))
        sb_text_put(t, fault->written ? ",\"written\":true" : ",\"written\":false");
    bool is_empty = t->len && t->p[t->len - 1] == '{'; /* then `more` needs no comma */
    if (fault->more)
        sb_text_put(t, fault->more + (is_empty ? 1 : 0));
    sb_text_put(t, "}");
}

sb_limit_members sb_tell_limit(const char *which, uint64_t limit) {
    sb_limit_members told;
    snprintf(told.text, sizeof told.text, ",\"limit\":\"%s\",\"value\":%llu", which,
             (unsigned long long)limit);
    return told;
}

static void compose(sb_text *t, const char *session, sb_token id, const sb_fault *fault) {
    sb_text_put(t, "{");
    if (session) {
        sb_text_string_member(t, "sessionId", session);
        sb_text_put(t, ",");
    }
    sb_text_put(t, "\"jsonrpc\":\"2.0\",\"id\":");
    if (id.p)
        sb_text_add(t, id.p, id.len);
    else
        sb_text_put(t, "null");
    sb_text_put(t, ",\"error\":{\"code\":");
    sb_text_number(t, fault->code);
    sb_text_string_member(t, "message", fault->message);
    sb_text_put(t, ",\"data\":");
    put_data(t, fault);
    sb_text_put(t, "}}");
}

void sb_reply_error(sb_bus *bus, const sb_asker *asker, const sb_fault *fault) {
    static const sb_edits none = {.count = 0};
    sb_origin origin = {.kind = STDIO_BUS_RESPONSE,
                        .pool = fault->pool,
                        .session = asker->session,
                        .cookie = asker->cookie};
    sb_text text = sb_text_borrow(&bus->message);
    compose(&text, asker->restore ? asker->session : NULL, asker->id, fault);
    if (text.failed)
        sb_log(bus, STDIO_BUS_LOG_ERROR, "out of memory: an error answer was lost");
    else
        sb_conn_deliver(bus, asker->conn, text.p, text.len, &none, &origin);
    sb_text_return(&bus->message, &text);
}

void sb_reply_result(sb_bus *bus, sb_conn *conn, const stdio_bus_route_t *route, sb_token id,
                     const sb_text *result) {
    static const sb_edits none = {.count = 0};
    sb_origin origin = {.kind = STDIO_BUS_RESPONSE, .cookie = route ? route->cookie : 0};
    sb_text text = sb_text_borrow(&bus->message);
    sb_text_put(&text, "{\"jsonrpc\":\"2.0\",\"id\":");
    sb_text_add(&text, id.p, id.len);
    sb_text_put(&text, ",\"result\":");
    sb_text_add(&text, result->p, result->len);
    sb_text_put(&text, "}");
    if (text.failed || result->failed)
        sb_log(bus, STDIO_BUS_LOG_ERROR, "out of memory: an answer was lost");
    else
        sb_conn_deliver(bus, conn, text.p, text.len, &none, &origin);
    sb_text_return(&bus->message, &text);
}

void sb_reply_error_to_worker(sb_worker *w, sb_token id, const sb_fault *fault) {
    static const sb_edits none = {.count = 0};
    sb_text text = sb_text_borrow(&w->bus->message);
    compose(&text, NULL, id, fault);
    if (text.failed || !sb_worker_write(w, text.p, text.len, &none))
        sb_worker_log(w, STDIO_BUS_LOG_WARN, "an error answer could not be queued");
    sb_text_return(&w->bus->message, &text);
}

void sb_call_fail(sb_bus *bus, sb_call *call, const sb_fault *fault) {
    /* The call is freed first, so that the host may use its id and cookie again from within the
     * callback; the block with its id is kept until then, which needs no memory. */
    char inlined[sizeof call->inlined];
    char *block = call->text;
    bool is_own = block != call->inlined;
    if (!is_own)
        memcpy(inlined, block, sizeof inlined);
    const char *kept = is_own ? block : inlined;
    sb_worker *asking = call->reverse ? call->worker : NULL;
    sb_session *session = call->session;
    sb_asker asker = {.conn = call->conn,
                      .id = {kept + (call->id.p - block), call->id.len},
                      .cookie = call->cookie,
                      .session = session ? session->name : NULL,
                      .restore = call->enveloped};
    if (session)
        sb_session_keep(session);
    call->text = call->inlined;
    sb_call_close(bus, call);
    if (asking)
        sb_reply_error_to_worker(asking, asker.id, fault);
    else
        sb_reply_error(bus, &asker, fault);
    if (session)
        sb_session_release(bus, session);
    if (is_own)
        free(block);
}
