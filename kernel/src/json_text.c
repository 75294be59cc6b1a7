/* json_text.c: string tokens to text and back. */
#include <string.h>

#include "json.h"
#include "utf8.h"

bool sb_json_is_plain(sb_token token) {
    return token.p && token.len >= 2 && token.p[0] == '"' &&
           memchr(token.p, '\\', token.len) == NULL;
}

/* Names in messages hardly ever have escapes; a client that escapes '/' still means the same. */
bool sb_json_is(sb_token token, const char *text) {
    enum { LONGEST = 64 };
    char decoded[6 * LONGEST + 2];
    size_t len = strlen(text);
    if (!token.p || token.len < len + 2 || token.len > 6 * len + 2 || token.p[0] != '"')
        return false;
    if (token.len == len + 2)
        return memcmp(token.p + 1, text, len) == 0;
    return sb_json_decode(token, decoded) == len && memcmp(decoded, text, len) == 0;
}

/* Four hexadecimal digits that the scan has already seen to be such. */
static uint32_t hex4(const char *p) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

size_t sb_json_decode(sb_token token, char *out) {
    if (token.len < 2 || token.p[0] != '"') {
        if (token.len)
            memcpy(out, token.p, token.len);
        return token.len;
    }
    const char *p = token.p + 1;
    const char *end = token.p + token.len - 1;
    size_t n = 0;
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((escape ? escape : end) - p);
        memcpy(out + n, p, run);
        n += run;
        if (!escape)
            break;
        p = escape + 2;
        switch (escape[1]) {
        case 'b':
            out[n++] = '\b';
            break;
        case 'f':
            out[n++] = '\f';
            break;
        case 'n':
            out[n++] = '\n';
            break;
        case 'r':
            out[n++] = '\r';
            break;
        case 't':
            out[n++] = '\t';
            break;
        case 'u': {
            uint32_t point = hex4(p);
            p += 4;
            if (point >= 0xD800 && point < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
                uint32_t low = hex4(p + 2);
                if (low >= 0xDC00 && low < 0xE000) {
                    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
                    p += 6;
                }
            }
            n += sb_utf8_encode(point, out + n);
            break;
        }
        default: /* quote, backslash, slash */
            out[n++] = escape[1];
        }
    }
    return n;
}

void sb_json_join_lines(char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
}

size_t sb_json_quote(const char *text, size_t len, char *out) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)text;
    size_t n = 0;
    out[n++] = '"';
    for (size_t i = 0; i < len;) {
        unsigned char c = p[i];
        if (c >= 0x80) {
            size_t run = sb_utf8_length(p + i, len - i);
            if (run) {
                memcpy(out + n, p + i, run);
                n += run;
                i += run;
            } else {
                memcpy(out + n, "\xEF\xBF\xBD", 3);
                n += 3;
                i++;
            }
            continue;
        }
        i++;
        if (c >= 0x20) {
            if (c == '"' || c == '\\')
                out[n++] = '\\';
            out[n++] = (char)c;
            continue;
        }
        static const char named[] = "btn\0fr"; /* U+0008 .. U+000D; U+000B has no name */
        out[n++] = '\\';
        if (c >= 8 && c <= 13 && named[c - 8]) {
            out[n++] = named[c - 8];
        } else {
            memcpy(out + n, "u00", 3);
            out[n + 3] = digits[c >> 4];
            out[n + 4] = digits[c & 15];
            n += 5;
        }
    }
    out[n++] = '"';
    return n;
}
