/* json_token.h: the tokens of JSON text (RFC 8259): strings with their UTF-8 checked, numbers,
 * literals. Each function takes where a token begins and returns where it ends, or NULL with
 * the fault filled in. */
#ifndef SB_JSON_TOKEN_H
#define SB_JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sb_json_fault {
    const unsigned char *at;
    const char *text; /* static */
} sb_json_fault;

/* The text of a fault that is not the JSON's: compare its address. */
extern const char sb_json_no_memory[];

static inline const unsigned char *sb_json_fail(sb_json_fault *fault, const unsigned char *at,
                                                const char *text) {
    fault->at = at;
    fault->text = text;
    return NULL;
}

static inline const unsigned char *sb_json_skip_space(const unsigned char *p,
                                                      const unsigned char *end) {
    if (p<end && * p> ' ') /* nearly always */
        return p;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* p stands at the opening quote. *escaped is set when the string holds an escape. */
const unsigned char *sb_json_string(const unsigned char *p, const unsigned char *end, bool *escaped,
                                    sb_json_fault *fault);
/* p stands at '-' or a digit. */
const unsigned char *sb_json_number(const unsigned char *p, const unsigned char *end,
                                    sb_json_fault *fault);
/* true, false or null. */
const unsigned char *sb_json_literal(const unsigned char *p, const unsigned char *end,
                                     sb_json_fault *fault);

#endif
