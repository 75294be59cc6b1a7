#include "members.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_token.h"
#include "text.h"

__attribute__((format(printf, 2, 3))) static bool fail(char *fault, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(fault, SB_MEMBERS_FAULT, format, args);
    va_end(args);
    return false;
}

/* What the member takes, in words. */
static void put_expected(sb_text *t, const sb_member *m) {
    switch (m->kind) {
    case SB_MEMBER_TEXT:
        sb_text_put(t, "a string without U+0000");
        break;
    case SB_MEMBER_NUMBER:
        sb_text_put(t, "a whole number from ");
        sb_text_number(t, m->min);
        sb_text_put(t, " to ");
        sb_text_number(t, m->max);
        break;
    case SB_MEMBER_FLAG:
        sb_text_put(t, "true or false");
        break;
    case SB_MEMBER_WORD:
        for (size_t i = 0; m->words[i]; i++) {
            sb_text_put(t, i == 0 ? "" : m->words[i + 1] ? ", " : " or ");
            sb_text_quoted(t, m->words[i], strlen(m->words[i]));
        }
        break;
    case SB_MEMBER_ID:
        sb_text_put(t, "the id of a request: a string, a number or null");
        break;
    }
}

static bool is_whole(const char *digits) {
    size_t len = strlen(digits);
    return len <= 10 && strspn(digits, "0123456789") == len;
}

static bool read_one(const sb_member *m, const sb_value *v) {
    switch (m->kind) {
    case SB_MEMBER_TEXT:
        if (v->type != SB_VALUE_STRING || strlen(v->text) != v->len)
            return false;
        *(const char **)m->into = v->text;
        return true;
    case SB_MEMBER_NUMBER: {
        long long number = v->type == SB_VALUE_NUMBER && is_whole(v->text) ? atoll(v->text) : -1;
        if (number < m->min || number > m->max)
            return false;
        *(int *)m->into = (int)number;
        return true;
    }
    case SB_MEMBER_FLAG:
        if (v->type == SB_VALUE_BOOL)
            *(bool *)m->into = v->boolean;
        return v->type == SB_VALUE_BOOL;
    case SB_MEMBER_WORD:
        for (int i = 0; v->type == SB_VALUE_STRING && m->words[i]; i++) {
            if (strcmp(m->words[i], v->text) == 0 && strlen(v->text) == v->len) {
                *(int *)m->into = i;
                return true;
            }
        }
        return false;
    default:
        *(const sb_value **)m->into = v;
        return v->type == SB_VALUE_STRING || v->type == SB_VALUE_NUMBER || v->type == SB_VALUE_NULL;
    }
}

static bool refuse_value(const char *name, const sb_member *m, const sb_value *v, char *fault) {
    sb_text expected = {0};
    put_expected(&expected, m);
    const char *words = expected.failed ? m->name : expected.p;
    if (!v)
        fail(fault, "%s.%s is missing: expected %s", name, m->name, words);
    else if (v->type == SB_VALUE_STRING || v->type == SB_VALUE_NUMBER)
        fail(fault, "%s.%s: expected %s, found %s '%.40s'", name, m->name, words,
             sb_value_type_name(v->type), v->text);
    else
        fail(fault, "%s.%s: expected %s, found %s", name, m->name, words,
             sb_value_type_name(v->type));
    sb_text_free(&expected);
    return false;
}

static bool refuse_unknown(const char *name, const sb_value *v, const sb_member *members,
                           size_t count, char *fault) {
    int len = snprintf(fault, SB_MEMBERS_FAULT, "%s.%.40s is not known; known are", name, v->key);
    for (size_t i = 0; i < count; i++)
        len += snprintf(fault + len, SB_MEMBERS_FAULT - (size_t)len, "%s%s", i ? ", " : " ",
                        members[i].name);
    return false;
}

static bool read_member(const char *name, const sb_value *v, const sb_member *members, size_t count,
                        bool *given, char *fault) {
    for (size_t i = 0; i < count; i++) {
        if (!sb_value_is_member(v, members[i].name))
            continue;
        given[i] = true;
        return read_one(&members[i], v) || refuse_value(name, &members[i], v, fault);
    }
    return v->key[0] == '_' || refuse_unknown(name, v, members, count, fault);
}

static bool read_all(const sb_value *root, const char *name, const sb_member *members, size_t count,
                     char *fault) {
    bool given[8] = {false};
    if (root && root->type != SB_VALUE_OBJECT)
        return fail(fault, "%s: expected an object, found %s", name,
                    sb_value_type_name(root->type));
    for (const sb_value *v = root ? root->first : NULL; v; v = v->next)
        if (!read_member(name, v, members, count, given, fault))
            return false;
    for (size_t i = 0; i < count; i++)
        if (members[i].required && !given[i])
            return refuse_value(name, &members[i], NULL, fault);
    return true;
}

sb_members_result sb_members_read(sb_value_tree *tree, const char *name, sb_token object,
                                  const sb_member *members, size_t count, char *fault) {
    size_t error_at;
    const char *error_text;
    *tree = (sb_value_tree){0};
    if (object.p && !sb_value_parse(object.p, object.len, tree, &error_at, &error_text)) {
        *tree = (sb_value_tree){0};
        fail(fault, "%s: %s", name, error_text);
        return error_text == sb_json_no_memory ? SB_MEMBERS_NO_MEMORY : SB_MEMBERS_WRONG;
    }
    return read_all(tree->root, name, members, count, fault) ? SB_MEMBERS_READ : SB_MEMBERS_WRONG;
}
