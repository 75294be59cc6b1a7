/* guard.h: the guard, a process that outlives the host and then ends the process groups of its
 * workers (see guard.c). Without a path every function here does nothing. */
#ifndef SB_GUARD_H
#define SB_GUARD_H

#include "bus.h"

void sb_guard_init(sb_bus *bus);
void sb_guard_free(sb_bus *bus);

/* A worker is about to be started: starts the guard when there is none. */
void sb_guard_prepare(sb_bus *bus);
/* The pipe into which the worker announces itself; NULL when it must not. */
const sb_source *sb_guard_pipe(const sb_bus *bus);
/* There is a group of this number; known already is harmless. */
void sb_guard_add(sb_bus *bus, int64_t group);
/* It was killed and its leader reaped. 0: nothing to tell. */
void sb_guard_remove(sb_bus *bus, int64_t group);

void sb_guard_on_pipe(sb_bus *bus, unsigned ready);
/* Its process may have exited. */
void sb_guard_check_exit(sb_bus *bus);

/* No group is left: asks the guard to end, without waiting. */
void sb_guard_close(sb_bus *bus);
bool sb_guard_is_alive(const sb_bus *bus);
/* As close, and waits for its end: a moment, for a guard that behaves. */
void sb_guard_end(sb_bus *bus);

#endif
