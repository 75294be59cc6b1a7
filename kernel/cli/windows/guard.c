/* guard.c: a job object ends what workers have started, so nobody starts a guard here. */
#include "../guard.h" /* the kernel has one of this name */

#include <stdio.h>

int sbd_guard_run(void) {
    fputs("stdio_bus: --guard: not on Windows, where a job object ends what workers have started\n",
          stderr);
    return 2;
}
