/* json_value.h: a whole JSON text as a tree. For what is read once, as the configuration is;
 * messages are never treated so, but for the answers to handshakes. */
#ifndef SB_JSON_VALUE_H
#define SB_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

typedef enum sb_value_type {
    SB_VALUE_NULL,
    SB_VALUE_BOOL,
    SB_VALUE_NUMBER,
    SB_VALUE_STRING,
    SB_VALUE_ARRAY,
    SB_VALUE_OBJECT
} sb_value_type;

typedef struct sb_value {
    sb_value_type type;
    bool boolean;
    size_t len;       /* of text */
    const char *text; /* a string decoded, a number as written; NUL-terminated */
    const char *key;  /* of a member of an object, decoded, NUL-terminated; else NULL */
    size_t key_len;
    sb_token source;        /* as it stands in the text that was parsed */
    struct sb_value *first; /* element or member, in the order of the text */
    struct sb_value *next;  /* sibling */
} sb_value;

typedef struct sb_value_tree {
    sb_value *root;
    struct sb_value_block *blocks; /* all memory of the tree */
} sb_value_tree;

enum { SB_VALUE_MAX_DEPTH = 64 };

/* False when the text is not one valid JSON value, nests deeper than SB_VALUE_MAX_DEPTH, or
 * memory is out (sb_json_no_memory); then *error_at (a byte offset) and *error_text (static) say
 * so, and there is nothing to free. */
bool sb_value_parse(const char *text, size_t len, sb_value_tree *out, size_t *error_at,
                    const char **error_text);
void sb_value_free(sb_value_tree *tree);

/* Whether it is the member of that name. A key may hold a NUL, behind which strcmp() is blind. */
bool sb_value_is_member(const sb_value *value, const char *name);

/* "an object", "a string", … for messages. */
const char *sb_value_type_name(sb_value_type type);

#endif
