#include "one.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "rounds.h"

static contestant open_named(const char *name, const setting *s) {
    static const struct {
        const char *name;
        contestant (*open)(const setting *);
    } known[] = {{"raw", raw_pipe_open},
                 {"embedded", embedded_open},
                 {"stdio", daemon_stdio_open},
                 {"unix", daemon_unix_open},
                 {"tcp", daemon_tcp_open}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].open(s);
    fail("there is no contestant named '%s'", name);
}

void one_run(const setting *with, int argc, char **argv) {
    if (argc < 4)
        fail("one WORKER DAEMON raw|embedded|stdio|unix|tcp SIZE IN_FLIGHT COUNT "
             "[WORKERS [CLIENTS [each]]]");
    setting s = *with;
    s.workers = argc > 4 ? atoi(argv[4]) : 1;
    s.clients = argc > 5 ? atoi(argv[5]) : 1;
    s.write_each = argc > 6;
    message m;
    message_make(&m, (size_t)atoi(argv[1]), false);
    contestant c = open_named(argv[0], &s);
    traffic t = {.message = &m, .in_flight = (size_t)atoi(argv[2]), .count = (size_t)atoi(argv[3])};
    double seconds = round_seconds(&c, &t);
    printf("%.2f µs a message, %.0f a second\n", 1e6 * seconds / (double)t.count,
           (double)t.count / seconds);
    contestant_close(&c);
    message_free(&m);
}
