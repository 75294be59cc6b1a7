/* worker.h: one worker's life (worker.c) and its streams (worker_io.c). */
#ifndef SB_WORKER_H
#define SB_WORKER_H

#include "bus.h"

/* A worker of the pool with the next id, not started. NULL without memory. */
sb_worker *sb_worker_new(sb_bus *bus, sb_pool *pool);
void sb_worker_free(sb_worker *w);
/* Starts its process. 0, or STDIO_BUS_ERR_WORKER with the words in w->reason. */
int sb_worker_start(sb_worker *w);
/* Ends it: stdin closed, then the polite signal, then SIGKILL, by the deadline (of sb_clock_ms).
 * Calling it again can only shorten the deadline. */
void sb_worker_end(sb_worker *w, int64_t deadline);
/* Ends one that is of no use any more: killed at once and treated as an exit. `why` is static. */
void sb_worker_condemn(sb_worker *w, const char *why);
/* Its process may have exited: if so, reads what it left and decides what follows. */
void sb_worker_check_exit(sb_worker *w);
/* It closed a stream it cannot work without; its exit probably follows at once. */
void sb_worker_broken_input(sb_worker *w);
void sb_worker_broken_output(sb_worker *w);
/* A sender was refused: from now on the worker has backpressure_timeout_sec to read something. */
void sb_worker_note_full(sb_worker *w);
/* The embedded worker's streams are at their end. */
void sb_worker_detach(sb_worker *w, const char *why);
/* Runs, or has a process that is being ended. */
bool sb_worker_is_alive(const sb_worker *w);
/* Its process was started and nothing else was decided about it: it runs, or is being greeted. */
bool sb_worker_is_up(const sb_worker *w);
/* May be sent messages. */
bool sb_worker_is_running(const sb_worker *w);

/* Whether a message of that size would pass max_output_queue. */
bool sb_worker_is_full(const sb_worker *w, size_t len);
/* Queues one message as a line. False without memory. */
bool sb_worker_write(sb_worker *w, const char *msg, size_t len, const sb_edits *edits);
/* Writes what is queued, as far as it goes. */
void sb_worker_flush(sb_worker *w);
void sb_worker_on_out(sb_worker *w); /* readable */
void sb_worker_on_err(sb_worker *w);
void sb_worker_on_in(sb_worker *w); /* writable again */
/* Handles lines that waited in the frame while it was paused. */
void sb_worker_backlog(sb_worker *w);
void sb_worker_pause(sb_worker *w, uint32_t reasons);
void sb_worker_resume(sb_worker *w, uint32_t reasons);
/* Reads what is left of both streams after the exit. */
void sb_worker_read_rest(sb_worker *w);

#endif
