/* waits.c: everything the daemon waits for comes from threads that wake the bus. */
#include "waits.h"

#include <string.h>

#include "news.h"
#include "stream.h"

void sbd_waits_open(sbd_waits *w, stdio_bus_t *bus) {
    memset(w, 0, sizeof *w);
    w->bus = bus;
    sbd_news_wake(stdio_bus_waker(bus));
}

void sbd_waits_set(sbd_waits *w, int which, int fd, unsigned interest) {
    w->awaited[which].fd = fd;
    w->awaited[which].interest = interest;
    if (which == SBD_ON_INPUT && interest)
        sbd_input_begin();
}

unsigned sbd_waits_ready(const sbd_waits *w, int which) {
    return w->awaited[which].guest.ready;
}

/* That nobody reads the output any more is seen when something is written. */
static unsigned look(int which, int fd) {
    switch (which) {
    case SBD_ON_SIGNAL:
        return sbd_signals_waiting() ? SB_READ : 0;
    case SBD_ON_INPUT:
        return sbd_input_is_ready() ? SB_READ : 0;
    default:
        return sbd_outlet_is_ready(fd) ? SB_WRITE : 0;
    }
}

static bool look_at_all(sbd_waits *w) {
    bool any = false;
    for (int i = 0; i < SBD_DESCRIPTORS; i++) {
        struct sbd_awaited *a = &w->awaited[i];
        a->guest.ready = a->interest ? look(i, a->fd) & a->interest : 0;
        any = any || a->guest.ready;
    }
    return any;
}

sbd_wait_result sbd_wait(sbd_waits *w, int timeout_ms, int *code) {
    bool bus_runs = stdio_bus_get_state(w->bus) != STDIO_BUS_STATE_STOPPED;
    bool any = look_at_all(w);
    if (!bus_runs) {
        if (!any)
            sbd_news_wait(timeout_ms);
        look_at_all(w);
        return SBD_WAIT_OK;
    }
    *code = stdio_bus_step(w->bus, any ? 0 : -1);
    look_at_all(w);
    return *code < 0 && *code != STDIO_BUS_ERR_STATE ? SBD_WAIT_BUS : SBD_WAIT_OK;
}
