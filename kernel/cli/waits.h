/* waits.h: everything the daemon waits for: the bus, and descriptors of its own. As long as the
 * bus runs its poller watches the pipes and sockets among them; other files, and what outlives the
 * bus, are asked after with poll(). */
#ifndef SBD_WAITS_H
#define SBD_WAITS_H

#include "guest.h"

enum { SBD_ON_SIGNAL, SBD_ON_INPUT, SBD_ON_OUTPUT, SBD_ON_LOG, SBD_DESCRIPTORS };

typedef struct sbd_waits {
    stdio_bus_t *bus;
    struct sbd_awaited {
        int fd; /* -1: none */
        unsigned interest;
        bool refused; /* not for the bus's poller */
        sb_guest guest;
    } awaited[SBD_DESCRIPTORS];
} sbd_waits;

void sbd_waits_open(sbd_waits *w, stdio_bus_t *bus);
/* A descriptor and what to wait for there: SB_READ, SB_WRITE; SB_HANGUP alone is the news that
 * nobody reads any more; 0: nothing. It stays the same descriptor for the life of `w`. */
void sbd_waits_set(sbd_waits *w, int which, int fd, unsigned interest);
/* What the last wait found there. */
unsigned sbd_waits_ready(const sbd_waits *w, int which);

typedef enum sbd_wait_result { SBD_WAIT_OK, SBD_WAIT_SYSTEM, SBD_WAIT_BUS } sbd_wait_result;
/* Waits until something has happened, and steps the bus while it runs; at most timeout_ms once it
 * has stopped. *code: the system error, or the bus's code, unless the result is OK. */
sbd_wait_result sbd_wait(sbd_waits *w, int timeout_ms, int *code);

#endif
