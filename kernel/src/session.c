#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "pool.h"

static sb_key key_of(const sb_bus *bus, const char *name, size_t len) {
    return (sb_key){.p = name, .len = len, .hash = sb_hash(bus->seed, name, len)};
}

static sb_key in_pool(sb_key key, const sb_pool *pool) {
    key.salt = pool->index;
    return key;
}

sb_session *sb_session_find(sb_bus *bus, const sb_pool *pool, const char *name, size_t len) {
    sb_key key = key_of(bus, name, len);
    if (pool)
        return sb_table_get(&bus->sessions, in_pool(key, pool));
    for (size_t i = 0; i < bus->config.pool_count; i++) {
        sb_session *s = sb_table_get(&bus->sessions, in_pool(key, &bus->pools[i]));
        if (s)
            return s;
    }
    return NULL;
}

static void forget(sb_bus *bus, sb_session *s) {
    sb_session_unbind(s);
    sb_list_remove(&s->lru);
    sb_table_remove(&bus->sessions, in_pool(key_of(bus, s->name, s->len), s->pool));
    free(s);
}

/* The list of idle sessions is in the order of last use, so its first is the one to go. */
static bool make_room(sb_bus *bus) {
    if (bus->sessions.count < bus->config.limits.max_sessions)
        return true;
    if (sb_list_is_empty(&bus->idle_sessions))
        return false;
    forget(bus, SB_ENTRY(bus->idle_sessions.next, sb_session, lru));
    bus->counters.sessions_evicted++;
    return true;
}

sb_session *sb_session_open(sb_bus *bus, sb_pool *pool, const char *name, size_t len) {
    sb_session *s = sb_session_find(bus, pool, name, len);
    if (s)
        return s;
    if (!make_room(bus))
        return NULL;
    s = calloc(1, sizeof *s + len + 1);
    if (!s)
        return NULL;
    s->pool = pool;
    s->len = len;
    memcpy(s->name, name, len);
    sb_list_init(&s->of_worker);
    if (!sb_table_add(&bus->sessions, in_pool(key_of(bus, s->name, len), pool), s)) {
        free(s);
        return NULL;
    }
    sb_list_append(&bus->idle_sessions, &s->lru);
    return s;
}

void sb_session_unbind(sb_session *s) {
    if (!s->worker)
        return;
    sb_list_remove(&s->of_worker);
    s->worker->session_count--;
    sb_pool_update(s->worker);
    s->worker = NULL;
}

void sb_session_bind(sb_session *s, sb_worker *w) {
    if (s->worker == w)
        return;
    sb_session_unbind(s);
    s->worker = w;
    w->session_count++;
    sb_list_append(&w->sessions, &s->of_worker);
    sb_pool_update(w);
}

sb_conn *sb_session_owner(sb_bus *bus, const sb_session *s) {
    return s->owned ? sb_conn_find(bus, s->owner) : NULL;
}

void sb_session_claim(sb_bus *bus, sb_session *s, const sb_conn *conn, bool enveloped) {
    const sb_conn *owner = sb_session_owner(bus, s);
    if (owner && owner != conn)
        return;
    if (!owner)
        s->enveloped = false;
    s->owned = true;
    s->owner = conn->id;
    if (enveloped)
        s->enveloped = true;
}

void sb_session_keep(sb_session *s) {
    if (s->pending++ == 0)
        sb_list_remove(&s->lru);
}

void sb_session_release(sb_bus *bus, sb_session *s) {
    if (--s->pending == 0)
        sb_list_append(&bus->idle_sessions, &s->lru);
}

void sb_sessions_free(sb_bus *bus) {
    size_t at = 0;
    for (sb_session *s; (s = sb_table_next(&bus->sessions, &at));)
        free(s);
    sb_table_free(&bus->sessions);
}
