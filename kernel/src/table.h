/* table.h: a hash table from byte strings to pointers. Grows, amortised O(1); the key lives in
 * the value's own struct and is not copied. */
#ifndef SB_TABLE_H
#define SB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key knows the hash of its bytes, so that it can be looked up in several tables, and removed
 * later, without hashing again. */
typedef struct sb_key {
    const void *p;
    size_t len;
    uint64_t hash; /* sb_hash() of the bytes */
    uint64_t salt; /* part of the key: e.g. the connection an id belongs to */
} sb_key;

/* Keyed by a random seed, so that clients cannot choose colliding keys. */
uint64_t sb_hash(uint64_t seed, const void *p, size_t len);

/* What is left of a key: its hash is in the place. Sessions by the ten thousand make words count.
 */
typedef struct sb_slot {
    uint64_t place; /* hash and salt together; 0: empty */
    const void *p;
    size_t len;
    uint64_t salt;
    void *value;
} sb_slot;

typedef struct sb_table {
    sb_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t count;
} sb_table;

/* An empty table is all zeroes. */
void sb_table_free(sb_table *t);
void *sb_table_get(const sb_table *t, sb_key key);
/* Adds; false without memory or when the key is present (then nothing changes). */
bool sb_table_add(sb_table *t, sb_key key, void *value);
/* Removes and returns the value, or NULL. Shrinks when mostly empty. */
void *sb_table_remove(sb_table *t, sb_key key);
/* Walk: *at starts at 0; NULL at the end. No add or remove during a walk. */
void *sb_table_next(const sb_table *t, size_t *at);

#endif
