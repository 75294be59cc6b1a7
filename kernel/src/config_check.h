/* config_check.h: walking the tree of a configuration with a path for every complaint. */
#ifndef SB_CONFIG_CHECK_H
#define SB_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_value.h"
#include "stdio_bus.h"

typedef struct sb_check {
    stdio_bus_config_report report;
    void *user;
    const char *base_dir;
    int errors;
} sb_check;

/* A place in the tree: a chain of steps that lives on the C stack. The root has no `up`; an
 * element of an array has no key. */
typedef struct sb_place {
    const struct sb_place *up;
    const char *key;
    size_t key_len;
    size_t index;
} sb_place;

void sb_check_error(sb_check *check, const sb_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sb_check_warning(sb_check *check, const sb_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected an object, found a number" when the type differs; returns whether it is right. */
bool sb_check_type(sb_check *check, const sb_place *place, const sb_value *value,
                   sb_value_type wanted);

/* Text fit for a message: quoted as JSON and cut at 64 bytes. */
typedef struct sb_excerpt {
    char text[6 * 64 + 8];
} sb_excerpt;
const char *sb_excerpt_of(sb_excerpt *out, const char *text, size_t len);

/* A known member of an object. `read` is called for its value with `into` as given. */
typedef struct sb_field {
    const char *name;
    bool required;
    void (*read)(sb_check *check, const sb_place *place, const sb_value *value, void *into);
} sb_field;

enum { SB_MAX_FIELDS = 16 };

/* Reads the members of an object: each field at most once, required ones exactly once. Keys
 * that begin with '_' are comments; any other unknown key is a warning. */
void sb_check_object(sb_check *check, const sb_place *place, const sb_value *object,
                     const sb_field *fields, size_t count, void *into);

/* A whole number of the given range; false (and an error) for anything else. */
bool sb_check_number(sb_check *check, const sb_place *place, const sb_value *value, uint64_t min,
                     uint64_t max, uint64_t *out);
/* A string that is not empty unless allowed, without U+0000 and without lone surrogates: a
 * copy, to be freed, or NULL after an error. */
char *sb_check_string(sb_check *check, const sb_place *place, const sb_value *value,
                      bool may_be_empty);
/* One of the words in `names`, NULL-terminated; its index, or -1 after an error. */
int sb_check_word(sb_check *check, const sb_place *place, const sb_value *value,
                  const char *const *names);

#endif
