/* table.c: open addressing with linear probing; removal moves followers back, so that there
 * are no tombstones and a table that was full once is as quick as a new one. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST = 16,
    KEPT = 256 /* a table that shrank below would soon grow again under any load */
};

static uint64_t rotate(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

static void mix(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void absorb(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
}

/* SipHash with one round a word and three at the end. */
uint64_t sb_hash(uint64_t seed, const void *bytes, size_t left) {
    uint64_t k0 = seed;
    uint64_t k1 = rotate(seed, 32) ^ 0x9E3779B97F4A7C15u;
    uint64_t v[4] = {k0 ^ 0x736F6D6570736575u, k1 ^ 0x646F72616E646F6Du, k0 ^ 0x6C7967656E657261u,
                     k1 ^ 0x7465646279746573u};
    const unsigned char *p = bytes;
    uint64_t last = (uint64_t)left << 56;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        absorb(v, word);
    }
    if (left) {
        uint64_t word = 0;
        memcpy(&word, p, left);
        last |= word;
    }
    absorb(v, last);
    v[2] ^= 0xFF;
    mix(v);
    mix(v);
    mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The hash of the bytes cannot be foreseen, so spreading it by the salt needs no secret of its own.
 * Never 0, which marks an empty slot. */
static uint64_t place_of(sb_key key) {
    uint64_t x = (key.hash ^ key.salt * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    return x ? x : 1;
}

static bool has_key(const sb_slot *s, sb_key key) {
    return s->len == key.len && s->salt == key.salt &&
           (key.len == 0 || memcmp(s->p, key.p, key.len) == 0);
}

void sb_table_free(sb_table *t) {
    free(t->slots);
    t->slots = NULL;
    t->cap = t->count = 0;
}

/* The slot that holds the key, or the empty one where it would go. cap is not 0. */
static size_t find(const sb_table *t, uint64_t place, sb_key key) {
    size_t mask = t->cap - 1;
    size_t i = (size_t)place & mask;
    while (t->slots[i].place && !(t->slots[i].place == place && has_key(&t->slots[i], key)))
        i = (i + 1) & mask;
    return i;
}

static bool resize(sb_table *t, size_t cap) {
    sb_slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return false;
    size_t mask = cap - 1;
    for (size_t i = 0; i < t->cap; i++) {
        if (!t->slots[i].place)
            continue;
        size_t at = (size_t)t->slots[i].place & mask;
        while (slots[at].place)
            at = (at + 1) & mask;
        slots[at] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->cap = cap;
    return true;
}

void *sb_table_get(const sb_table *t, sb_key key) {
    if (t->count == 0)
        return NULL;
    const sb_slot *slot = &t->slots[find(t, place_of(key), key)];
    return slot->place ? slot->value : NULL;
}

bool sb_table_add(sb_table *t, sb_key key, void *value) {
    /* At most three quarters full. */
    if (t->count + 1 > t->cap / 4 * 3 && !resize(t, t->cap ? t->cap * 2 : SMALLEST))
        return false;
    uint64_t place = place_of(key);
    sb_slot *slot = &t->slots[find(t, place, key)];
    if (slot->place)
        return false;
    *slot = (sb_slot){place, key.p, key.len, key.salt, value};
    t->count++;
    return true;
}

void *sb_table_remove(sb_table *t, sb_key key) {
    if (t->count == 0)
        return NULL;
    size_t hole = find(t, place_of(key), key);
    if (!t->slots[hole].place)
        return NULL;
    void *value = t->slots[hole].value;
    size_t mask = t->cap - 1;
    for (size_t i = (hole + 1) & mask; t->slots[i].place; i = (i + 1) & mask) {
        /* A follower may fill the hole unless its own place lies after the hole. */
        size_t home = (size_t)t->slots[i].place & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    memset(&t->slots[hole], 0, sizeof t->slots[hole]);
    t->count--;
    /* Without memory for a smaller array the larger one stays: nothing is lost by that. */
    if (t->cap > KEPT && t->count < t->cap / 8)
        (void)resize(t, t->cap / 2);
    return value;
}

void *sb_table_next(const sb_table *t, size_t *at) {
    while (*at < t->cap) {
        const sb_slot *slot = &t->slots[(*at)++];
        if (slot->place)
            return slot->value;
    }
    return NULL;
}
