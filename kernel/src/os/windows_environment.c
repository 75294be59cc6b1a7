/* windows_environment.c: the variables of a child. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "windows.h"

typedef struct variable {
    const wchar_t *text; /* NAME=value */
    size_t name_len;
} variable;

typedef struct variables {
    variable *list;
    size_t count;
} variables;

/* The system keeps a folder for each drive under names that begin with '='. */
static size_t name_length(const wchar_t *text) {
    const wchar_t *equals = *text ? wcschr(text + 1, L'=') : NULL;
    return equals ? (size_t)(equals - text) : wcslen(text);
}

static int compare_names(const wchar_t *a, size_t a_len, const wchar_t *b, size_t b_len) {
    return CompareStringOrdinal(a, (int)a_len, b, (int)b_len, TRUE) - CSTR_EQUAL;
}

static int compare(const void *a, const void *b) {
    const variable *x = a, *y = b;
    return compare_names(x->text, x->name_len, y->text, y->name_len);
}

static bool has(const variables *v, const wchar_t *text, size_t name_len) {
    for (size_t i = 0; i < v->count; i++)
        if (compare_names(v->list[i].text, v->list[i].name_len, text, name_len) == 0)
            return true;
    return false;
}

/* A later one of the same name takes the place of an earlier one. */
static void put(variables *v, const wchar_t *text) {
    size_t len = name_length(text);
    size_t at = 0;
    while (at < v->count && compare_names(v->list[at].text, v->list[at].name_len, text, len) != 0)
        at++;
    v->list[at] = (variable){text, len};
    if (at == v->count)
        v->count++;
}

static wchar_t *write_block(const variables *v) {
    size_t size = 2;
    for (size_t i = 0; i < v->count; i++)
        size += wcslen(v->list[i].text) + 1;
    wchar_t *block = malloc(size * sizeof *block);
    wchar_t *at = block;
    for (size_t i = 0; block && i < v->count; i++) {
        size_t len = wcslen(v->list[i].text) + 1;
        memcpy(at, v->list[i].text, len * sizeof *at);
        at += len;
    }
    if (block) {
        at[0] = L'\0';
        at[1] = L'\0'; /* an empty block has two as well */
    }
    return block;
}

static const wchar_t SYSTEM_ROOT[] = L"SystemRoot";

/* Without SystemRoot the system's own libraries do not find their parts (sockets fail first), so
 * it is also given to a child that inherits nothing. */
static const wchar_t *find_system_root(const wchar_t *host) {
    for (const wchar_t *at = host; *at; at += wcslen(at) + 1)
        if (compare_names(at, name_length(at), SYSTEM_ROOT, wcslen(SYSTEM_ROOT)) == 0)
            return at;
    return NULL;
}

wchar_t *sb_environment_merge(const wchar_t *host, bool inherit, char *const *over) {
    size_t inherited = 0, own = 0;
    for (const wchar_t *at = host; *at; at += wcslen(at) + 1)
        inherited++;
    while (over && over[own])
        own++;
    variables v = {malloc((inherited + own + 1) * sizeof(variable)), 0};
    wchar_t **texts = calloc(own + 1, sizeof *texts);
    wchar_t *block = NULL;
    bool valid = v.list && texts;
    if (valid && inherit)
        for (const wchar_t *at = host; *at; at += wcslen(at) + 1)
            v.list[v.count++] = (variable){at, name_length(at)};
    for (size_t i = 0; valid && i < own; i++) {
        texts[i] = sb_wide(over[i]);
        valid = texts[i] != NULL;
        if (valid)
            put(&v, texts[i]);
    }
    const wchar_t *root = find_system_root(host);
    if (valid && root && !has(&v, SYSTEM_ROOT, wcslen(SYSTEM_ROOT)))
        put(&v, root);
    if (valid) {
        qsort(v.list, v.count, sizeof *v.list, compare);
        block = write_block(&v);
    }
    for (size_t i = 0; texts && i < own; i++)
        free(texts[i]);
    free(texts);
    free(v.list);
    return block;
}

const wchar_t *sb_environment_find(const wchar_t *block, const wchar_t *name) {
    size_t len = wcslen(name);
    for (const wchar_t *at = block; *at; at += wcslen(at) + 1)
        if (compare_names(at, name_length(at), name, len) == 0 && at[name_length(at)] == L'=')
            return at + len + 1;
    return NULL;
}
