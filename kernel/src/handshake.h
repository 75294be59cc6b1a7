/* handshake.h: what a pool's configuration says each of its workers is told first. Until that is
 * over a worker is starting: it gets nothing else but answers to what it asks, and its messages
 * wait in the pool. A worker that refuses it, or does not answer in time, is ended. */
#ifndef SB_HANDSHAKE_H
#define SB_HANDSHAKE_H

#include "bus.h"

/* Its process was started, or it was registered: w->state is STARTING. */
void sb_handshake_begin(sb_worker *w);
/* Takes the answer when it is one to the handshake. */
bool sb_handshake_takes(sb_worker *w, const sb_scan *answer);
/* The same of one that is too long to be taken. */
bool sb_handshake_takes_too_long(sb_worker *w, sb_token id);
/* startup_timeout_sec is over. */
void sb_handshake_overdue(sb_worker *w);
/* The method of the request whose answer is due; NULL: of none. */
const char *sb_handshake_awaited(const sb_worker *w);

#endif
