/* json.c: the scan. One loop over the text with one bit of state a level (object or array)
 * and, for the three outermost levels only, the member that is being read, so that the tokens
 * routing needs are noted on the way. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "json_member.h"
#include "json_token.h"

/* --- Members that are noted --------------------------------------------------------------- */

/* Levels 1 to NOTED hold members that can matter: the message, params or result, _meta. */
enum { NOTED = 3, INLINE_LEVELS = 1024, WORD = 64 };

typedef struct scanner {
    const unsigned char *text;
    const unsigned char *end;
    sb_json_fault fault;
    sb_scan *out;

    size_t depth;
    uint64_t *is_object; /* bit `depth` of the innermost open container */
    size_t levels;       /* that is_object has room for */
    uint64_t inline_bits[INLINE_LEVELS / WORD];

    sb_member container[NOTED + 2]; /* whose value the container of a level is */
    sb_member current[NOTED + 1];   /* the member being read at a level */
    const unsigned char *key_at[NOTED + 1];
    const unsigned char *value_at[NOTED + 1];

    const unsigned char *comma;      /* the last one on level 1 */
    const unsigned char *first_kept; /* key of the first member that is no envelope member */
    size_t after[4];                 /* end of the comma after an envelope member, 0: none */
    size_t before[4];                /* start of the comma before it; only when not first */
    int open_envelope;               /* envelope member that a following comma belongs to, or -1 */
} scanner;

/* Which member a key (between its quotes) names inside the container of a level. A key with
 * escapes is compared by its decoded text. */
static sb_member classify(const scanner *s, const unsigned char *key, size_t len, bool escaped) {
    enum { LONGEST_NAME = 13, LONGEST_ESCAPED = 6 * LONGEST_NAME };
    char text[LONGEST_ESCAPED + 2];
    if (escaped) {
        if (len > LONGEST_ESCAPED)
            return SB_MEMBER_OTHER;
        len = sb_json_decode((sb_token){(const char *)key - 1, len + 2}, text);
        key = (const unsigned char *)text;
    }
    return s->depth == 1 ? sb_member_of_message(key, len)
                         : sb_member_within(s->container[s->depth], key, len);
}

/* A key at level 1 begins the bookkeeping of what would have to go with the member. */
static void note_top_key(scanner *s, sb_member m, const unsigned char *key) {
    int e = sb_member_in_envelope(m);
    s->open_envelope = e;
    if (e < 0) {
        if (!s->first_kept)
            s->first_kept = key;
        return;
    }
    sb_span *span = &s->out->envelope[e];
    if (span->end != span->start) { /* repeated: the earlier one would stay in the message */
        s->out->envelope_repeated = true;
        const unsigned char *earlier = s->text + span->start;
        if (!s->first_kept || earlier < s->first_kept)
            s->first_kept = earlier;
    }
    span->start = (size_t)(key - s->text);
    s->before[e] = s->comma ? (size_t)(s->comma - s->text) : span->start;
    s->after[e] = 0;
}

/* Forgets what an earlier member of the same name had set. */
static void reset_member(sb_scan *out, sb_member m) {
    static const sb_token none;
    if (m == SB_MEMBER_PARAMS) {
        out->params_session = out->progress_token = out->request_id = out->params_id = none;
        out->meta_token = none;
    } else if (m == SB_MEMBER_PARAMS_META) {
        out->meta_token = none;
    } else if (m == SB_MEMBER_RESULT) {
        out->result_session = none;
    }
}

enum { STRING = 1, NUMBER = 2, ANY = 4 };

