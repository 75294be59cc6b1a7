/* log.h: the daemon's log on standard error. Never blocks: lines that find no room are counted,
 * and the count is told as soon as there is room again. */
#ifndef SBD_LOG_H
#define SBD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outlet.h"

typedef struct sbd_log {
    sbd_outlet outlet;
    int level;        /* lines below it are not made */
    uint64_t dropped; /* lines not yet told of */
} sbd_log;

void sbd_log_open(sbd_log *log, int fd, int level);
void sbd_log_close(sbd_log *log);
/* One line; newlines and other control characters in the text are made visible. */
void sbd_log_text(sbd_log *log, int level, const char *text, size_t len);
__attribute__((format(printf, 3, 4))) void sbd_log_line(sbd_log *log, int level, const char *format,
                                                        ...);
/* Writes what waits, as far as it goes. */
void sbd_log_flush(sbd_log *log);
/* Lines wait for the reader of standard error. */
bool sbd_log_waits(const sbd_log *log);

#endif
