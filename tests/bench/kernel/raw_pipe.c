/* raw_pipe.c: what everything else is compared with. With several workers the host writes to the
 * one that has answered, as a bus that looks for the least loaded does. */
#include <stdlib.h>

#include "contestant.h"
#include "fail.h"
#include "process.h"
#include "streams.h"

typedef struct raw_pipe {
    process *workers;
    size_t count;
    streams *streams;
} raw_pipe;

static void run(void *self, const traffic *t) {
    streams_run(((raw_pipe *)self)->streams, t);
}

static void end(void *self) {
    raw_pipe *r = self;
    streams_free(r->streams);
    for (size_t i = 0; i < r->count; i++) {
        r->workers[i].in = r->workers[i].out = -1;
        process_end(&r->workers[i], false);
    }
    free(r->workers);
    free(r);
}

contestant raw_pipe_open(const setting *s) {
    raw_pipe *r = must_have(calloc(1, sizeof *r));
    r->count = (size_t)s->workers;
    r->workers = must_have(calloc(r->count, sizeof *r->workers));
    int *to = must_have(calloc(r->count, sizeof *to));
    int *from = must_have(calloc(r->count, sizeof *from));
    char *argv[] = {(char *)s->worker, NULL};
    for (size_t i = 0; i < r->count; i++) {
        process_start(&r->workers[i], argv, NULL, false);
        to[i] = r->workers[i].in;
        from[i] = r->workers[i].out;
    }
    r->streams = streams_new(r->count, to, from, false);
    free(to);
    free(from);
    return (contestant){.name = "raw pipe", .self = r, .run = run, .close = end};
}
