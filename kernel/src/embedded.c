#include "embedded.h"

#include <stdio.h>
#include <string.h>

#include "bus_entry.h"
#include "pool.h"
#include "worker.h"
#include "worker_exit.h"

void sb_embedded_close(sb_worker *w) {
    if (w->state == STDIO_BUS_WORKER_STOPPED)
        return;
    w->state = STDIO_BUS_WORKER_STOPPED;
    sb_worker_close_streams(w);
    sb_frame_free(&w->frame);
    sb_worker_settle_calls(w);
    sb_worker_log(w, STDIO_BUS_LOG_INFO, "stopped: %s", w->reason);
    sb_worker_event(w, "stopped");
    sb_worker_left_pool(w);
}

void sb_worker_detach(sb_worker *w, const char *why) {
    if (w->state == STDIO_BUS_WORKER_STOPPED || w->closing)
        return;
    snprintf(w->reason, sizeof w->reason, "%s", why);
    sb_pool_leave(w);
    w->closing = true;
    if (!w->reading)
        sb_embedded_close(w);
}

/* One socket for both directions is registered twice with the poller, which needs two
 * descriptors for it. */
static int adopt_both(int to_worker, int from_worker, sb_child *child) {
    int error = sb_source_adopt(from_worker, &child->out);
    if (!error && to_worker == from_worker)
        error = sb_source_duplicate(&child->out, &child->in);
    else if (!error)
        error = sb_source_adopt(to_worker, &child->in);
    return error;
}

/* After a refusal the descriptors are the host's again, but for a copy that was made here. */
static void give_back(sb_bus *bus, sb_child *child, bool is_copy) {
    sb_poller_watch(bus->poller, &child->out, 0);
    if (is_copy)
        sb_source_close(bus->poller, &child->in);
    child->in = child->out = SB_SOURCE_CLOSED;
}

int stdio_bus_register_embedded_worker(stdio_bus_t *bus, int fd_to_worker, int fd_from_worker,
                                       const char *pool_id) {
    if (!bus || fd_to_worker < 0 || fd_from_worker < 0)
        return STDIO_BUS_EINVAL;
    if (bus->state != STDIO_BUS_STATE_RUNNING)
        return STDIO_BUS_ERR_STATE;
    sb_pool *pool = pool_id                       ? sb_pool_named(bus, pool_id, strlen(pool_id))
                    : bus->config.pool_count == 1 ? &bus->pools[0]
                                                  : NULL;
    if (!pool)
        return STDIO_BUS_EINVAL;
    sb_child child = {.in = SB_SOURCE_CLOSED,
                      .out = SB_SOURCE_CLOSED,
                      .err = SB_SOURCE_CLOSED,
                      .exit = SB_SOURCE_CLOSED};
    if (adopt_both(fd_to_worker, fd_from_worker, &child) != 0)
        return STDIO_BUS_EINVAL;
    bool is_copy = fd_to_worker == fd_from_worker;
    sb_worker *w = sb_worker_new(bus, pool);
    if (!w) {
        give_back(bus, &child, is_copy);
        return STDIO_BUS_ERR;
    }
    sb_bus_enter(bus);
    w->embedded = true;
    w->child = child;
    sb_frame_init(&w->frame, bus->config.limits.max_input_buffer);
    int id = w->id;
    if (sb_worker_attach(w)) {
        sb_worker_log(w, STDIO_BUS_LOG_INFO, "registered, pool '%s'", pool->config->id);
        sb_worker_arrive(w);
    } else {
        /* A file the poller cannot watch: the descriptors stay the host's. */
        sb_pool_leave(w);
        give_back(bus, &w->child, is_copy);
        w->state = STDIO_BUS_WORKER_STOPPED;
        id = STDIO_BUS_EINVAL;
    }
    sb_bus_leave(bus);
    return id;
}

int stdio_bus_unregister_embedded_worker(stdio_bus_t *bus, int worker_id) {
    if (!bus)
        return STDIO_BUS_EINVAL;
    if (worker_id < 0 || (size_t)worker_id >= bus->worker_count)
        return STDIO_BUS_ENOTFOUND;
    sb_worker *w = bus->workers[worker_id];
    if (!w->embedded || w->state == STDIO_BUS_WORKER_STOPPED || w->closing)
        return STDIO_BUS_ENOTFOUND;
    sb_bus_enter(bus);
    sb_worker_on_in(w); /* what was sent to it still goes out, as far as it takes it */
    sb_worker_detach(w, "it was unregistered");
    sb_bus_leave(bus);
    return STDIO_BUS_OK;
}
