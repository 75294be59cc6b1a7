/* stop.c: the orderly end. First requests in flight may finish (drain), then the workers are
 * ended, then the guard, which has nothing left to watch; then what clients have not read yet is
 * written, then the bus is STOPPED. */
#include "stop.h"

#include <stdio.h>

#include "bus_entry.h"
#include "client.h"
#include "decline.h"
#include "guard.h"
#include "listener.h"
#include "worker.h"
#include "worker_exit.h"

enum {
    GRACE_MS = 3000,  /* from closing stdin to SIGKILL, unless the host gave a time */
    GIVE_UP_MS = 2000 /* after SIGKILL: a process that the system cannot end is left behind */
};

static void on_stop_timer(void *owner) {
    (void)owner; /* its only purpose is to end the wait; sb_stop_advance looks at the clock */
}

void sb_stop_init(sb_bus *bus) {
    bus->stop_timer = (sb_timer){.fire = on_stop_timer, .owner = bus};
}

/* The grace that workers get is the last part of the time, at most half of it. */
static int64_t grace_of(int64_t total) {
    return total / 2 < GRACE_MS ? total / 2 : GRACE_MS;
}

int stdio_bus_stop(stdio_bus_t *bus, int timeout_sec) {
    if (!bus)
        return STDIO_BUS_EINVAL;
    int64_t now = sb_clock_ms();
    int64_t drain = 1000 * (int64_t)bus->config.limits.drain_timeout_sec;
    int64_t total = timeout_sec > 0 ? 1000 * (int64_t)timeout_sec : drain + GRACE_MS;
    int64_t drain_until = now + (drain < total - grace_of(total) ? drain : total - grace_of(total));

    switch (bus->state) {
    case STDIO_BUS_STATE_CREATED:
        bus->state = STDIO_BUS_STATE_STOPPED;
        bus->ended = true;
        return STDIO_BUS_OK;
    case STDIO_BUS_STATE_STOPPED:
        return STDIO_BUS_OK;
    case STDIO_BUS_STATE_STOPPING:
        if (now + total < bus->stop_at) {
            bus->stop_at = now + total;
            if (bus->stop_at < bus->workers_until)
                bus->workers_until = bus->stop_at;
            if (drain_until < bus->drain_until)
                bus->drain_until = drain_until;
            sb_bus_enter(bus);
            for (size_t i = 0; bus->phase == SB_STOP_WORKERS && i < bus->worker_count; i++)
                sb_worker_end(bus->workers[i], bus->stop_at);
            sb_bus_touch(bus);
            sb_bus_leave(bus);
        }
        return STDIO_BUS_OK;
    default:
        break;
    }
    sb_bus_enter(bus);
    bus->state = STDIO_BUS_STATE_STOPPING;
    bus->phase = SB_STOP_DRAIN;
    bus->stop_at = now + total;
    bus->drain_until = drain_until;
    bus->grace_ms = timeout_sec > 0 ? total : GRACE_MS;
    sb_log(bus, STDIO_BUS_LOG_INFO, "stopping, %zu requests in flight", bus->pending);
    sb_listener_close(bus);
    /* Whoever does not read now would keep the requests of the drain from their answers. */
    for (size_t i = 0; i < bus->worker_count; i++)
        sb_decline_forget(bus->workers[i]);
    /* Nobody is restarted any more, so what waits for a restart is answered now. */
    for (size_t i = 0; i < bus->worker_count; i++)
        if (!sb_worker_is_alive(bus->workers[i]))
            sb_worker_end(bus->workers[i], bus->stop_at);
    sb_bus_touch(bus);
    sb_bus_leave(bus);
    return STDIO_BUS_OK;
}

static bool any_worker_alive(const sb_bus *bus) {
    for (size_t i = 0; i < bus->worker_count; i++)
        if (sb_worker_is_alive(bus->workers[i]))
            return true;
    return false;
}

static void abandon_workers(sb_bus *bus) {
    for (size_t i = 0; i < bus->worker_count; i++) {
        sb_worker *w = bus->workers[i];
        sb_worker_check_exit(w); /* its notice may not have been read yet */
        if (!sb_worker_is_alive(w))
            continue;
        sb_worker_log(w, STDIO_BUS_LOG_ERROR, "process %lld could not be ended",
                      (long long)w->child.pid);
        snprintf(w->reason, sizeof w->reason, "its process could not be ended");
        sb_guard_remove(bus, w->child.pid);
        w->child.pid = 0;
        w->state = STDIO_BUS_WORKER_FAILED;
        sb_worker_close_streams(w);
        sb_worker_settle_calls(w);
        sb_worker_event(w, "failed");
        sb_worker_left_pool(w);
    }
}

void sb_stop_advance(sb_bus *bus) {
    if (bus->state != STDIO_BUS_STATE_STOPPING)
        return;
    int64_t now = sb_clock_ms();
    if (bus->phase == SB_STOP_DRAIN && (bus->pending == 0 || now >= bus->drain_until)) {
        bus->phase = SB_STOP_WORKERS;
        /* The time to drain may not have been needed. */
        int64_t enough = now + bus->grace_ms;
        bus->workers_until = enough < bus->stop_at ? enough : bus->stop_at;
        if (bus->workers_until < now)
            bus->workers_until = now; /* a host that steps late */
        for (size_t i = 0; i < bus->worker_count; i++)
            sb_worker_end(bus->workers[i], bus->workers_until);
        sb_bus_flush(bus);
    }
    if (bus->phase == SB_STOP_WORKERS && now >= bus->workers_until + GIVE_UP_MS)
        abandon_workers(bus);
    if (bus->phase == SB_STOP_WORKERS && !any_worker_alive(bus)) {
        sb_bus_flush(bus);
        sb_guard_close(bus);
        bus->phase = SB_STOP_FLUSH;
    }
    bool all_done = !sb_guard_is_alive(bus) && sb_clients_are_flushed(bus);
    if (bus->phase == SB_STOP_FLUSH && (now >= bus->stop_at || all_done)) {
        sb_clients_close(bus, "the bus stopped");
        sb_timer_clear(&bus->timers, &bus->stop_timer);
        bus->state = STDIO_BUS_STATE_STOPPED;
        sb_log(bus, STDIO_BUS_LOG_INFO, "stopped");
        return;
    }
    int64_t due = bus->phase == SB_STOP_DRAIN     ? bus->drain_until
                  : bus->phase == SB_STOP_WORKERS ? bus->workers_until + GIVE_UP_MS
                                                  : bus->stop_at;
    sb_timer_set(&bus->timers, &bus->stop_timer, due);
}