/* Where the value of a member is noted, and of which types it must be. */
static const struct {
    size_t token;
    unsigned types; /* 0: not noted */
} noted[SB_MEMBER_COUNT] = {
    [SB_MEMBER_ID] = {offsetof(sb_scan, id), ANY},
    [SB_MEMBER_METHOD] = {offsetof(sb_scan, method), STRING},
    [SB_MEMBER_SESSION] = {offsetof(sb_scan, session), STRING},
    [SB_MEMBER_POOL] = {offsetof(sb_scan, pool), STRING},
    [SB_MEMBER_PARAMS] = {offsetof(sb_scan, params), ANY},
    [SB_MEMBER_RESULT] = {offsetof(sb_scan, result), ANY},
    [SB_MEMBER_ERROR] = {offsetof(sb_scan, error), ANY},
    [SB_MEMBER_PARAMS_SESSION] = {offsetof(sb_scan, params_session), STRING},
    [SB_MEMBER_PARAMS_TOKEN] = {offsetof(sb_scan, progress_token), STRING | NUMBER},
    [SB_MEMBER_PARAMS_REQUEST_ID] = {offsetof(sb_scan, request_id), STRING | NUMBER},
    [SB_MEMBER_PARAMS_ID] = {offsetof(sb_scan, params_id), STRING | NUMBER},
    [SB_MEMBER_META_TOKEN] = {offsetof(sb_scan, meta_token), STRING | NUMBER},
    [SB_MEMBER_RESULT_SESSION] = {offsetof(sb_scan, result_session), STRING},
};

/* The value of the current member of this level ends at `end`. */
static void note_value(scanner *s, const unsigned char *end) {
    sb_member m = s->current[s->depth];
    const unsigned char *at = s->value_at[s->depth];
    sb_scan *out = s->out;
    bool string = *at == '"';
    bool number = *at == '-' || (*at >= '0' && *at <= '9');
    if (noted[m].types) {
        unsigned type = string ? STRING | ANY : number ? NUMBER | ANY : ANY;
        sb_token *token = (sb_token *)(void *)((char *)out + noted[m].token);
        *token = (sb_token){NULL, 0};
        if (noted[m].types & type)
            *token = (sb_token){(const char *)at, (size_t)(end - at)};
    }
    if (m == SB_MEMBER_ID)
        out->id_kind = string       ? SB_ID_STRING
                       : number     ? SB_ID_NUMBER
                       : *at == 'n' ? SB_ID_NULL
                                    : SB_ID_OTHER;
    int e = s->depth == 1 ? sb_member_in_envelope(m) : -1;
    if (e >= 0)
        out->envelope[e].end = (size_t)(end - s->text);
}

/* Each envelope member takes the comma before it when something that stays stands before it,
 * else the one after it. */
static void finish_envelope(scanner *s) {
    for (int e = 0; e < 4; e++) {
        sb_span *span = &s->out->envelope[e];
        if (span->start == span->end)
            continue;
        if (s->first_kept && s->first_kept < s->text + span->start)
            span->start = s->before[e];
        else if (s->after[e])
            span->end = s->after[e];
    }
}

/* --- Nesting ------------------------------------------------------------------------------ */

static bool in_object(const scanner *s) {
    return s->is_object[s->depth / WORD] >> (s->depth % WORD) & 1;
}

static bool open_container(scanner *s, bool object) {
    size_t depth = s->depth + 1;
    if (depth >= s->levels) {
        size_t bytes = s->levels / 8;
        uint64_t *old = s->is_object == s->inline_bits ? NULL : s->is_object;
        uint64_t *bits = realloc(old, bytes * 2);
        if (!bits)
            return false;
        if (!old)
            memcpy(bits, s->inline_bits, bytes);
        s->is_object = bits;
        s->levels *= 2;
    }
    uint64_t bit = (uint64_t)1 << (depth % WORD);
    if (object)
        s->is_object[depth / WORD] |= bit;
    else
        s->is_object[depth / WORD] &= ~bit;
    if (depth <= NOTED) {
        /* Level 1 is the message itself; below it only objects have members of interest. */
        s->container[depth] = depth == 1 || !object ? SB_MEMBER_OTHER : s->current[s->depth];
        s->current[depth] = SB_MEMBER_OTHER;
    }
    s->depth = depth;
    return true;
}

/* Whether the members at this level can matter. */
static bool is_noted(const scanner *s) {
    return s->depth == 1 || (s->depth <= NOTED && s->container[s->depth] != SB_MEMBER_OTHER);
}

