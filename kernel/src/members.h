/* members.h: the members of a small object of which each has its type, such as the params of a
 * request to the bus. Keys that begin with '_' are passed over; other unknown ones are an error, so
 * that a slip of the pen does not go unnoticed. */
#ifndef SB_MEMBERS_H
#define SB_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "json_value.h"

typedef enum sb_member_kind {
    SB_MEMBER_TEXT,   /* const char *, in the tree */
    SB_MEMBER_NUMBER, /* int, from min to max */
    SB_MEMBER_FLAG,   /* bool */
    SB_MEMBER_WORD,   /* int, the index of one of `words` */
    SB_MEMBER_ID      /* sb_value *: a string, a number or null */
} sb_member_kind;

typedef struct sb_member {
    const char *name;
    sb_member_kind kind;
    bool required;
    void *into; /* left as it is when the member is absent */
    int min, max;
    const char *const *words; /* NULL-terminated */
} sb_member;

enum { SB_MEMBERS_FAULT = 256 };

typedef enum sb_members_result {
    SB_MEMBERS_READ,
    SB_MEMBERS_WRONG,
    SB_MEMBERS_NO_MEMORY /* nothing is known to be wrong with them */
} sb_members_result;

/* Reads the object (p NULL: an empty one) into what the members say; else with a sentence in
 * `fault`, of SB_MEMBERS_FAULT bytes, which calls the object `name`. The tree is to be freed in
 * either case; what was read points into it. */
sb_members_result sb_members_read(sb_value_tree *tree, const char *name, sb_token object,
                                  const sb_member *members, size_t count, char *fault);

#endif
