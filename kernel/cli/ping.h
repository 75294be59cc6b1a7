/* ping.h: whether a daemon serves at an address; for health checks. */
#ifndef SBD_PING_H
#define SBD_PING_H

#include "arguments.h"

/* Asks, with the token where there is one (NULL: none). An exit status: 0 when there is an answer,
 * which it says on standard output, 1 when there is none, with the reason on standard error. */
int sbd_ping_run(const sbd_arguments *arguments, const char *token);

#endif
