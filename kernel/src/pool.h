/* pool.h: which worker of a pool is the least loaded. */
#ifndef SB_POOL_H
#define SB_POOL_H

#include "bus.h"
#include "reply.h"

/* The worker may now be chosen; false without memory. */
bool sb_pool_enter(sb_worker *w);
/* It may not be chosen any more. Harmless when it was not in. */
void sb_pool_leave(sb_worker *w);
/* Its load (pending, session_count, turn) changed. */
void sb_pool_update(sb_worker *w);
/* The least loaded running worker in one of the two orders, or NULL. Takes its turn. */
sb_worker *sb_pool_choose(sb_pool *pool, int order);
/* Whether a worker of the pool will run without anybody's doing. */
bool sb_pool_expects_worker(const sb_pool *pool);
sb_pool *sb_pool_named(sb_bus *bus, const char *id, size_t len);

/* Messages that wait for a worker. False: the pool's queue is full. `call` NULL: a
 * notification. */
bool sb_pool_hold(sb_pool *pool, sb_call *call, sb_session *session, const char *msg, size_t len,
                  const sb_edits *edits);
/* Takes one message out of the queue and frees it. */
void sb_pool_drop_held(sb_pool *pool, sb_held *held);
/* A worker runs: everything that waits is sent, in order. */
void sb_pool_flush_held(sb_pool *pool);
/* No worker will run: requests are answered with the error, notifications counted. */
void sb_pool_fail_held(sb_pool *pool, const sb_fault *fault);

#endif
