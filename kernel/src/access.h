/* access.h: the token that clients of a TCP listener show. */
#ifndef SB_ACCESS_H
#define SB_ACCESS_H

#include "bus.h"

/* Whether the message is the request stdio_bus/auth with the bus's token. */
bool sb_access_is_granted(const sb_bus *bus, const sb_scan *scan);
/* The answer to a stdio_bus/auth that was granted. route: of the request, or NULL. */
void sb_access_answer(sb_bus *bus, sb_conn *conn, const stdio_bus_route_t *route, sb_token id);
/* Wipes the token from memory. */
void sb_access_forget(sb_bus *bus);

#endif