/* A key, its colon, and the spaces up to the value. p stands at the opening quote. */
static const unsigned char *scan_key(scanner *s, const unsigned char *p) {
    const unsigned char *key = p;
    bool escaped = false;
    p = sb_json_string(p, s->end, &escaped, &s->fault);
    if (!p)
        return NULL;
    if (is_noted(s)) {
        sb_member m = classify(s, key + 1, (size_t)(p - key) - 2, escaped);
        s->current[s->depth] = m;
        if (m != SB_MEMBER_OTHER)
            reset_member(s->out, m);
        if (s->depth == 1)
            note_top_key(s, m, key);
    }
    p = sb_json_skip_space(p, s->end);
    if (p >= s->end)
        return sb_json_fail(&s->fault, p, "unexpected end of text, expected ':'");
    if (*p != ':')
        return sb_json_fail(&s->fault, p, "expected ':'");
    p = sb_json_skip_space(p + 1, s->end);
    if (is_noted(s))
        s->value_at[s->depth] = p;
    return p;
}

/* --- The scan ----------------------------------------------------------------------------- */

/* Reads one value with everything in it. At every round of the outer loop p stands where a
 * value must begin; the inner loop then closes what the value completes and leaves p at the
 * next value, or returns the end of the outermost one. */
static const unsigned char *scan_value(scanner *s, const unsigned char *p) {
    const unsigned char *end = s->end;
    for (;;) {
        if (p >= end)
            return sb_json_fail(&s->fault, p, "unexpected end of text, expected a value");
        bool opened = false;
        bool escaped = false;
        switch (*p) {
        case '"':
            p = sb_json_string(p, s->end, &escaped, &s->fault);
            break;
        case '{':
        case '[':
            opened = true;
            if (!open_container(s, *p == '{'))
                return sb_json_fail(&s->fault, p, sb_json_no_memory);
            p++;
            break;
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
            p = sb_json_number(p, end, &s->fault);
            break;
        default:
            p = sb_json_literal(p, end, &s->fault);
        }
        if (!p)
            return NULL;

        for (;;) {
            if (!opened) {
                if (s->depth == 0)
                    return p;
                if (is_noted(s) && s->current[s->depth] != SB_MEMBER_OTHER)
                    note_value(s, p);
            }
            p = sb_json_skip_space(p, end);
            bool object = in_object(s);
            if (p >= end)
                return sb_json_fail(&s->fault, p,
                                    object ? "unexpected end of text inside an object"
                                           : "unexpected end of text inside an array");
            if (*p == (object ? '}' : ']')) {
                p++;
                s->depth--;
                opened = false;
                continue; /* the container is a value that has ended */
            }
            if (!opened) {
                if (*p != ',')
                    return sb_json_fail(&s->fault, p,
                                        object ? "expected ',' or '}'" : "expected ',' or ']'");
                if (s->depth == 1) {
                    s->comma = p;
                    if (s->open_envelope >= 0)
                        s->after[s->open_envelope] = (size_t)(p - s->text) + 1;
                }
                p = sb_json_skip_space(p + 1, end);
            }
            if (!object)
                break;
            if (p >= end)
                return sb_json_fail(&s->fault, p, "unexpected end of text, expected a key");
            if (*p != '"')
                return sb_json_fail(&s->fault, p,
                                    opened ? "expected a key or '}'" : "expected a key");
            p = scan_key(s, p);
            if (!p)
                return NULL;
            break;
        }
    }
}

sb_scan_status sb_json_scan(const char *text, size_t len, sb_scan *out) {
    scanner s;
    memset(out, 0, sizeof *out);
    s.text = (const unsigned char *)text;
    s.end = s.text + len;
    s.out = out;
    s.depth = 0;
    s.is_object = s.inline_bits;
    s.levels = INLINE_LEVELS;
    s.container[0] = s.current[0] = SB_MEMBER_OTHER;
    s.comma = NULL;
    s.first_kept = NULL;
    s.open_envelope = -1;

    const unsigned char *start = sb_json_skip_space(s.text, s.end);
    const unsigned char *p = scan_value(&s, start);
    if (p) {
        p = sb_json_skip_space(p, s.end);
        if (p < s.end)
            p = sb_json_fail(&s.fault, p, "unexpected text after the value");
    }
    if (s.is_object != s.inline_bits)
        free(s.is_object);
    if (!p) {
        memset(out, 0, sizeof *out);
        out->error_at = (size_t)(s.fault.at - s.text);
        out->error_text = s.fault.text;
        return SB_SCAN_INVALID;
    }
    if (*start == '{') {
        finish_envelope(&s);
        return SB_SCAN_OK;
    }
    memset(out, 0, sizeof *out);
    return *start == '[' ? SB_SCAN_BATCH : SB_SCAN_SCALAR;
}
