/* call_key.h: the keys under which a call stands in the tables of the bus. */
#ifndef SB_CALL_KEY_H
#define SB_CALL_KEY_H

#include "bus.h"

static inline sb_key sb_key_of(const sb_bus *bus, sb_token t) {
    return (sb_key){.p = t.p, .len = t.len, .hash = sb_hash(bus->seed, t.p, t.len)};
}

/* Salts keep the four kinds of entries apart; connections and workers never reuse a number. */
static inline uint64_t sb_conn_asks(const sb_conn *c) {
    return c->id << 1;
}
static inline uint64_t sb_worker_asks(const sb_worker *w) {
    return (uint64_t)w->id << 1 | 1;
}
static inline uint64_t sb_worker_answers(const sb_worker *w) {
    return (uint64_t)w->id << 1;
}
static inline uint64_t sb_conn_answers(const sb_conn *c) {
    return c->id << 1 | 1;
}
static inline sb_key sb_key_in(sb_key key, uint64_t salt) {
    key.salt = salt;
    return key;
}

/* Cookies are the host's own numbers: nobody chooses them to collide. */
static inline sb_key sb_cookie_key(const uint64_t *cookie) {
    return (sb_key){.p = cookie, .len = sizeof *cookie, .hash = *cookie};
}

#endif
