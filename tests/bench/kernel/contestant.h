/* contestant.h: one way between a host and its workers. All of them are open at the same time
 * and take turns, so that whatever else the machine does meets them alike. */
#ifndef BENCH_CONTESTANT_H
#define BENCH_CONTESTANT_H

#include "message.h"

typedef struct traffic {
    message *message;
    size_t count;     /* requests in a round */
    size_t in_flight; /* how many of them at a time */
    size_t sessions;  /* over which they take turns, when the message names one */
} traffic;

typedef struct contestant {
    const char *name;
    void *self;
    /* Sends the requests and returns when each has been answered, and checked. */
    void (*run)(void *self, const traffic *t);
    void (*close)(void *self);
    int pid; /* of the process between host and workers; 0: the host itself, or none */
} contestant;

/* What the contestants are made of. */
typedef struct setting {
    const char *worker; /* the echo worker's program */
    const char *daemon; /* the daemon's */
    const char *relay;  /* a stand-in for the daemon that only copies, with one worker and client */
    int workers;        /* instances of the worker */
    int clients;        /* connections to a daemon that listens */
    bool relays;        /* the stand-in takes the daemon's place */
    bool write_each; /* a daemon's client writes once for each message, as the raw pipe does; else
                        it gathers what it has to send when answers come together */
} setting;

/* One write a message into a worker's pipe, nothing in between. */
contestant raw_pipe_open(const setting *s);
/* A host that links the library. */
contestant embedded_open(const setting *s);
/* Waits in the bus until something happens there. */
void embedded_wait(const contestant *c);
contestant daemon_stdio_open(const setting *s);
contestant daemon_unix_open(const setting *s);
contestant daemon_tcp_open(const setting *s);

/* The daemons' configuration, which is also that of the embedded host; to be freed. */
char *setting_config(const setting *s);

static inline void contestant_close(contestant *c) {
    c->close(c->self);
}

#endif
