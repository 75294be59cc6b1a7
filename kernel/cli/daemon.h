/* daemon.h: a bus with its loop, from start to the last byte written. */
#ifndef SBD_DAEMON_H
#define SBD_DAEMON_H

#include "arguments.h"
#include "source.h"

/* token: what TCP clients must show, or NULL. Returns the exit status of the process. */
int sbd_daemon_run(const sbd_arguments *arguments, const sbd_source *source, const char *token);

#endif
