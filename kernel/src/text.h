/* text.h: text that grows. Memory that runs out is remembered in `failed` and makes the rest of
 * the appends do nothing, so that callers check once, at the end. */
#ifndef SB_TEXT_H
#define SB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

typedef struct sb_text {
    char *p; /* NUL-terminated once anything was appended */
    size_t len, cap;
    bool failed;
} sb_text;

void sb_text_free(sb_text *t);
void sb_text_clear(sb_text *t); /* keeps the memory, unless it is a lot */
void sb_text_add(sb_text *t, const char *p, size_t len);
/* Appends `len` bytes for the caller to fill in; NULL without memory. */
char *sb_text_extend(sb_text *t, size_t len);
void sb_text_put(sb_text *t, const char *literal);
void sb_text_number(sb_text *t, int64_t value);
/* As a JSON string, with quotes. */
void sb_text_quoted(sb_text *t, const char *p, size_t len);
/* Members of a JSON object, with the comma before all but the first. The key stands as it is. */
void sb_text_key(sb_text *t, const char *key);
void sb_text_string_member(sb_text *t, const char *key, const char *value);
void sb_text_number_member(sb_text *t, const char *key, int64_t value);

/* Changes to a message: ranges of its bytes that are replaced. Applied in one walk. */
typedef struct sb_edit {
    size_t start, end;
    const char *p;
    size_t len;
} sb_edit;

enum { SB_EDITS_MAX = 12 };
typedef struct sb_edits {
    sb_edit list[SB_EDITS_MAX];
    size_t count;
} sb_edits;

/* Keeps the list in order of position. Ranges do not overlap but for the envelope's. */
void sb_edits_replace(sb_edits *e, size_t start, size_t end, const char *p, size_t len);
/* Puts `known` in the place of the token `found` of msg; nothing when they are the same bytes. */
void sb_edits_token(sb_edits *e, const char *msg, sb_token found, sb_token known);
/* Takes the envelope members off. */
void sb_edits_strip(sb_edits *e, const sb_scan *scan, const char *msg, size_t len);
/* The length of the message after the edits. */
size_t sb_edits_length(const sb_edits *e, size_t len);
/* Writes the edited message to `out`, which holds sb_edits_length() bytes. */
void sb_edits_apply(const sb_edits *e, const char *msg, size_t len, char *out);
/* Where the byte at `at` of the original stands after the edits before it. */
size_t sb_edits_position(const sb_edits *e, size_t at);

#endif
