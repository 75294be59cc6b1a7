/* signals.h: SIGTERM, SIGINT and SIGHUP as something to wait for, on Windows what the console
 * tells: Ctrl+C and Ctrl+Break as SIGINT, its end as SIGTERM. The daemon's, not the library's. */
#ifndef SBD_SIGNALS_H
#define SBD_SIGNALS_H

#include <stdbool.h>

/* Catches the signals (SIGHUP unless it is ignored) and ignores SIGPIPE; SIGINT too, unless it is
 * wanted. Returns the descriptor that becomes readable with each, or -1 with errno set. */
int sbd_signals_open(bool with_interrupt);
/* The next signal that came, or 0. */
int sbd_signals_next(int fd);
/* In words. */
const char *sbd_signals_name(int number);

#endif
