#include "handshake.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "decline.h"
#include "json_token.h"
#include "json_value.h"
#include "pool.h"
#include "worker.h"

static const sb_greeting *awaited(const sb_worker *w) {
    bool waits = w->state == STDIO_BUS_WORKER_STARTING && w->greeted > 0;
    const sb_greeting *last = waits ? &w->pool->config->handshake[w->greeted - 1] : NULL;
    return last && last->id ? last : NULL;
}

const char *sb_handshake_awaited(const sb_worker *w) {
    const sb_greeting *greeting = awaited(w);
    return greeting ? greeting->method : NULL;
}

static void arm(sb_worker *w) {
    sb_timer_set(&w->bus->timers, &w->timer,
                 sb_clock_ms() + 1000 * (int64_t)w->bus->config.limits.startup_timeout_sec);
}

static void finish(sb_worker *w) {
    sb_timer_clear(&w->bus->timers, &w->timer);
    if (!sb_pool_enter(w)) {
        sb_worker_condemn(w, "out of memory for its place in the pool");
        return;
    }
    w->state = STDIO_BUS_WORKER_RUNNING;
    w->ready_at = sb_clock_ms();
    sb_worker_log(w, STDIO_BUS_LOG_INFO, "ready: its handshake is over");
    sb_worker_event(w, "started");
    sb_decline_weigh(w);
    sb_pool_flush_held(w->pool);
}

/* Sends what follows, up to the next request. */
static void go_on(sb_worker *w) {
    static const sb_edits none = {.count = 0};
    const sb_pool_config *config = w->pool->config;
    while (w->greeted < config->handshake_count) {
        const sb_greeting *greeting = &config->handshake[w->greeted++];
        if (!sb_worker_write(w, greeting->text, strlen(greeting->text), &none)) {
            sb_worker_condemn(w, "out of memory for its handshake");
            return;
        }
        w->greeting_end = sb_queue_tail(&w->out);
        if (greeting->id)
            return;
    }
    finish(w);
}

void sb_handshake_begin(sb_worker *w) {
    sb_worker_event(w, "starting");
    if (w->state != STDIO_BUS_WORKER_STARTING)
        return; /* the callback saw to its end */
    arm(w);
    go_on(w);
}

/* --- The answer ------------------------------------------------------------------------------- */

/* "-32602: Unsupported protocol version", on one line. */
static void describe_error(sb_token error, char *words, size_t len) {
    sb_value_tree tree;
    size_t ignored_at;
    const char *ignored;
    const char *code = NULL, *message = NULL;
    snprintf(words, len, "the error %.*s", (int)(error.len < 100 ? error.len : 100), error.p);
    if (!sb_value_parse(error.p, error.len, &tree, &ignored_at, &ignored))
        return;
    for (const sb_value *m = tree.root->first; m; m = m->next) {
        if (sb_value_is_member(m, "code") && m->type == SB_VALUE_NUMBER)
            code = m->text;
        if (sb_value_is_member(m, "message") && m->type == SB_VALUE_STRING)
            message = m->text;
    }
    if (code && message)
        snprintf(words, len, "%s: %s", code, message);
    sb_value_free(&tree);
    for (char *p = words; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

static void refused(sb_worker *w, const sb_greeting *greeting, sb_token error) {
    char words[160];
    describe_error(error, words, sizeof words);
    snprintf(w->failure, sizeof w->failure, "refused the handshake: '%.60s' got %s",
             greeting->method, words);
    sb_worker_condemn(w, w->failure);
}

/* Of the first request only, and not of one that nests as deep as few readers of the report would
 * follow it. */
static bool keep_answer(sb_worker *w, sb_token result) {
    sb_value_tree tree;
    size_t ignored_at;
    const char *problem;
    if (w->has_answered)
        return true;
    w->has_answered = true;
    if (!sb_value_parse(result.p, result.len, &tree, &ignored_at, &problem))
        return problem != sb_json_no_memory;
    sb_value_free(&tree);
    sb_text_add(&w->answer, result.p, result.len);
    return !w->answer.failed;
}

/* The request that an answer with this id answers; NULL: none of the handshake's. */
static const sb_greeting *answered(sb_worker *w, sb_token id) {
    const sb_greeting *greeting = awaited(w);
    if (!greeting)
        return NULL;
    sb_key key = sb_id_key(w->bus, id);
    bool same = key.len == strlen(greeting->id) && memcmp(key.p, greeting->id, key.len) == 0;
    return same ? greeting : NULL;
}

bool sb_handshake_takes_too_long(sb_worker *w, sb_token id) {
    const sb_greeting *greeting = answered(w, id);
    if (!greeting)
        return false;
    snprintf(w->failure, sizeof w->failure,
             "did not finish the handshake: its answer to '%.60s' is longer than max_input_buffer "
             "(%llu bytes)",
             greeting->method, (unsigned long long)w->bus->config.limits.max_input_buffer);
    sb_worker_condemn(w, w->failure);
    return true;
}

bool sb_handshake_takes(sb_worker *w, const sb_scan *answer) {
    const sb_greeting *greeting = answered(w, answer->id);
    if (!greeting)
        return false;
    bool is_error = answer->error.p && answer->error.p[0] != 'n';
    if (is_error || !answer->result.p) {
        refused(w, greeting, answer->error);
        return true;
    }
    if (!keep_answer(w, answer->result)) {
        sb_worker_condemn(w, "out of memory for the answer to its handshake");
        return true;
    }
    /* Of one that ended right behind its answer nothing follows but its exit. */
    if (sb_worker_is_alive(w) && !w->ending && !w->broken && !w->closing)
        go_on(w);
    return true;
}

void sb_handshake_overdue(sb_worker *w) {
    const char *method = sb_handshake_awaited(w);
    if (w->paused) { /* the answer may be there, but is not read */
        arm(w);
        return;
    }
    snprintf(w->failure, sizeof w->failure,
             "did not finish the handshake: '%.60s' was not answered within %u s "
             "(startup_timeout_sec)%s",
             method ? method : "?", (unsigned)w->bus->config.limits.startup_timeout_sec,
             w->has_skipped ? "; lines that it wrote to stdout are no messages" : "");
    sb_worker_condemn(w, w->failure);
}
