/* route.h: messages from the host and from clients, to the worker that they are for. */
#ifndef SB_ROUTE_H
#define SB_ROUTE_H

#include "bus.h"

/* Routes one message of a connection. route may be NULL. Returns the codes of stdio_bus_ingest();
 * for a client every failure was answered or counted. */
int sb_route_message(sb_bus *bus, sb_conn *conn, const stdio_bus_route_t *route, const char *msg,
                     size_t len);
/* A message that waited in the pool, now that a worker runs. The caller frees `held`. */
void sb_route_held(sb_pool *pool, sb_held *held);
/* A request that the worker `from` did not get before it ended: to another worker, or into the
 * pool's queue, or answered with the exit. */
void sb_route_again(sb_worker *from, sb_call *call, const char *msg, size_t len);

#endif
