/* config_check.c: complaints about a configuration, and the kinds of values it is made of. */
#include "config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

/* --- Complaints --------------------------------------------------------------------------- */

static bool is_identifier(const char *key, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = key[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && ((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return len > 0;
}

/* Writes the path of a place, "$.pools[0].env[\"A B\"]", and returns its length; with out NULL
 * returns the most it can take. */
static size_t write_path(const sb_place *place, char *out) {
    if (!place->up) {
        if (out)
            *out = '$';
        return 1;
    }
    size_t n = write_path(place->up, out);
    if (!out)
        return n + (place->key ? 6 * place->key_len + 5 : 24);
    if (!place->key)
        return n + (size_t)snprintf(out + n, 24, "[%zu]", place->index);
    if (is_identifier(place->key, place->key_len)) {
        out[n++] = '.';
        memcpy(out + n, place->key, place->key_len);
        return n + place->key_len;
    }
    out[n++] = '[';
    n += sb_json_quote(place->key, place->key_len, out + n);
    out[n++] = ']';
    return n;
}

/* Without memory for the path or the text the complaint is still made, in a shorter form. */
static void complain(sb_check *check, int is_warning, const sb_place *place, const char *format,
                     va_list args) {
    if (!is_warning)
        check->errors++;
    if (!check->report)
        return;
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    char *path = malloc(write_path(place, NULL) + 1);
    if (path)
        path[write_path(place, path)] = '\0';
    check->report(check->user, is_warning, path ? path : "$", text);
    free(path);
}

void sb_check_error(sb_check *check, const sb_place *place, const char *format, ...) {
    va_list args;
    va_start(args, format);
    complain(check, 0, place, format, args);
    va_end(args);
}

void sb_check_warning(sb_check *check, const sb_place *place, const char *format, ...) {
    va_list args;
    va_start(args, format);
    complain(check, 1, place, format, args);
    va_end(args);
}

const char *sb_excerpt_of(sb_excerpt *out, const char *text, size_t len) {
    enum { LONGEST = 64 };
    size_t shown = len;
    if (len > LONGEST) {
        shown = LONGEST;
        while (shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80)
            shown--; /* not in the middle of a character */
    }
    size_t n = sb_json_quote(text, shown, out->text);
    if (shown < len) {
        memcpy(out->text + n, "...", 3);
        n += 3;
    }
    out->text[n] = '\0';
    return out->text;
}

/* --- Values ------------------------------------------------------------------------------- */

bool sb_check_type(sb_check *check, const sb_place *place, const sb_value *value,
                   sb_value_type wanted) {
    if (value->type == wanted)
        return true;
    sb_check_error(check, place, "expected %s, found %s", sb_value_type_name(wanted),
                   sb_value_type_name(value->type));
    return false;
}

void sb_check_object(sb_check *check, const sb_place *place, const sb_value *object,
                     const sb_field *fields, size_t count, void *into) {
    bool seen[SB_MAX_FIELDS] = {false};
    if (!sb_check_type(check, place, object, SB_VALUE_OBJECT))
        return;
    for (const sb_value *member = object->first; member; member = member->next) {
        sb_place at = {place, member->key, member->key_len, 0};
        if (member->key_len > 0 && member->key[0] == '_')
            continue;
        size_t i = 0;
        while (i < count && !sb_value_is_member(member, fields[i].name))
            i++;
        if (i == count) {
            sb_excerpt excerpt;
            sb_check_warning(check, &at, "unknown key %s is ignored",
                             sb_excerpt_of(&excerpt, member->key, member->key_len));
        } else if (seen[i]) {
            sb_check_error(check, &at, "the key is given more than once");
        } else {
            seen[i] = true;
            if (fields[i].read)
                fields[i].read(check, &at, member, into);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].required && !seen[i]) {
            sb_place at = {place, fields[i].name, strlen(fields[i].name), 0};
            sb_check_error(check, &at, "required, but missing");
        }
    }
}

bool sb_check_number(sb_check *check, const sb_place *place, const sb_value *value, uint64_t min,
                     uint64_t max, uint64_t *out) {
    if (value->type != SB_VALUE_NUMBER) {
        sb_check_error(check, place, "expected a whole number from %llu to %llu, found %s",
                       (unsigned long long)min, (unsigned long long)max,
                       sb_value_type_name(value->type));
        return false;
    }
    uint64_t number = 0;
    bool whole = value->text[0] != '-';
    for (const char *p = value->text; whole && *p; p++) {
        unsigned digit = (unsigned)(*p - '0');
        whole = digit <= 9 && number <= (UINT64_MAX - digit) / 10;
        number = number * 10 + digit;
    }
    if (!whole || number < min || number > max) {
        sb_check_error(check, place, "expected a whole number from %llu to %llu, found %.40s",
                       (unsigned long long)min, (unsigned long long)max, value->text);
        return false;
    }
    *out = number;
    return true;
}

static bool is_utf8(const char *text, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len; i += n) {
        n = sb_utf8_length((const unsigned char *)text + i, len - i);
        if (n == 0)
            return false;
    }
    return true;
}

char *sb_check_string(sb_check *check, const sb_place *place, const sb_value *value,
                      bool may_be_empty) {
    if (!sb_check_type(check, place, value, SB_VALUE_STRING))
        return NULL;
    if (value->len == 0 && !may_be_empty) {
        sb_check_error(check, place, "must not be empty");
        return NULL;
    }
    if (memchr(value->text, '\0', value->len)) {
        sb_check_error(check, place, "must not contain the character U+0000");
        return NULL;
    }
    if (!is_utf8(value->text, value->len)) {
        sb_check_error(check, place, "contains a lone surrogate, which is no character");
        return NULL;
    }
    char *copy = malloc(value->len + 1);
    if (copy)
        memcpy(copy, value->text, value->len + 1);
    else
        sb_check_error(check, place, "out of memory");
    return copy;
}

int sb_check_word(sb_check *check, const sb_place *place, const sb_value *value,
                  const char *const *names) {
    char expected[128] = "";
    for (int i = 0; names[i]; i++) {
        if (value->type == SB_VALUE_STRING && value->len == strlen(names[i]) &&
            memcmp(value->text, names[i], value->len) == 0)
            return i;
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s\"%s\"", i ? " or " : "", names[i]);
    }
    sb_excerpt excerpt;
    sb_check_error(check, place, "expected %s, found %s", expected,
                   value->type == SB_VALUE_STRING ? sb_excerpt_of(&excerpt, value->text, value->len)
                                                  : sb_value_type_name(value->type));
    return -1;
}
