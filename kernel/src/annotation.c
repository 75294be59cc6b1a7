#include "annotation.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "json_token.h"
#include "members.h"
#include "reply.h"

/* --- Lines to a connection ------------------------------------------------------------------ */

void sb_annotation_begin(sb_bus *bus, sb_conn *c, int log_level) {
    if (!sb_conn_is_annotated(c))
        sb_list_append(&bus->annotated, &c->annotated);
    sb_journal_listen(bus, c, log_level);
}

void sb_annotation_end(sb_bus *bus, sb_conn *c) {
    if (!sb_conn_is_annotated(c))
        return;
    sb_list_remove(&c->annotated);
    sb_journal_set_floor(bus);
}

bool sb_annotation_prepare(sb_worker *w) {
    sb_text *t = &w->annotation;
    sb_text_put(t, "\"_bus\":{");
    sb_text_number_member(t, "worker", w->id);
    sb_text_string_member(t, "pool", w->pool->config->id);
    sb_text_put(t, "},");
    return !t->failed;
}

void sb_annotation_edit(sb_edits *edits, const char *msg, const sb_worker *from) {
    static const char own[] = "\"_bus\":{},";
    size_t at = (size_t)(strchr(msg, '{') + 1 - msg);
    sb_edits behind = *edits;
    edits->count = 0;
    sb_edits_replace(edits, at, at, from ? from->annotation.p : own,
                     from ? from->annotation.len : sizeof own - 1);
    for (size_t i = 0; i < behind.count; i++) {
        const sb_edit *e = &behind.list[i];
        sb_edits_replace(edits, e->start, e->end, e->p, e->len);
    }
}

/* --- Lines from one --------------------------------------------------------------------------- */

/* The end of the value that begins at p, if what begins there is valid; NULL at the end of text. */
static const char *value_end(const char *p, const char *end) {
    size_t depth = 0;
    bool quoted = false;
    for (; p < end; p++) {
        if (quoted) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                quoted = false;
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (depth == 0 && (*p == ',' || *p == '}' || *p == ']')) {
            return p;
        } else if (*p == '}' || *p == ']') {
            depth--;
        }
    }
    return NULL;
}

static const char *skip_space(const char *p, const char *end) {
    return (const char *)sb_json_skip_space((const unsigned char *)p, (const unsigned char *)end);
}

/* Where the value of a first member "_bus" begins; NULL: there is none. */
static const char *find_beside(const char *msg, const char *end) {
    static const char key[] = "\"_bus\"";
    const char *p = skip_space(msg, end);
    if (p == end || *p != '{')
        return NULL;
    p = skip_space(p + 1, end);
    if ((size_t)(end - p) < sizeof key || memcmp(p, key, sizeof key - 1) != 0)
        return NULL;
    p = skip_space(p + sizeof key - 1, end);
    return p < end && *p == ':' ? skip_space(p + 1, end) : NULL;
}

/* A copy, because the line is the sender's. */
static void cut(sb_beside *beside, const char *msg, const char *comma, const char *end) {
    sb_text_put(&beside->msg, "{");
    sb_text_add(&beside->msg, comma + 1, (size_t)(end - comma) - 1);
    beside->taken = (size_t)(comma - msg);
    if (beside->msg.failed) {
        beside->code = SB_QUEUE_FULL;
        snprintf(beside->fault, sizeof beside->fault, "%s", sb_json_no_memory);
    }
}

