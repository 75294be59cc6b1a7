#include "journal.h"

#include <stdlib.h>
#include <string.h>

#include "annotation.h"
#include "bus.h"
#include "conn.h"

const char *const sb_log_levels[] = {"debug", "info", "warn", "error", NULL};

enum {
    MOST_UNREAD = 1024 * 1024, /* bytes in front of a line: its receiver reads no faster */
    AROUND_TEXT = 256          /* bytes of a notification but its text, at most */
};

/* --- Keeping -------------------------------------------------------------------------------- */

static sb_log_line **place_of(sb_journal *j, uint64_t number) {
    return &j->lines[number % SB_JOURNAL_LINES];
}

static const sb_log_line *line_at(const sb_journal *j, uint64_t number) {
    return j->lines[number % SB_JOURNAL_LINES];
}

static void drop_oldest(sb_bus *bus) {
    sb_journal *j = &bus->journal;
    sb_log_line **oldest = place_of(j, j->begin);
    for (sb_link *at = bus->annotated.next; at != &bus->annotated; at = at->next) {
        sb_conn *c = SB_ENTRY(at, sb_conn, annotated);
        if (c->log_next != j->begin)
            continue;
        c->log_next++;
        if ((*oldest)->level >= c->log_level) {
            c->log_dropped++;
            j->dropped++;
        }
    }
    j->bytes -= (*oldest)->len;
    free(*oldest);
    *oldest = NULL;
    j->begin++;
}

void sb_journal_add(sb_bus *bus, const sb_log_line *line, const char *text, size_t len) {
    sb_journal *j = &bus->journal;
    sb_log_line *kept = malloc(sizeof *kept + len);
    if (!kept) {
        j->dropped++;
        return;
    }
    *kept = *line;
    kept->len = len;
    memcpy(kept->text, text, len);
    while (j->end - j->begin == SB_JOURNAL_LINES ||
           (j->end > j->begin && j->bytes + len > SB_JOURNAL_BYTES))
        drop_oldest(bus);
    *place_of(j, j->end++) = kept;
    j->bytes += len;
    if (sb_journal_has_news(bus))
        sb_bus_touch(bus);
}

void sb_journal_free(sb_bus *bus) {
    while (bus->journal.begin < bus->journal.end)
        drop_oldest(bus);
}

/* --- As JSON -------------------------------------------------------------------------------- */

static void put_line(sb_text *t, const sb_log_line *line) {
    sb_text_put(t, "{");
    sb_text_number_member(t, "time", line->time_ms);
    sb_text_string_member(t, "level", sb_log_levels[line->level]);
    if (line->worker >= 0)
        sb_text_number_member(t, "worker", line->worker);
    if (line->is_stderr)
        sb_text_put(t, ",\"stderr\":true");
    sb_text_key(t, "text");
    sb_text_quoted(t, line->text, line->len);
    sb_text_put(t, "}");
}

static bool is_asked_for(const sb_log_line *line, const sb_log_query *query) {
    return line->level >= query->level && (query->worker < 0 || query->worker == line->worker);
}

void sb_journal_put(sb_text *t, const sb_bus *bus, const sb_log_query *query) {
    const sb_journal *j = &bus->journal;
    uint64_t first = j->end;
    for (int found = 0; first > j->begin && found < query->last; first--)
        found += is_asked_for(line_at(j, first - 1), query);
    bool any = false;
    sb_text_put(t, "{\"lines\":[");
    for (; first < j->end; first++) {
        const sb_log_line *line = line_at(j, first);
        if (!is_asked_for(line, query))
            continue;
        sb_text_put(t, any ? "," : "");
        put_line(t, line);
        any = true;
    }
    sb_text_put(t, "]}");
}

/* --- Telling -------------------------------------------------------------------------------- */

void sb_journal_set_floor(sb_bus *bus) {
    int level = bus->options.log_level;
    if (level > STDIO_BUS_LOG_INFO)
        level = STDIO_BUS_LOG_INFO; /* what is kept for whoever asks later */
    for (const sb_link *at = bus->annotated.next; at != &bus->annotated; at = at->next) {
        const sb_conn *c = SB_ENTRY(at, sb_conn, annotated);
        if (c->log_level < level)
            level = c->log_level;
    }
    bus->journal.floor = level;
}

void sb_journal_listen(sb_bus *bus, sb_conn *conn, int level) {
    conn->log_level = level;
    conn->log_next = bus->journal.end;
    sb_journal_set_floor(bus);
}

/* The next line that the connection is to be told and takes; NULL: none. Log lines use a small part
 * of its queue only, so that they never make it a slow client. */
static const sb_log_line *next_line(const sb_bus *bus, sb_conn *c) {
    const sb_journal *j = &bus->journal;
    if (c->log_level == SB_JOURNAL_NO_LEVEL)
        return NULL;
    while (c->log_next < j->end && line_at(j, c->log_next)->level < c->log_level)
        c->log_next++;
    if (c->log_next == j->end)
        return NULL;
    const sb_log_line *line = line_at(j, c->log_next);
    uint64_t most = bus->config.limits.max_output_queue / 4;
    size_t unread = sb_conn_unread(c);
    if (most > MOST_UNREAD)
        most = MOST_UNREAD;
    return unread == 0 || unread + line->len + AROUND_TEXT <= most ? line : NULL;
}

bool sb_journal_has_news(const sb_bus *bus) {
    for (sb_link *at = bus->annotated.next; at != &bus->annotated; at = at->next)
        if (next_line(bus, SB_ENTRY(at, sb_conn, annotated)))
            return true;
    return false;
}

/* The text is made before anybody is called back, who may log in turn. */
static void tell(sb_bus *bus, sb_conn *c, const sb_log_line *line) {
    sb_text params = {0};
    put_line(&params, line);
    if (c->log_dropped && !params.failed) {
        params.len--; /* the closing brace */
        sb_text_number_member(&params, "dropped", (int64_t)c->log_dropped);
        sb_text_put(&params, "}");
    }
    if (sb_notify(bus, c, "log", &params)) {
        c->log_dropped = 0;
    } else {
        c->log_dropped++;
        bus->journal.dropped++;
    }
    sb_text_free(&params);
}

bool sb_journal_tell(sb_bus *bus, uint64_t until) {
    bool any = false;
    for (sb_link *at = bus->annotated.next; at != &bus->annotated; at = at->next) {
        sb_conn *c = SB_ENTRY(at, sb_conn, annotated);
        const sb_log_line *line;
        while ((line = next_line(bus, c)) && c->log_next < until) {
            c->log_next++;
            tell(bus, c, line);
            any = true;
        }
    }
    return any;
}
