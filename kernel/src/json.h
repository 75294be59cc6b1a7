/* json.h: one pass over a message: is it valid, and where are the members that routing
 * needs? Nothing is copied; the result points into the message. Nothing is allocated either,
 * but for a bitmap of one bit a level when a message nests deeper than 1,024 levels. */
#ifndef SB_JSON_H
#define SB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A token as it stands in the text: a string with its quotes, a number, null. p is NULL when
 * the member is absent (or, where noted, of another type). */
typedef struct sb_token {
    const char *p;
    size_t len;
} sb_token;

typedef enum sb_id_kind {
    SB_ID_ABSENT,
    SB_ID_NULL,
    SB_ID_NUMBER,
    SB_ID_STRING,
    SB_ID_OTHER
} sb_id_kind;

/* A top-level member with what must go when it is taken off: the bytes [start, end) hold the
 * key, the value and exactly one of the commas around it (none for an only member): the one
 * before it when any other than an envelope member stands before it, else the one after it.
 * So the spans of one message never overlap and all of them can be taken off together; a
 * message of nothing but envelope members leaves "{}". start == end: absent. */
typedef struct sb_span {
    size_t start, end;
} sb_span;

typedef enum sb_scan_status {
    SB_SCAN_OK,
    SB_SCAN_INVALID, /* not one well-formed JSON value of valid UTF-8 */
    SB_SCAN_BATCH,   /* a well-formed array */
    SB_SCAN_SCALAR   /* well-formed, neither object nor array */
} sb_scan_status;

typedef struct sb_scan {
    sb_id_kind id_kind;
    sb_token id;             /* any type but absent */
    sb_token method;         /* strings only */
    sb_token session;        /* top-level "sessionId", strings only */
    sb_token pool;           /* top-level "pool", strings only */
    sb_token params;         /* the whole value */
    sb_token params_session; /* params.sessionId, strings only */
    sb_token progress_token; /* params.progressToken, strings and numbers */
    sb_token meta_token;     /* params._meta.progressToken, strings and numbers */
    sb_token request_id;     /* params.requestId, strings and numbers */
    sb_token params_id;      /* params.id, strings and numbers */
    sb_token result;         /* the whole value */
    sb_token result_session; /* result.sessionId, strings only */
    sb_token error;          /* the whole value */
    sb_span envelope[4];     /* of sessionId, pool, agentId, _ext; any type */
    bool envelope_repeated;  /* one of them is given twice; its span is that of the last */
    size_t error_at;         /* byte offset, when INVALID */
    const char *error_text;  /* static, when INVALID */
} sb_scan;

/* Repeated keys: the last one counts, as in ECMAScript. Not recursive: any depth. Returns
 * INVALID with the text "out of memory" when the bitmap cannot be had. */
sb_scan_status sb_json_scan(const char *text, size_t len, sb_scan *out);

static inline bool sb_scan_is_response(const sb_scan *s) {
    return s->method.p == NULL && s->id_kind != SB_ID_ABSENT && (s->result.p || s->error.p);
}

/* The decoded text of a string token into `out` (at least token.len bytes); returns its
 * length. A lone surrogate is kept as its three-byte form, so that distinct tokens stay
 * distinct. For a number token: the token itself. */
size_t sb_json_decode(sb_token token, char *out);
/* Whether a string token means `text`, of at most 64 bytes. */
bool sb_json_is(sb_token token, const char *text);
/* Whether a string token has no escape, so that its text is the bytes between the quotes. */
bool sb_json_is_plain(sb_token token);

/* Makes valid JSON one line. Line breaks stand between its tokens only, where any space will do. */
void sb_json_join_lines(char *text, size_t len);

/* Writes `text` as a JSON string with quotes into out, which must hold 6 * len + 2 bytes;
 * invalid UTF-8 is written as U+FFFD. Returns the length. */
size_t sb_json_quote(const char *text, size_t len, char *out);

#endif