bool sb_beside_take(sb_beside *beside, const char *msg, size_t len) {
    const char *end = msg + len;
    const char *value = find_beside(msg, end);
    const char *comma = value ? value_end(value, end) : NULL;
    const char *next = comma && *comma == ',' ? skip_space(comma + 1, end) : end;
    /* What would remain is a message only if another member follows; else the line is left as it
     * is, for the scan to say what is wrong with it. */
    if (next == end || *next != '"')
        return false;
    bool verbatim = false;
    *beside = (sb_beside){.route = {.size = sizeof beside->route, .worker_id = -1}};
    const sb_member members[] = {
        {.name = "pool", .kind = SB_MEMBER_TEXT, .into = &beside->route.pool},
        {.name = "session", .kind = SB_MEMBER_TEXT, .into = &beside->route.session},
        {.name = "worker",
         .kind = SB_MEMBER_NUMBER,
         .into = &beside->route.worker_id,
         .max = INT_MAX},
        {.name = "verbatim", .kind = SB_MEMBER_FLAG, .into = &verbatim},
        {.name = "tell", .kind = SB_MEMBER_FLAG, .into = &beside->tell},
    };
    sb_token object = {value, (size_t)(comma - value)};
    switch (sb_members_read(&beside->tree, "_bus", object, members,
                            sizeof members / sizeof *members, beside->fault)) {
    case SB_MEMBERS_READ:
        beside->route.flags = verbatim ? STDIO_BUS_ROUTE_VERBATIM : 0;
        cut(beside, msg, comma, end);
        break;
    case SB_MEMBERS_WRONG:
        beside->code = SB_INVALID_REQUEST;
        break;
    case SB_MEMBERS_NO_MEMORY:
        beside->code = SB_QUEUE_FULL;
        break;
    }
    return true;
}

void sb_beside_free(sb_beside *beside) {
    sb_text_free(&beside->msg);
    sb_value_free(&beside->tree);
}

/* --- Notifications ------------------------------------------------------------------------------
 */

bool sb_notify(sb_bus *bus, sb_conn *c, const char *name, const sb_text *params) {
    static const sb_edits none = {.count = 0};
    sb_origin origin = {.kind = STDIO_BUS_NOTIFICATION};
    sb_text text = sb_text_borrow(&bus->message);
    sb_text_put(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"stdio_bus/");
    sb_text_put(&text, name);
    sb_text_put(&text, "\",\"params\":");
    sb_text_add(&text, params->p, params->len);
    sb_text_put(&text, "}");
    bool told = !text.failed && !params->failed &&
                sb_conn_deliver(bus, c, text.p, text.len, &none, &origin);
    sb_text_return(&bus->message, &text);
    return told;
}

static void notify_or_count(sb_bus *bus, sb_conn *c, const char *name, sb_text *params) {
    if (!sb_notify(bus, c, name, params))
        bus->counters.dropped_notifications++;
    sb_text_free(params);
}

static void notify_worker(sb_conn *c, const sb_worker *w, const char *event) {
    sb_text params = {0};
    sb_text_put(&params, "{");
    sb_text_number_member(&params, "worker", w->id);
    sb_text_string_member(&params, "event", event);
    sb_text_put(&params, "}");
    notify_or_count(w->bus, c, "worker", &params);
}

void sb_notify_worker(sb_worker *w, const char *event) {
    sb_bus *bus = w->bus;
    for (sb_link *at = bus->annotated.next; at != &bus->annotated; at = at->next)
        notify_worker(SB_ENTRY(at, sb_conn, annotated), w, event);
}

void sb_annotation_note_skipped(sb_worker *w, const char *reason, const char *line, size_t len) {
    sb_bus *bus = w->bus;
    sb_text *t = &w->skipped;
    sb_text_clear(t);
    sb_text_put(t, "{");
    sb_text_number_member(t, "worker", w->id);
    sb_text_string_member(t, "reason", reason);
    sb_text_key(t, "line");
    sb_text_quoted(t, line, len);
    sb_text_put(t, "}");
    for (sb_link *at = bus->annotated.next; at != &bus->annotated; at = at->next)
        if (!sb_notify(bus, SB_ENTRY(at, sb_conn, annotated), "skipped", t))
            bus->counters.dropped_notifications++;
}

void sb_annotation_catch_up(sb_bus *bus, sb_conn *c) {
    for (size_t i = 0; i < bus->worker_count; i++) {
        const sb_worker *w = bus->workers[i];
        if (w->state == STDIO_BUS_WORKER_STARTING)
            notify_worker(c, w, "starting");
        if (w->skipped.len && !sb_notify(bus, c, "skipped", &w->skipped))
            bus->counters.dropped_notifications++;
    }
}

void sb_notify_placed(sb_bus *bus, const sb_call *call) {
    sb_text params = {0};
    sb_text_put(&params, "{\"id\":");
    sb_text_add(&params, call->id.p, call->id.len);
    sb_text_put(&params, ",\"worker\":");
    sb_text_number(&params, call->worker->id);
    sb_text_put(&params, "}");
    notify_or_count(bus, call->conn, "placed", &params);
}
