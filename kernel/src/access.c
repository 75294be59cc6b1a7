/* access.c: see access.h. */
#include "access.h"

#include <stdlib.h>
#include <string.h>

#include "json_value.h"
#include "reply.h"

int stdio_bus_set_access_token(stdio_bus_t *bus, const char *token) {
    if (!bus)
        return STDIO_BUS_EINVAL;
    if (bus->state != STDIO_BUS_STATE_CREATED)
        return STDIO_BUS_ERR_STATE;
    size_t len = token ? strlen(token) : 0;
    if (token && (len == 0 || len > STDIO_BUS_ACCESS_TOKEN_MAX))
        return STDIO_BUS_EINVAL;
    char *copy = token ? strdup(token) : NULL;
    if (token && !copy)
        return STDIO_BUS_ERR;
    sb_access_forget(bus);
    bus->access_token = copy;
    return STDIO_BUS_OK;
}

void sb_access_forget(sb_bus *bus) {
    if (!bus->access_token)
        return;
    volatile char *p = bus->access_token; /* a plain memset before free may be left out */
    while (*p)
        *p++ = 0;
    free(bus->access_token);
    bus->access_token = NULL;
}

/* Takes as long for a right token as for a wrong one of the same length. */
static bool is_same(const char *secret, const char *shown, size_t shown_len) {
    size_t len = strlen(secret);
    unsigned char differs = len != shown_len;
    for (size_t i = 0; i < shown_len; i++)
        differs |= (unsigned char)(shown[i] ^ secret[i % len]);
    return !differs;
}

bool sb_access_is_granted(const sb_bus *bus, const sb_scan *scan) {
    sb_value_tree params;
    size_t error_at;
    const char *error_text;
    bool has_id = scan->id_kind == SB_ID_NUMBER || scan->id_kind == SB_ID_STRING;
    if (!has_id || !sb_json_is(scan->method, "stdio_bus/auth") || !scan->params.p ||
        !sb_value_parse(scan->params.p, scan->params.len, &params, &error_at, &error_text))
        return false;
    bool granted = false;
    const sb_value *member = params.root->type == SB_VALUE_OBJECT ? params.root->first : NULL;
    for (; member; member = member->next)
        if (sb_value_is_member(member, "token") && member->type == SB_VALUE_STRING)
            granted = is_same(bus->access_token, member->text, member->len);
    sb_value_free(&params);
    return granted;
}

void sb_access_answer(sb_bus *bus, sb_conn *conn, const stdio_bus_route_t *route, sb_token id) {
    sb_text text = {0};
    sb_text_put(&text, "{\"version\":");
    sb_text_quoted(&text, stdio_bus_version(), strlen(stdio_bus_version()));
    sb_text_put(&text, "}");
    sb_reply_result(bus, conn, route, id, &text);
    sb_text_free(&text);
}
