/* outlet.h: bytes on their way out of the daemon through a descriptor that must never block its
 * loop, although the descriptor may be shared with other processes, whose view of it must not
 * change either. */
#ifndef SBD_OUTLET_H
#define SBD_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

typedef enum sbd_outlet_kind {
    SBD_OUTLET_OWN,    /* a non-blocking description of our own */
    SBD_OUTLET_SOCKET, /* each send asks not to wait */
    SBD_OUTLET_FILE,   /* regular file: never waits for anybody */
    SBD_OUTLET_SHARED  /* neither: written in pieces that fit when it is ready */
} sbd_outlet_kind;

typedef struct sbd_outlet {
    int fd;
    sbd_outlet_kind kind;
    int error; /* system error that ended it; 0: none */
    char *buf;
    size_t start, end, cap;
    void *writer; /* private to the system's part */
} sbd_outlet;

void sbd_outlet_open(sbd_outlet *o, int fd);
void sbd_outlet_close(sbd_outlet *o);
/* Queues bytes; false without memory or after an error. Writes nothing yet. */
bool sbd_outlet_put(sbd_outlet *o, const char *bytes, size_t len);
/* Writes what can be written at once. */
void sbd_outlet_flush(sbd_outlet *o);
/* The same at the end of the program, when nobody will call again. */
void sbd_outlet_finish(sbd_outlet *o);
/* For the systems' parts: so many bytes are written. */
void sbd_outlet_consume(sbd_outlet *o, size_t len);

static inline size_t sbd_outlet_waiting(const sbd_outlet *o) {
    return o->end - o->start;
}

#endif
