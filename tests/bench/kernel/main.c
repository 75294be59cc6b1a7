/* main.c: kernel-bench PART WORKER DAEMON [OPTION]... */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "one.h"
#include "speed.h"

int main(int argc, char **argv) {
    if (argc < 4)
        fail("usage: kernel-bench PART WORKER DAEMON [--quick]");
    const char *part = argv[1];
    bool quick = argc > 4 && strcmp(argv[4], "--quick") == 0;
    setting with = {.worker = argv[2], .daemon = argv[3]};
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(part, "speed") == 0)
        speed_run(&with, quick);
    else if (strcmp(part, "one") == 0)
        one_run(&with, argc - 4, argv + 4);
    else
        fail("there is no part named '%s'", part);
    return 0;
}
