/* worker_exit.h: what follows the end of a worker: its requests, its sessions, its restart. */
#ifndef SB_WORKER_EXIT_H
#define SB_WORKER_EXIT_H

#include "bus.h"
#include "reply.h"

enum { SB_NO_WORKER_REASON = 384 }; /* room for the sentence of sb_no_worker_fault */

/* "was ended by SIGKILL", "exited with code 3". */
void sb_exit_words(const sb_exit *e, char *words, size_t len);
/* Closes what is open and stops its timers. */
void sb_worker_close_streams(sb_worker *w);
/* Its streams are watched, and it runs, or is starting when there is a handshake. False: the system
 * refused. */
bool sb_worker_attach(sb_worker *w);
/* Greets it, or sends it what waits. */
void sb_worker_arrive(sb_worker *w);
void sb_worker_unbind_sessions(sb_worker *w);
/* It ended, whatever kind it was: moves or answers its requests. w->state, w->reason and
 * w->last_exit are set. */
void sb_worker_settle_calls(sb_worker *w);
/* The answer to a request that the worker took with it. `written`: it had the whole request. */
sb_fault sb_exit_fault(const sb_worker *w, bool written);
/* The answer to a request that no worker of the pool will take: with the last one's reason, exit
 * and last words. `reason` gets the sentence and must live as long as the fault. */
sb_fault sb_no_worker_fault(const sb_pool *pool, char *reason, size_t len);
/* Its pool has one worker less to hope for: answers what waits if it was the last. */
void sb_worker_left_pool(sb_worker *w);
/* The back-off is over. */
void sb_worker_restart_now(sb_worker *w);

#endif
