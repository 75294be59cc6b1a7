/* stream.h: what other threads have for the daemon. The standard streams are behind threads: a
 * handle that the daemon was given may be a console, a file or a pipe of either kind, and most of
 * these can only be waited for by reading or writing them. */
#ifndef SBD_STREAM_H
#define SBD_STREAM_H

#include <stdbool.h>

/* Begins to read standard input, if that has not begun. */
void sbd_input_begin(void);
/* Whether sbd_input_read() has something to tell. */
bool sbd_input_is_ready(void);
/* Whether the last that was given to the writer of this stream is written, or has failed. */
bool sbd_outlet_is_ready(int fd);
/* Whether sbd_signals_next() has one. */
bool sbd_signals_waiting(void);

#endif
