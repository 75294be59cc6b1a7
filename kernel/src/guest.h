/* guest.h: what the daemon does beyond the API. Its descriptors are in the bus's poller, so that it
 * waits for everything at one place: a second poll() over the bus's would cost as much as handling
 * a message. And its host is a client at the other end of a wire, which has its own end. */
#ifndef SB_GUEST_H
#define SB_GUEST_H

#include "stdio_bus.h"

#include "os/os.h"

typedef struct sb_guest {
    sb_source source;
    unsigned ready; /* what a step has seen: SB_READ, SB_WRITE, SB_HANGUP; cleared by the daemon */
} sb_guest;

void sb_guest_init(sb_guest *guest, intptr_t handle);
/* Watches for `interest` and nothing else (0: for nothing). 0, or a system error. For pipes and
 * sockets: pollers do not take every kind of file, or do not report its end. */
int sb_guest_watch(stdio_bus_t *bus, sb_guest *guest, unsigned interest);

/* A line of the host's own client. Whatever is wrong with it is answered on the way of all messages
 * to the host, as it is to a client of a listener. */
void sb_host_line(stdio_bus_t *bus, const char *line, size_t len);
/* One over max_input_buffer, which was skipped. */
void sb_host_line_too_long(stdio_bus_t *bus);
/* How many bytes the host's client has not read yet: log lines wait while they are many. */
void sb_host_set_unread(stdio_bus_t *bus, size_t bytes);

/* The host will answer nothing more that workers ask: they get an error, so that a request in
 * flight does not wait for an answer that cannot come. It still receives. */
void sb_host_fall_silent(stdio_bus_t *bus);

#endif
