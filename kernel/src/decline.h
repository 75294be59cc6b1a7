/* decline.h: connections that do not want a worker's output for now (stdio_bus/pause). A worker is
 * not read while somebody wants that and nobody else waits for something from it. */
#ifndef SB_DECLINE_H
#define SB_DECLINE_H

#include "bus.h"

/* False without memory. */
bool sb_decline_begin(sb_conn *c, sb_worker *w);
void sb_decline_end(sb_conn *c, sb_worker *w);
/* A new process is welcome to everybody, as is the rest of one that is being ended. */
void sb_decline_forget(sb_worker *w);
/* Pauses or resumes the worker, now that somebody began or ceased to wait for it. */
void sb_decline_review(sb_worker *w);

static inline void sb_decline_weigh(sb_worker *w) {
    if (!sb_list_is_empty(&w->decliners))
        sb_decline_review(w);
}

#endif
