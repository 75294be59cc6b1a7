#include "long_answer.h"

#include <string.h>

#include "json_token.h"

typedef const unsigned char *sb_bytes;

static bool is_key(sb_bytes p, sb_bytes end, const char *name) {
    size_t len = strlen(name);
    return (size_t)(end - p) == len + 2 && memcmp(p + 1, name, len) == 0;
}

/* Where a string, number or literal ends; NULL for anything else, and for one that is cut off. */
static sb_bytes scalar(sb_bytes p, sb_bytes end) {
    sb_json_fault fault;
    bool escaped;
    if (p == end)
        return NULL;
    if (*p == '"')
        return sb_json_string(p, end, &escaped, &fault);
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        return sb_json_number(p, end, &fault);
    return sb_json_literal(p, end, &fault);
}

static bool can_be_id(sb_bytes p) {
    return *p == '"' || *p == '-' || (*p >= '0' && *p <= '9');
}

sb_long_head sb_long_answer_head(const char *line, size_t len, sb_token *id) {
    sb_bytes p = (sb_bytes)line, end = p + len;
    sb_long_head found = SB_LONG_ANSWER;
    p = sb_json_skip_space(p, end);
    if (p == end || *p != '{')
        return SB_LONG_OTHER;
    do {
        sb_bytes key = sb_json_skip_space(p + 1, end);
        sb_bytes key_end = key < end && *key == '"' ? scalar(key, end) : NULL;
        if (!key_end)
            return SB_LONG_OTHER;
        p = sb_json_skip_space(key_end, end);
        if (p == end || *p != ':')
            return SB_LONG_OTHER;
        if (is_key(key, key_end, "result") || is_key(key, key_end, "error"))
            return found;
        sb_bytes value = sb_json_skip_space(p + 1, end);
        sb_bytes value_end = scalar(value, end);
        if (!value_end || is_key(key, key_end, "method"))
            return SB_LONG_OTHER;
        if (is_key(key, key_end, "id") && can_be_id(value)) {
            *id = (sb_token){.p = (const char *)value, .len = (size_t)(value_end - value)};
            found = SB_LONG_ANSWER_ID;
        }
        p = sb_json_skip_space(value_end, end);
    } while (p < end && *p == ',');
    return SB_LONG_OTHER;
}

/* --- From the end -------------------------------------------------------------------------------
 */

static sb_bytes skip_space_back(sb_bytes begin, sb_bytes p) {
    while (p > begin && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\r'))
        p--;
    return p;
}

/* Where the string begins that ends before p, at its quote. What stands at the end of a message is
 * outside of every string, so the quote before p closes one. */
static sb_bytes string_back(sb_bytes begin, sb_bytes p) {
    if (p == begin || p[-1] != '"')
        return NULL;
    for (sb_bytes at = p - 1; at > begin;) {
        if (*--at != '"')
            continue;
        sb_bytes slash = at;
        while (slash > begin && slash[-1] == '\\')
            slash--;
        if ((at - slash) % 2 == 0)
            return at;
    }
    return NULL;
}

/* The same of any scalar, which begins behind its colon. */
static sb_bytes scalar_back(sb_bytes begin, sb_bytes p) {
    sb_bytes at = string_back(begin, p);
    if (!at)
        for (at = p; at > begin && at[-1] != ':' && at[-1] != ' ' && at[-1] != '"';)
            at--;
    return scalar(at, p) == p ? at : NULL;
}

/* Whether `c` stands before *p, with nothing but space between; *p is put on it. */
static bool step_back(sb_bytes begin, sb_bytes *p, char c) {
    *p = skip_space_back(begin, *p);
    return *p > begin && *--*p == (unsigned char)c;
}

bool sb_long_answer_tail(const char *end, size_t len, sb_token *id) {
    sb_bytes begin = (sb_bytes)end, p = begin + len;
    if (!step_back(begin, &p, '}'))
        return false;
    for (;;) {
        sb_bytes value_end = skip_space_back(begin, p);
        sb_bytes value = p = scalar_back(begin, value_end);
        if (!value || !step_back(begin, &p, ':'))
            return false;
        sb_bytes key_end = skip_space_back(begin, p);
        sb_bytes key = p = string_back(begin, key_end);
        if (!key || !step_back(begin, &p, ','))
            return false;
        if (is_key(key, key_end, "id") && can_be_id(value)) {
            *id = (sb_token){.p = (const char *)value, .len = (size_t)(value_end - value)};
            return true;
        }
    }
}
