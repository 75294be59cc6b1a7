/* json_value.c: builds the tree over text that the scan has found valid, so that nothing needs
 * to be checked here but the depth (the reader is recursive) and memory. */
#include "json_value.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_token.h"

enum { BLOCK = 16 * 1024, ALIGN = _Alignof(max_align_t) };

/* Memory is taken from blocks and given back as a whole. */
typedef struct sb_value_block {
    struct sb_value_block *next;
    size_t used, cap;
    _Alignas(max_align_t) char bytes[];
} sb_value_block;

typedef struct reader {
    const unsigned char *at, *end;
    sb_value_block *blocks;
    sb_json_fault fault;
} reader;

static void *take(reader *r, size_t size) {
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (!r->blocks || r->blocks->cap - r->blocks->used < size) {
        size_t cap = size > BLOCK ? size : BLOCK;
        sb_value_block *block = malloc(sizeof *block + cap);
        if (!block)
            return NULL;
        block->next = r->blocks;
        block->used = 0;
        block->cap = cap;
        r->blocks = block;
    }
    void *p = r->blocks->bytes + r->blocks->used;
    r->blocks->used += size;
    return p;
}

static bool out_of_memory(reader *r) {
    sb_json_fail(&r->fault, r->at, sb_json_no_memory);
    return false;
}

static void skip_space(reader *r) {
    r->at = sb_json_skip_space(r->at, r->end);
}

/* The text of the token [at, end), decoded when it is a string. */
static const char *take_text(reader *r, const unsigned char *end, size_t *len) {
    sb_token token = {(const char *)r->at, (size_t)(end - r->at)};
    char *text = take(r, token.len + 1);
    if (!text)
        return NULL;
    *len = sb_json_decode(token, text);
    text[*len] = '\0';
    r->at = end;
    return text;
}

static const char *read_string(reader *r, size_t *len) {
    bool escaped = false;
    return take_text(r, sb_json_string(r->at, r->end, &escaped, &r->fault), len);
}

static bool read_value(reader *r, sb_value *value, int depth);

static bool read_children(reader *r, sb_value *parent, int depth) {
    const unsigned char close = parent->type == SB_VALUE_OBJECT ? '}' : ']';
    sb_value **link = &parent->first;
    if (depth >= SB_VALUE_MAX_DEPTH) {
        sb_json_fail(&r->fault, r->at, "nested deeper than 64 levels");
        return false;
    }
    r->at++;
    skip_space(r);
    while (*r->at != close) {
        sb_value *child = take(r, sizeof *child);
        if (!child)
            return out_of_memory(r);
        memset(child, 0, sizeof *child);
        if (parent->type == SB_VALUE_OBJECT) {
            child->key = read_string(r, &child->key_len);
            if (!child->key)
                return out_of_memory(r);
            skip_space(r);
            r->at++; /* the colon */
            skip_space(r);
        }
        if (!read_value(r, child, depth + 1))
            return false;
        *link = child;
        link = &child->next;
        skip_space(r);
        if (*r->at == ',') {
            r->at++;
            skip_space(r);
        }
    }
    r->at++;
    return true;
}

static bool read_any(reader *r, sb_value *value, int depth) {
    switch (*r->at) {
    case '{':
    case '[':
        value->type = *r->at == '{' ? SB_VALUE_OBJECT : SB_VALUE_ARRAY;
        return read_children(r, value, depth);
    case '"':
        value->type = SB_VALUE_STRING;
        value->text = read_string(r, &value->len);
        return value->text || out_of_memory(r);
    case 't':
    case 'f':
    case 'n':
        value->type = *r->at == 'n' ? SB_VALUE_NULL : SB_VALUE_BOOL;
        value->boolean = *r->at == 't';
        r->at = sb_json_literal(r->at, r->end, &r->fault);
        return true;
    default:
        value->type = SB_VALUE_NUMBER;
        value->text = take_text(r, sb_json_number(r->at, r->end, &r->fault), &value->len);
        return value->text || out_of_memory(r);
    }
}

static bool read_value(reader *r, sb_value *value, int depth) {
    const char *start = (const char *)r->at;
    if (!read_any(r, value, depth))
        return false;
    value->source = (sb_token){start, (size_t)((const char *)r->at - start)};
    return true;
}

static void free_blocks(sb_value_block *block) {
    while (block) {
        sb_value_block *next = block->next;
        free(block);
        block = next;
    }
}

bool sb_value_parse(const char *text, size_t len, sb_value_tree *out, size_t *error_at,
                    const char **error_text) {
    sb_scan scan;
    memset(out, 0, sizeof *out);
    if (sb_json_scan(text, len, &scan) == SB_SCAN_INVALID) {
        *error_at = scan.error_at;
        *error_text = scan.error_text;
        return false;
    }
    reader r = {(const unsigned char *)text, (const unsigned char *)text + len, NULL, {0}};
    skip_space(&r);
    sb_value *root = take(&r, sizeof *root);
    bool ok = root != NULL;
    if (ok) {
        memset(root, 0, sizeof *root);
        ok = read_value(&r, root, 0);
    } else {
        out_of_memory(&r);
    }
    if (!ok) {
        free_blocks(r.blocks);
        *error_at = (size_t)((const char *)r.fault.at - text);
        *error_text = r.fault.text;
        return false;
    }
    out->root = root;
    out->blocks = r.blocks;
    return true;
}

void sb_value_free(sb_value_tree *tree) {
    free_blocks(tree->blocks);
    tree->root = NULL;
    tree->blocks = NULL;
}

bool sb_value_is_member(const sb_value *value, const char *name) {
    size_t len = strlen(name);
    return value->key && value->key_len == len && memcmp(value->key, name, len) == 0;
}

const char *sb_value_type_name(sb_value_type type) {
    switch (type) {
    case SB_VALUE_NULL:
        return "null";
    case SB_VALUE_BOOL:
        return "a boolean";
    case SB_VALUE_NUMBER:
        return "a number";
    case SB_VALUE_STRING:
        return "a string";
    case SB_VALUE_ARRAY:
        return "an array";
    case SB_VALUE_OBJECT:
        return "an object";
    }
    return "an unknown type";
}
