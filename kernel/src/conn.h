/* conn.h: connections and their bonds with workers. */
#ifndef SB_CONN_H
#define SB_CONN_H

#include "bus.h"

void sb_conn_init(sb_conn *c, uint64_t id, sb_client *client);
/* Ends its bonds; its calls are to be ended before. */
void sb_conn_free(sb_bus *bus, sb_conn *c);
/* The living connection with that id, or NULL. The host counts as living when it listens. */
sb_conn *sb_conn_find(sb_bus *bus, uint64_t id);
/* Bytes that wait for its reader. */
size_t sb_conn_unread(const sb_conn *c);
/* The bond of the two, made when it is missing. NULL without memory. */
sb_bond *sb_bond_make(sb_conn *c, sb_worker *w);
/* The same for a connection that sends to the worker: from now on it counts as one that uses it. */
sb_bond *sb_bond_get(sb_conn *c, sb_worker *w);
void sb_bond_begin(sb_bond *bond); /* one call more */
void sb_bond_end(sb_conn *c, sb_worker *w);
/* The host can receive messages. */
bool sb_host_listens(const sb_bus *bus);

/* It sends no more: what workers asked it is answered with an error, as is what they will ask, and
 * its pauses end. */
void sb_conn_fall_silent(sb_bus *bus, sb_conn *c);

/* What goes with a message to a connection. */
typedef struct sb_origin {
    stdio_bus_message_kind_t kind;
    const sb_worker *worker; /* NULL: the kernel */
    const sb_pool *pool;
    const char *session;
    uint64_t cookie;
    sb_call *answered; /* the message is the answer to it, and its end; NULL: of none */
} sb_origin;

/* Delivers a message with its edits to a connection. msg is NUL-terminated. False: a client that is
 * going away, or no memory; counted by the caller. */
bool sb_conn_deliver(sb_bus *bus, sb_conn *c, const char *msg, size_t len, const sb_edits *edits,
                     const sb_origin *origin);
/* Borrow a buffer across a callback that may compose a message of its own. */
sb_text sb_text_borrow(sb_text *from);
void sb_text_return(sb_text *to, sb_text *borrowed);

#endif
