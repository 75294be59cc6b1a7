/* stdio_client.h: standard input and output as the bus's one client. */
#ifndef SBD_STDIO_CLIENT_H
#define SBD_STDIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "frame.h"
#include "log.h"
#include "outlet.h"
#include "stdio_bus.h"

typedef struct sbd_stdio_client {
    stdio_bus_t *bus;
    sbd_log *log;
    sb_frame frame;
    sbd_outlet out;
    bool reading;              /* standard input has not ended */
    bool paused;               /* the client does not read: neither it nor the workers are read */
    bool held;                 /* no worker has room for more: standard input waits */
    uint64_t unchecked;        /* bytes taken since the queues of the workers were looked at */
    uint64_t max_output_queue; /* bytes; what one of them holds at most */
    uint64_t lost;             /* messages that standard output did not take */
} sbd_stdio_client;

void sbd_stdio_open(sbd_stdio_client *c, sbd_log *log, const sb_limits *limits);
void sbd_stdio_close(sbd_stdio_client *c);
/* One line for the client. */
void sbd_stdio_write(sbd_stdio_client *c, const char *line, size_t len);
/* Whether standard input is to be read now. */
bool sbd_stdio_wants_input(const sbd_stdio_client *c);
/* Standard input is readable: takes one read and hands its lines to the bus. At the end of
 * input `reading` becomes false. */
void sbd_stdio_read(sbd_stdio_client *c);
/* Writes what goes, and pauses or resumes the workers and the input by how much is left. */
void sbd_stdio_flush(sbd_stdio_client *c);
/* A worker that was started anew is not paused yet. */
void sbd_stdio_worker_started(sbd_stdio_client *c, int worker_id);

#endif
