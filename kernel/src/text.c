#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_WHEN_CLEARED = 256 * 1024 };

void sb_text_free(sb_text *t) {
    free(t->p);
    *t = (sb_text){0};
}

void sb_text_clear(sb_text *t) {
    if (t->cap > KEPT_WHEN_CLEARED)
        sb_text_free(t);
    t->len = 0;
    t->failed = false;
    if (t->p)
        t->p[0] = '\0';
}

/* Room for `more` bytes and a NUL. */
static bool reserve(sb_text *t, size_t more) {
    if (t->failed)
        return false;
    if (t->len + more < t->cap)
        return true;
    size_t cap = t->cap ? t->cap : 256;
    while (cap <= t->len + more)
        cap *= 2;
    char *p = realloc(t->p, cap);
    if (!p) {
        t->failed = true;
        return false;
    }
    t->p = p;
    t->cap = cap;
    return true;
}

void sb_text_add(sb_text *t, const char *p, size_t len) {
    if (!reserve(t, len))
        return;
    if (len)
        memcpy(t->p + t->len, p, len);
    t->len += len;
    t->p[t->len] = '\0';
}

char *sb_text_extend(sb_text *t, size_t len) {
    if (!reserve(t, len))
        return NULL;
    char *p = t->p + t->len;
    t->len += len;
    t->p[t->len] = '\0';
    return p;
}

void sb_text_put(sb_text *t, const char *literal) {
    sb_text_add(t, literal, strlen(literal));
}

void sb_text_number(sb_text *t, int64_t value) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    sb_text_add(t, digits, (size_t)n);
}

void sb_text_quoted(sb_text *t, const char *p, size_t len) {
    if (!reserve(t, 6 * len + 2))
        return;
    t->len += sb_json_quote(p, len, t->p + t->len);
    t->p[t->len] = '\0';
}

void sb_text_key(sb_text *t, const char *key) {
    if (t->failed)
        return;
    sb_text_put(t, t->len && t->p[t->len - 1] == '{' ? "\"" : ",\"");
    sb_text_put(t, key);
    sb_text_put(t, "\":");
}

void sb_text_string_member(sb_text *t, const char *key, const char *value) {
    sb_text_key(t, key);
    sb_text_quoted(t, value, strlen(value));
}

void sb_text_number_member(sb_text *t, const char *key, int64_t value) {
    sb_text_key(t, key);
    sb_text_number(t, value);
}

void sb_edits_replace(sb_edits *e, size_t start, size_t end, const char *p, size_t len) {
    size_t i = e->count++;
    for (; i > 0 && e->list[i - 1].start > start; i--)
        e->list[i] = e->list[i - 1];
    e->list[i] = (sb_edit){.start = start, .end = end, .p = p, .len = len};
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Each span takes one comma with it. Two neighbours may both claim the comma between them; then
 * the pair as a whole must give up one comma more, the one behind it or else the one before. */
static void widen_over_comma(size_t *start, size_t *end, const char *msg, size_t len) {
    size_t after = *end;
    while (after < len && is_space(msg[after]))
        after++;
    if (after < len && msg[after] == ',') {
        *end = after + 1;
        return;
    }
    size_t before = *start;
    while (before > 0 && is_space(msg[before - 1]))
        before--;
    if (before > 0 && msg[before - 1] == ',')
        *start = before - 1;
}

void sb_edits_token(sb_edits *e, const char *msg, sb_token found, sb_token known) {
    size_t at = (size_t)(found.p - msg);
    if (found.len != known.len || memcmp(found.p, known.p, known.len) != 0)
        sb_edits_replace(e, at, at + found.len, known.p, known.len);
}

void sb_edits_strip(sb_edits *e, const sb_scan *scan, const char *msg, size_t len) {
    sb_span spans[4];
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        sb_span span = scan->envelope[i];
        if (span.start == span.end)
            continue;
        size_t at = count++;
        for (; at > 0 && spans[at - 1].start > span.start; at--)
            spans[at] = spans[at - 1];
        spans[at] = span;
    }
    for (size_t i = 0; i < count;) {
        size_t start = spans[i].start, end = spans[i].end;
        for (i++; i < count && spans[i].start < end; i++) {
            if (spans[i].end > end)
                end = spans[i].end;
            widen_over_comma(&start, &end, msg, len);
        }
        sb_edits_replace(e, start, end, NULL, 0);
    }
}

size_t sb_edits_length(const sb_edits *e, size_t len) {
    for (size_t i = 0; i < e->count; i++)
        len = len - (e->list[i].end - e->list[i].start) + e->list[i].len;
    return len;
}

void sb_edits_apply(const sb_edits *e, const char *msg, size_t len, char *out) {
    size_t at = 0;
    for (size_t i = 0; i < e->count; i++) {
        const sb_edit *edit = &e->list[i];
        memcpy(out, msg + at, edit->start - at);
        out += edit->start - at;
        if (edit->len)
            memcpy(out, edit->p, edit->len);
        out += edit->len;
        at = edit->end;
    }
    memcpy(out, msg + at, len - at);
}

size_t sb_edits_position(const sb_edits *e, size_t at) {
    size_t moved = at;
    for (size_t i = 0; i < e->count && e->list[i].start < at; i++)
        moved = moved - (e->list[i].end - e->list[i].start) + e->list[i].len;
    return moved;
}
