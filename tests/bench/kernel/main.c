/* main.c: kernel-bench PART WORKER DAEMON RELAY [OPTION]... */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "idle.h"
#include "memory.h"
#include "one.h"
#include "scale.h"
#include "speed.h"
#include "validation.h"

int main(int argc, char **argv) {
    if (argc < 5)
        fail("usage: kernel-bench speed|scale|validation|memory|idle|one WORKER DAEMON RELAY "
             "[--quick]");
    const char *part = argv[1];
    bool quick = argc > 5 && strcmp(argv[5], "--quick") == 0;
    setting with = {.worker = argv[2], .daemon = argv[3], .relay = argv[4]};
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(part, "speed") == 0)
        speed_run(&with, quick);
    else if (strcmp(part, "scale") == 0)
        scale_run(&with, quick);
    else if (strcmp(part, "validation") == 0)
        validation_run(quick);
    else if (strcmp(part, "memory") == 0)
        memory_run(&with);
    else if (strcmp(part, "idle") == 0)
        idle_run(&with, quick);
    else if (strcmp(part, "one") == 0)
        one_run(&with, argc - 5, argv + 5);
    else
        fail("there is no part named '%s'", part);
    return 0;
}
