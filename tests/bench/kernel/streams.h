/* streams.h: a client of newline-delimited JSON over descriptors. It writes once for each message,
 * or gathers what it has to send at a time into one write; whatever has arrived it reads at once.
 * It is the same client for a worker's pipes, for the daemon's standard streams and for sockets. */
#ifndef BENCH_STREAMS_H
#define BENCH_STREAMS_H

#include "contestant.h"

typedef struct streams streams;

/* `count` pairs of descriptors, which become the streams' own. With fewer requests in flight than
 * pairs the requests take turns over them; else each pair gets as many as it has answered. */
streams *streams_new(size_t count, const int *to, const int *from, bool gathers);
void streams_free(streams *s);
void streams_run(streams *s, const traffic *t);

#endif
