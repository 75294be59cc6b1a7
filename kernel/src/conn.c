#include "conn.h"

#include <stdlib.h>
#include <string.h>

#include "annotation.h"
#include "call.h"
#include "client.h"
#include "decline.h"

void sb_conn_init(sb_conn *c, uint64_t id, sb_client *client) {
    *c = (sb_conn){.id = id, .client = client, .log_level = SB_JOURNAL_NO_LEVEL};
    sb_list_init(&c->annotated);
    sb_list_init(&c->bonds);
    sb_list_init(&c->calls);
    sb_list_init(&c->asked);
    sb_list_init(&c->ghosts);
}

void sb_conn_free(sb_bus *bus, sb_conn *c) {
    sb_annotation_end(bus, c);
    while (!sb_list_is_empty(&c->bonds)) {
        sb_bond *bond = SB_ENTRY(c->bonds.next, sb_bond, of_conn);
        sb_decline_end(c, bond->worker);
        sb_list_remove(&bond->of_conn);
        sb_list_remove(&bond->of_worker);
        sb_list_remove(&bond->busy);
        free(bond);
    }
    free(c->by_worker);
    c->by_worker = NULL;
    c->by_worker_cap = 0;
}

bool sb_host_listens(const sb_bus *bus) {
    return bus->on_message || bus->options.on_message;
}

sb_conn *sb_conn_find(sb_bus *bus, uint64_t id) {
    if (id == 0)
        return sb_host_listens(bus) ? &bus->host : NULL;
    sb_client *client = sb_client_find(bus, id);
    return client && !client->closing ? &client->conn : NULL;
}

void sb_conn_fall_silent(sb_bus *bus, sb_conn *c) {
    c->silent = true;
    /* It could not ask for their output again. */
    for (sb_link *at = c->bonds.next; at != &c->bonds; at = at->next)
        sb_decline_end(c, SB_ENTRY(at, sb_bond, of_conn)->worker);
    while (!sb_list_is_empty(&c->asked)) {
        sb_call *call = SB_ENTRY(c->asked.next, sb_call, of_conn);
        sb_fault fault = {.code = SB_METHOD_NOT_FOUND,
                          .message = "Method not found",
                          .pool = call->pool,
                          .worker = call->worker->id,
                          .reason = "the client that should answer has disconnected"};
        sb_call_fail(bus, call, &fault);
    }
}

size_t sb_conn_unread(const sb_conn *c) {
    return c->client ? sb_queue_len(&c->client->out) : c->unread;
}

/* --- Bonds --------------------------------------------------------------------------------- */

sb_bond *sb_bond_make(sb_conn *c, sb_worker *w) {
    size_t at = (size_t)w->id;
    if (at >= c->by_worker_cap) {
        size_t cap = c->by_worker_cap ? c->by_worker_cap : 4;
        while (cap <= at)
            cap *= 2;
        sb_bond **grown = realloc(c->by_worker, cap * sizeof(sb_bond *));
        if (!grown)
            return NULL;
        memset(grown + c->by_worker_cap, 0, (cap - c->by_worker_cap) * sizeof(sb_bond *));
        c->by_worker = grown;
        c->by_worker_cap = cap;
    }
    if (!c->by_worker[at]) {
        sb_bond *bond = calloc(1, sizeof *bond);
        if (!bond)
            return NULL;
        bond->conn = c;
        bond->worker = w;
        sb_list_append(&c->bonds, &bond->of_conn);
        sb_list_init(&bond->of_worker);
        sb_list_init(&bond->busy);
        sb_list_init(&bond->declining);
        c->by_worker[at] = bond;
    }
    return c->by_worker[at];
}

sb_bond *sb_bond_get(sb_conn *c, sb_worker *w) {
    sb_bond *bond = sb_bond_make(c, w);
    if (bond && sb_list_is_empty(&bond->of_worker))
        sb_list_append(&w->bonds, &bond->of_worker);
    return bond;
}

void sb_bond_begin(sb_bond *bond) {
    if (bond->pending++ > 0)
        return;
    sb_list_append(&bond->worker->busy, &bond->busy);
    sb_decline_weigh(bond->worker);
}

void sb_bond_end(sb_conn *c, sb_worker *w) {
    sb_bond *bond = c->by_worker[w->id];
    if (--bond->pending > 0)
        return;
    sb_list_remove(&bond->busy);
    sb_decline_weigh(w);
}

/* --- Delivery ------------------------------------------------------------------------------ */

sb_text sb_text_borrow(sb_text *from) {
    sb_text borrowed = *from;
    *from = (sb_text){0};
    sb_text_clear(&borrowed);
    return borrowed;
}

void sb_text_return(sb_text *to, sb_text *borrowed) {
    sb_text_free(to);
    *to = *borrowed;
}

static void host_receive(sb_bus *bus, const char *data, size_t len, const sb_origin *origin) {
    bus->stats.messages_out++;
    bus->stats.bytes_out += len + 1;
    if (bus->on_message) {
        stdio_bus_message_t message = {
            .size = sizeof message,
            .data = data,
            .len = len,
            .kind = origin->kind,
            .worker_id = origin->worker ? origin->worker->id : -1,
            .pool = origin->pool ? origin->pool->config->id : NULL,
            .session = origin->session,
            .cookie = origin->cookie,
        };
        bus->on_message(bus, &message, bus->on_message_user);
    } else if (bus->options.on_message) {
        bus->options.on_message(bus, data, len, bus->options.user_data);
    }
}

static void close_answered(sb_bus *bus, const sb_origin *origin) {
    if (origin->answered)
        sb_call_close(bus, origin->answered);
}

/* The host may send again under the same id from within the callback, so that the call it is an
 * answer to is closed before; the edits point into that. */
static bool deliver_to_host(sb_bus *bus, const char *msg, size_t len, const sb_edits *edits,
                            const sb_origin *origin) {
    if (edits->count == 0) {
        close_answered(bus, origin);
        host_receive(bus, msg, len, origin);
        return true;
    }
    sb_text text = sb_text_borrow(&bus->message);
    char *room = sb_text_extend(&text, sb_edits_length(edits, len));
    if (room)
        sb_edits_apply(edits, msg, len, room);
    close_answered(bus, origin);
    if (room)
        host_receive(bus, text.p, text.len, origin);
    sb_text_return(&bus->message, &text);
    return room != NULL;
}

bool sb_conn_deliver(sb_bus *bus, sb_conn *c, const char *msg, size_t len, const sb_edits *edits,
                     const sb_origin *origin) {
    sb_edits annotated;
    if (sb_conn_is_annotated(c)) {
        annotated = *edits;
        sb_annotation_edit(&annotated, msg, origin->worker);
        edits = &annotated;
    }
    if (!c->client)
        return deliver_to_host(bus, msg, len, edits, origin);
    bool sent = sb_client_send(bus, c->client, msg, len, edits, origin->worker);
    close_answered(bus, origin);
    return sent;
}
