/* message.h: just enough JSON for the test workers: a member of an object, the text of a string,
 * a string as JSON. They only read what the tests send, so nothing is checked. */
#ifndef WORKER_MESSAGE_H
#define WORKER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct span {
    const char *p; /* NULL: absent */
    size_t len;
} span;

static inline const char *skip_space(const char *p) {
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

static inline const char *skip_string(const char *p) {
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

static inline const char *skip_value(const char *p) {
    if (*p == '"')
        return skip_string(p);
    int depth = 0;
    while (*p) {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p;
            if (--depth == 0)
                return p + 1;
        }
        if (depth == 0 && (*p == ',' || *p == ' '))
            return p;
        p++;
    }
    return p;
}

/* The value of a member as it stands in the NUL-terminated text of an object. */
static inline span member(const char *object, const char *key) {
    span found = {NULL, 0};
    const char *p = skip_space(object);
    if (*p != '{')
        return found;
    p++;
    for (;;) {
        p = skip_space(p);
        if (*p == ',')
            p = skip_space(p + 1);
        if (*p != '"')
            return found;
        const char *name = p + 1;
        p = skip_string(p);
        size_t name_len = (size_t)(p - name) - 1;
        p = skip_space(p);
        if (*p != ':')
            return found;
        const char *value = skip_space(p + 1);
        p = skip_value(value);
        if (name_len == strlen(key) && memcmp(name, key, name_len) == 0)
            found = (span){value, (size_t)(p - value)};
    }
}

/* The text of a JSON string, NUL-terminated, to be freed; "" for anything else. \u escapes are
 * taken for ASCII only. */
static inline char *text_of(span s) {
    char *out = malloc(s.len + 1);
    size_t n = 0;
    if (!out)
        abort();
    for (size_t i = 1; s.p && s.p[0] == '"' && i + 1 < s.len; i++) {
        if (s.p[i] != '\\') {
            out[n++] = s.p[i];
            continue;
        }
        char c = s.p[++i];
        if (c == 'n') {
            out[n++] = '\n';
        } else if (c == 't') {
            out[n++] = '\t';
        } else if (c == 'r') {
            out[n++] = '\r';
        } else if (c == 'u') {
            char digits[5] = {s.p[i + 1], s.p[i + 2], s.p[i + 3], s.p[i + 4], 0};
            out[n++] = (char)strtol(digits, NULL, 16);
            i += 4;
        } else {
            out[n++] = c;
        }
    }
    out[n] = 0;
    return out;
}

static inline long number_of(const char *object, const char *key, long otherwise) {
    span s = member(object, key);
    return s.p ? strtol(s.p, NULL, 10) : otherwise;
}

/* A growing text. */
typedef struct text {
    char *p;
    size_t len, cap;
} text;

static inline void append(text *t, const char *p, size_t len) {
    if (len > SIZE_MAX / 4)
        abort();
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->p = realloc(t->p, t->cap);
        if (!t->p)
            abort();
    }
    memcpy(t->p + t->len, p, len);
    t->len += len;
    t->p[t->len] = 0;
}

static inline void append_text(text *t, const char *p) {
    append(t, p, strlen(p));
}

static inline void append_number(text *t, long long number) {
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", number);
    append_text(t, digits);
}

static inline void append_quoted(text *t, const char *p, size_t len) {
    append_text(t, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        char escape[8];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < 0x20)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        append_text(t, escape);
    }
    append_text(t, "\"");
}

#endif
