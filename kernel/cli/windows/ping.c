/* ping.c: the sign of life is for the health check of containers, in which no Windows is. */
#include "ping.h"

#include <stdio.h>

int sbd_ping_run(const sbd_arguments *arguments, const char *token) {
    (void)arguments, (void)token;
    fputs("stdio_bus: --ping: not on this system\n", stderr);
    return 2;
}
