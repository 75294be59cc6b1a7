#include "waker.h"

#include <stdlib.h>

stdio_bus_waker_t *sb_waker_new(void) {
    stdio_bus_waker_t *waker = malloc(sizeof *waker);
    if (!waker)
        return NULL;
    atomic_init(&waker->references, 1);
    atomic_init(&waker->signalled, false);
    if (sb_wake_open(&waker->wake) != 0) {
        free(waker);
        return NULL;
    }
    return waker;
}

stdio_bus_waker_t *stdio_bus_waker(stdio_bus_t *bus) {
    if (!bus)
        return NULL;
    atomic_fetch_add(&bus->waker->references, 1);
    return bus->waker;
}

/* The flag saves the system call when a wake is on its way already: a burst of sends from many
 * threads costs one. The step clears it after it has seen the wake, so none is lost. */
void stdio_bus_waker_wake(stdio_bus_waker_t *waker) {
    if (waker && !atomic_exchange(&waker->signalled, true))
        sb_wake_signal(&waker->wake);
}

void stdio_bus_waker_release(stdio_bus_waker_t *waker) {
    if (!waker || atomic_fetch_sub(&waker->references, 1) != 1)
        return;
    sb_wake_close(&waker->wake);
    free(waker);
}
