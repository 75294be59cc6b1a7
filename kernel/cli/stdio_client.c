/* stdio_client.c: see stdio_client.h. */
#include "stdio_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "process.h"

enum {
    PAUSE_ABOVE = 4 * 1024 * 1024, /* bytes that the client has not read */
    RESUME_BELOW = 1024 * 1024,
    PAUSE_REASON = 1 /* one of the host's bits */
};

void sbd_stdio_open(sbd_stdio_client *c, sbd_log *log, const sb_limits *limits) {
    memset(c, 0, sizeof *c);
    c->log = log;
    c->reading = true;
    c->max_output_queue = limits->max_output_queue;
    sb_frame_init(&c->frame, (size_t)limits->max_input_buffer);
    sbd_outlet_open(&c->out, SBD_STDOUT);
}

void sbd_stdio_close(sbd_stdio_client *c) {
    sb_frame_free(&c->frame);
    sbd_outlet_close(&c->out);
}

static void pause_all(sbd_stdio_client *c, bool pause) {
    c->paused = pause;
    for (int id = 0; id < stdio_bus_worker_total(c->bus); id++) {
        if (pause)
            stdio_bus_pause_worker(c->bus, id, PAUSE_REASON);
        else
            stdio_bus_resume_worker(c->bus, id, PAUSE_REASON);
    }
}

void sbd_stdio_worker_started(sbd_stdio_client *c, int worker_id) {
    if (c->paused)
        stdio_bus_pause_worker(c->bus, worker_id, PAUSE_REASON);
}

void sbd_stdio_write(sbd_stdio_client *c, const char *line, size_t len) {
    /* The newline alone finding no memory would join two lines: both go or none. */
    size_t before = c->out.end - c->out.start;
    if (!sbd_outlet_put(&c->out, line, len)) {
        c->lost++;
    } else if (!sbd_outlet_put(&c->out, "\n", 1)) {
        c->out.end = c->out.start + before;
        c->lost++;
    }
    sb_host_set_unread(c->bus, sbd_outlet_waiting(&c->out));
    if (!c->paused && sbd_outlet_waiting(&c->out) > PAUSE_ABOVE)
        pause_all(c, true);
}

/* Bytes that wait for the running worker that has the fewest; 0 when none runs, because then
 * messages wait for a restart, or are refused, without a queue of this kind. */
static uint64_t shortest_queue(stdio_bus_t *bus) {
    uint64_t shortest = UINT64_MAX;
    stdio_bus_worker_info_t info = {.size = sizeof info};
    for (int i = 0; stdio_bus_worker_at(bus, i, &info) == STDIO_BUS_OK; i++)
        if (info.state == STDIO_BUS_WORKER_RUNNING && info.queued_bytes < shortest)
            shortest = info.queued_bytes;
    return shortest == UINT64_MAX ? 0 : shortest;
}

/* A client that sends faster than the workers read would at last get its requests refused. As
 * long as one worker has room it goes on, so that a worker that does not read stops only itself;
 * when none has, the input waits. The queues are looked at rarely enough to cost nothing and
 * often enough that none of them can fill up in between. */
static void hold_input(sbd_stdio_client *c) {
    if (!c->held && c->unchecked < c->max_output_queue / 4)
        return;
    uint64_t shortest = shortest_queue(c->bus);
    c->unchecked = 0;
    c->held = shortest > (c->held ? c->max_output_queue / 4 : c->max_output_queue / 2);
}

bool sbd_stdio_wants_input(const sbd_stdio_client *c) {
    return c->reading && !c->paused && !c->held;
}

void sbd_stdio_flush(sbd_stdio_client *c) {
    hold_input(c);
    sbd_outlet_flush(&c->out);
    sb_host_set_unread(c->bus, sbd_outlet_waiting(&c->out));
    if (c->paused && (sbd_outlet_waiting(&c->out) < RESUME_BELOW || c->out.error))
        pause_all(c, false);
}

static void hand_over_lines(sbd_stdio_client *c,
                            sb_frame_result (*next)(sb_frame *, char **, size_t *)) {
    char *line;
    size_t len;
    for (;;) {
        switch (next(&c->frame, &line, &len)) {
        case SB_FRAME_MORE:
            return;
        case SB_FRAME_LINE:
            sb_host_line(c->bus, line, len);
            break;
        case SB_FRAME_TOO_LONG:
            sb_host_line_too_long(c->bus);
            break;
        case SB_FRAME_SKIPPED:
            break;
        }
    }
}

void sbd_stdio_read(sbd_stdio_client *c) {
    size_t room;
    char *into = sb_frame_room(&c->frame, &room);
    if (!into) {
        sbd_log_line(c->log, STDIO_BUS_LOG_ERROR, "standard input: out of memory");
        c->reading = false;
        return;
    }
    ptrdiff_t n = sbd_input_read(into, room);
    if (n > 0) {
        sb_frame_filled(&c->frame, (size_t)n);
        c->unchecked += (uint64_t)n;
        hand_over_lines(c, sb_frame_next);
    } else if (n == 0) {
        c->reading = false;
        hand_over_lines(c, sb_frame_rest);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        sbd_log_line(c->log, STDIO_BUS_LOG_ERROR, "standard input: %s", strerror(errno));
        c->reading = false;
    }
}
