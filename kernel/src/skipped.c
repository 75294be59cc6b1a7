#include "skipped.h"

#include <stdio.h>
#include <string.h>

#include "annotation.h"
#include "call.h"
#include "deliver.h"
#include "handshake.h"
#include "long_answer.h"
#include "worker.h"

/* Once for each process, so that one that writes nothing else floods nobody. */
static void tell_skipped(sb_worker *w, const char *what, const char *line, size_t len) {
    sb_bus *bus = w->bus;
    char excerpt[SB_EXCERPT + 1];
    if (w->has_skipped)
        return;
    w->has_skipped = true;
    memcpy(excerpt, line, len);
    excerpt[len] = '\0';
    sb_annotation_note_skipped(w, what, excerpt, len);
    if (bus->on_skipped)
        bus->on_skipped(bus, w->id, what, excerpt, len, bus->on_skipped_user);
}

void sb_skip_line(sb_worker *w, const char *what, const char *line, size_t len) {
    if (len > SB_EXCERPT)
        len = SB_EXCERPT;
    w->invalid_lines++;
    w->bus->counters.invalid_lines++;
    sb_worker_log(w, STDIO_BUS_LOG_WARN, "skipped a line on stdout, %s: %.*s", what, (int)len,
                  line);
    tell_skipped(w, what, line, len);
}

/* --- Lines that are too long ------------------------------------------------------------------ */

static void fail_too_long(sb_worker *w, sb_token id) {
    unsigned long long limit = w->bus->config.limits.max_input_buffer;
    char reason[96];
    if (sb_handshake_takes_too_long(w, id))
        return;
    sb_call *call = sb_call_given_to_worker(w->bus, w, sb_id_key(w->bus, id));
    if (!call || !call->conn) {
        sb_drop_late_answer(w, call, id);
        return;
    }
    snprintf(reason, sizeof reason, "the answer is longer than max_input_buffer (%llu bytes)",
             limit);
    sb_limit_members more = sb_tell_limit("max_input_buffer", limit);
    sb_fault fault = {.code = SB_QUEUE_FULL,
                      .message = "Answer too long",
                      .pool = w->pool,
                      .worker = w->id,
                      .reason = reason,
                      .written = 1,
                      .more = more.text};
    sb_call_fail(w->bus, call, &fault);
}

void sb_skip_too_long(sb_worker *w, const char *start, size_t len) {
    sb_token id;
    sb_skip_line(w, "longer than max_input_buffer", start, len);
    sb_long_head head = sb_long_answer_head(start, len, &id);
    w->awaits_id = head == SB_LONG_ANSWER;
    if (head == SB_LONG_ANSWER_ID)
        fail_too_long(w, id);
}

void sb_skip_end(sb_worker *w, const char *end, size_t len) {
    sb_token id;
    if (w->awaits_id && sb_long_answer_tail(end, len, &id))
        fail_too_long(w, id);
    w->awaits_id = false;
}
