/* call_key.c: how requests in flight are found again. Equal ids have equal keys, however they are
 * written. */
#include "call_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

static bool is_integer(sb_token n) {
    for (size_t i = n.p[0] == '-' ? 1 : 0; i < n.len; i++)
        if (n.p[i] < '0' || n.p[i] > '9')
            return false;
    return true;
}

static sb_token canonical_id(sb_text *scratch, sb_token id) {
    sb_text_clear(scratch);
    if (id.p[0] == '"') {
        if (sb_json_is_plain(id))
            return id;
        sb_text_put(scratch, "\"");
        char *room = sb_text_extend(scratch, id.len);
        if (!room)
            return id;
        scratch->len = 1 + sb_json_decode(id, room);
        sb_text_put(scratch, "\"");
    } else if (id.p[0] == 'n' || is_integer(id)) {
        return id;
    } else {
        /* 1.0 and 1e0 come back as 1 from most parsers. */
        char plain[64], number[64];
        size_t n = id.len < sizeof plain - 1 ? id.len : sizeof plain - 1;
        memcpy(plain, id.p, n);
        plain[n] = '\0';
        double value = n == id.len ? strtod(plain, NULL) : 0.5;
        if (value != (double)(int64_t)(value > -9e15 && value < 9e15 ? value : 0.5))
            return id;
        int len = snprintf(number, sizeof number, "%lld", (long long)value);
        sb_text_add(scratch, number, (size_t)len);
    }
    return scratch->failed ? id : (sb_token){scratch->p, scratch->len};
}

sb_key sb_id_key(sb_bus *bus, sb_token id) {
    return sb_key_of(bus, canonical_id(&bus->id_key, id));
}

sb_call *sb_call_made_by_conn(sb_bus *bus, const sb_conn *c, sb_key key) {
    return sb_table_get(&bus->origins, sb_key_in(key, sb_conn_asks(c)));
}
sb_call *sb_call_made_by_worker(sb_bus *bus, const sb_worker *w, sb_key key) {
    return sb_table_get(&bus->origins, sb_key_in(key, sb_worker_asks(w)));
}
sb_call *sb_call_given_to_worker(sb_bus *bus, const sb_worker *w, sb_key key) {
    return sb_table_get(&bus->goals, sb_key_in(key, sb_worker_answers(w)));
}
sb_call *sb_call_given_to_conn(sb_bus *bus, const sb_conn *c, sb_key key) {
    return sb_table_get(&bus->goals, sb_key_in(key, sb_conn_answers(c)));
}
sb_call *sb_call_by_worker_token(sb_bus *bus, const sb_worker *w, sb_key key) {
    return sb_table_get(&bus->tokens, sb_key_in(key, sb_worker_answers(w)));
}
sb_call *sb_call_by_conn_token(sb_bus *bus, const sb_conn *c, sb_key key) {
    return sb_table_get(&bus->tokens, sb_key_in(key, sb_conn_answers(c)));
}

sb_call *sb_call_by_cookie(const sb_bus *bus, uint64_t cookie) {
    return sb_table_get(&bus->cookies, sb_cookie_key(&cookie));
}
