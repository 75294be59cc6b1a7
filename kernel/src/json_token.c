/* json_token.c: where the bytes of a message are looked at. Runs of plain ASCII inside strings,
 * most of any long message, are skipped 16 or 8 bytes at a time. */
#include "json_token.h"

#include <stdint.h>
#include <string.h>

#include "utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static bool is_digit(const unsigned char *p, const unsigned char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

/* Skips what needs no look of its own: printable ASCII but quote and backslash. */
static const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* The comparison is signed: bytes from 0x80 on are below the space too. */
        __m128i stop =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                         _mm_cmplt_epi8(v, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#else
    /* The same on eight bytes in one register. For bytes below 0x80, x - 0x20 borrows into the
     * top bit exactly when x is a control character, and (x ^ c) - 1 exactly when x is c;
     * borrows out of a byte can only hit bytes above one that has stopped already. */
    const uint64_t ones = 0x0101010101010101u;
    while (end - p >= 8) {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        uint64_t stop =
            (v | (v - ones * 0x20) | ((v ^ (ones * '"')) - ones) | ((v ^ (ones * '\\')) - ones)) &
            (ones * 0x80);
        if (stop)
            break;
        p += 8;
    }
#endif
    while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

const char sb_json_no_memory[] = "out of memory";

const unsigned char *sb_json_string(const unsigned char *p, const unsigned char *end, bool *escaped,
                                    sb_json_fault *fault) {
    p++;
    for (;;) {
        p = skip_plain(p, end);
        if (p >= end)
            return sb_json_fail(fault, end, "unexpected end of text inside a string");
        unsigned char c = *p;
        if (c == '"')
            return p + 1;
        if (c >= 0x80) {
            do { /* text that is not ASCII tends to go on */
                size_t n = sb_utf8_length(p, (size_t)(end - p));
                if (n == 0)
                    return sb_json_fail(fault, p, "invalid UTF-8");
                p += n;
            } while (p < end && *p >= 0x80);
        } else if (c == '\\') {
            *escaped = true;
            if (++p >= end)
                return sb_json_fail(fault, end, "unexpected end of text inside a string");
            if (*p == 'u') {
                for (int i = 0; i < 4; i++) {
                    if (++p >= end)
                        return sb_json_fail(fault, end, "unexpected end of text inside a string");
                    unsigned char lower = (unsigned char)(*p | 0x20);
                    if (!(*p >= '0' && *p <= '9') && !(lower >= 'a' && lower <= 'f'))
                        return sb_json_fail(fault, p, "expected four hexadecimal digits after \\u");
                }
            } else if (*p == 0 || !strchr("\"\\/bfnrt", *p)) {
                return sb_json_fail(fault, p, "unknown escape in a string");
            }
            p++;
        } else if (c < 0x20) {
            return sb_json_fail(fault, p, "control character in a string");
        } else {
            p++;
        }
    }
}

const unsigned char *sb_json_number(const unsigned char *p, const unsigned char *end,
                                    sb_json_fault *fault) {
    if (*p == '-')
        p++;
    if (!is_digit(p, end))
        return sb_json_fail(fault, p, "expected a digit");
    if (*p == '0') {
        p++;
        if (is_digit(p, end))
            return sb_json_fail(fault, p, "a number must not begin with 0");
    } else {
        while (is_digit(p, end))
            p++;
    }
    if (p < end && *p == '.') {
        p++;
        if (!is_digit(p, end))
            return sb_json_fail(fault, p, "expected a digit after the decimal point");
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end))
            return sb_json_fail(fault, p, "expected a digit in the exponent");
        while (is_digit(p, end))
            p++;
    }
    return p;
}

const unsigned char *sb_json_literal(const unsigned char *p, const unsigned char *end,
                                     sb_json_fault *fault) {
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(literals[i]);
        if (*p == (unsigned char)literals[i][0]) {
            if ((size_t)(end - p) >= n && memcmp(p, literals[i], n) == 0)
                return p + n;
            break;
        }
    }
    return sb_json_fail(fault, p, "expected a value");
}
