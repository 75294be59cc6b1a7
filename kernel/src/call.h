/* call.h: requests in flight, found again by the id under which they went out. */
#ifndef SB_CALL_H
#define SB_CALL_H

#include "bus.h"
#include "reply.h"

/* The key of an id: equal for equal ids, however they are written (a string with its escapes
 * decoded, in quotes; a number in its usual notation; null). It points into the token, or into the
 * bus's scratch memory until the next call. */
sb_key sb_id_key(sb_bus *bus, sb_token id);

/* A call that this connection (forward) or this worker (reverse) has in flight under that id. */
sb_call *sb_call_made_by_conn(sb_bus *bus, const sb_conn *c, sb_key key);
sb_call *sb_call_made_by_worker(sb_bus *bus, const sb_worker *w, sb_key key);
/* A call that the worker, or the connection, was given under that id. */
sb_call *sb_call_given_to_worker(sb_bus *bus, const sb_worker *w, sb_key key);
sb_call *sb_call_given_to_conn(sb_bus *bus, const sb_conn *c, sb_key key);
/* A call whose progress is reported under that token. */
sb_call *sb_call_by_worker_token(sb_bus *bus, const sb_worker *w, sb_key key);
sb_call *sb_call_by_conn_token(sb_bus *bus, const sb_conn *c, sb_key key);
sb_call *sb_call_by_cookie(const sb_bus *bus, uint64_t cookie);

/* Registers a call under its asker: a connection for a forward call, else `worker`. token.p may be
 * NULL. NULL without memory. */
sb_call *sb_call_open(sb_bus *bus, bool reverse, sb_conn *c, sb_worker *w, sb_token id, sb_key key,
                      sb_token token);
bool sb_call_set_cookie(sb_bus *bus, sb_call *call, uint64_t cookie);
void sb_call_set_session(sb_call *call, sb_session *session);
/* Registers it under its receiver (worker, for a forward call; c, for a reverse one) and chooses
 * the id and the token under which it goes out. False without memory. */
bool sb_call_place(sb_bus *bus, sb_call *call, sb_worker *w, sb_conn *c);
/* Takes it off its receiver again, to be placed elsewhere. */
void sb_call_unplace(sb_bus *bus, sb_call *call);
/* The edits that put the outgoing id and token into a message that has them where `scan` says;
 * notes where they will stand. */
void sb_call_edit(sb_call *call, const sb_scan *scan, const char *msg, sb_edits *edits);

/* Ends it: removes it everywhere and frees it. */
void sb_call_close(sb_bus *bus, sb_call *call);
/* The asker is gone or lost interest: its load is freed, a late answer will be recognised. */
void sb_call_give_up(sb_bus *bus, sb_call *call);
/* Late answers of this connection need not be recognised any more. */
void sb_calls_forget_given_up(sb_bus *bus, sb_conn *c);
/* Answers its asker with an error and ends it. */
void sb_call_fail(sb_bus *bus, sb_call *call, const sb_fault *fault);
void sb_calls_free(sb_bus *bus);

#endif
