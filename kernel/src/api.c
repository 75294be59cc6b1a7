/* api.c: the entries that send, and those that only look. */
#include <string.h>

#include "bus_entry.h"
#include "call.h"
#include "pool.h"
#include "route.h"
#include "worker.h"
#include "worker_exit.h"

#ifndef STDIO_BUS_KERNEL_VERSION
#error "STDIO_BUS_KERNEL_VERSION must be defined by the build"
#endif

int stdio_bus_api_version(void) {
    return STDIO_BUS_API_VERSION;
}

const char *stdio_bus_version(void) {
    return STDIO_BUS_KERNEL_VERSION;
}

const char *stdio_bus_strerror(int code) {
    switch (code) {
#define TEXT(name, value, text) \
    case value:                 \
        return text;
        STDIO_BUS_CODES(TEXT)
#undef TEXT
    default:
        return "unknown error";
    }
}

/* --- Sending ------------------------------------------------------------------------------- */

/* The caller's struct may be older, hence shorter, than ours. */
static bool read_route(const stdio_bus_route_t *from, stdio_bus_route_t *to) {
    *to = (stdio_bus_route_t){.worker_id = -1};
    if (from->size < offsetof(stdio_bus_route_t, cookie) + sizeof from->cookie)
        return false;
    memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    return (to->flags & ~STDIO_BUS_ROUTE_VERBATIM) == 0 && to->worker_id >= -1;
}

int stdio_bus_send(stdio_bus_t *bus, const stdio_bus_route_t *route, const char *msg, size_t len) {
    stdio_bus_route_t copy;
    if (!bus || (route && !read_route(route, &copy)))
        return STDIO_BUS_EINVAL;
    bool draining = bus->state == STDIO_BUS_STATE_STOPPING && bus->phase == SB_STOP_DRAIN;
    if (bus->state != STDIO_BUS_STATE_RUNNING && !draining)
        return STDIO_BUS_ERR_STATE;
    if (msg)
        while (len && (msg[len - 1] == '\n' || msg[len - 1] == '\r'))
            len--;
    sb_bus_enter(bus);
    int code;
    if (!msg || len == 0) {
        sb_report(bus, STDIO_BUS_ERR_INVALID, "the message is empty");
        code = STDIO_BUS_ERR_INVALID;
    } else if (len > bus->config.limits.max_input_buffer) {
        code = STDIO_BUS_ERR_BUFFER;
    } else {
        code = sb_route_message(bus, &bus->host, route ? &copy : NULL, msg, len);
    }
    sb_bus_leave(bus);
    return code;
}

int stdio_bus_ingest(stdio_bus_t *bus, const char *msg, size_t len) {
    return stdio_bus_send(bus, NULL, msg, len);
}

int stdio_bus_forget(stdio_bus_t *bus, uint64_t cookie) {
    if (!bus)
        return STDIO_BUS_EINVAL;
    sb_call *call = cookie ? sb_call_by_cookie(bus, cookie) : NULL;
    if (!call)
        return STDIO_BUS_ENOTFOUND;
    sb_bus_enter(bus);
    sb_call_give_up(bus, call);
    sb_bus_touch(bus); /* a stop may have waited for it */
    sb_bus_leave(bus);
    return STDIO_BUS_OK;
}

int stdio_bus_pending_worker(const stdio_bus_t *bus, uint64_t cookie) {
    if (!bus)
        return STDIO_BUS_EINVAL;
    const sb_call *call = cookie ? sb_call_by_cookie(bus, cookie) : NULL;
    return call && call->worker ? call->worker->id : STDIO_BUS_ENOTFOUND;
}

/* --- Looking --------------------------------------------------------------------------------- */

stdio_bus_state_t stdio_bus_get_state(const stdio_bus_t *bus) {
    return bus ? bus->state : STDIO_BUS_STATE_STOPPED;
}

int stdio_bus_worker_count(const stdio_bus_t *bus) {
    int running = 0;
    for (size_t i = 0; bus && i < bus->worker_count; i++)
        running += bus->workers[i]->state == STDIO_BUS_WORKER_RUNNING;
    return running;
}

int stdio_bus_session_count(const stdio_bus_t *bus) {
    return bus ? (int)bus->sessions.count : 0;
}

int stdio_bus_pending_count(const stdio_bus_t *bus) {
    return bus ? (int)bus->pending : 0;
}

int stdio_bus_client_count(const stdio_bus_t *bus) {
    return bus ? (int)bus->client_count : 0;
}

/* Whoever asks for the descriptor waits on it, so from now on queued work makes it readable; what
 * was queued before does so once. */
int stdio_bus_get_poll_fd(const stdio_bus_t *bus) {
    if (!bus)
        return -1;
    if (!bus->polled) {
        ((sb_bus *)bus)->polled = true;
        sb_bus_touch((sb_bus *)bus);
    }
    return (int)sb_poller_handle(bus->poller);
}

void stdio_bus_get_stats(const stdio_bus_t *bus, stdio_bus_stats_t *stats) {
    if (stats)
        *stats = bus ? bus->stats : (stdio_bus_stats_t){0};
}

void stdio_bus_get_counters(const stdio_bus_t *bus, stdio_bus_counters_t *counters) {
    if (!counters)
        return;
    size_t size = counters->size < sizeof *counters ? counters->size : sizeof *counters;
    stdio_bus_counters_t now = bus ? bus->counters : (stdio_bus_counters_t){0};
    now.size = size;
    memcpy(counters, &now, size);
}

/* --- Handlers ----------------------------------------------------------------------------------
 */

void stdio_bus_set_message_handler(stdio_bus_t *bus, stdio_bus_message_handler handler,
                                   void *user) {
    if (!bus)
        return;
    bus->on_message = handler;
    bus->on_message_user = user;
}

void stdio_bus_set_skipped_handler(stdio_bus_t *bus, stdio_bus_skipped_handler handler,
                                   void *user) {
    if (!bus)
        return;
    bus->on_skipped = handler;
    bus->on_skipped_user = user;
}

void stdio_bus_set_settled_handler(stdio_bus_t *bus, stdio_bus_settled_handler handler,
                                   void *user) {
    if (!bus)
        return;
    bus->on_settled = handler;
    bus->on_settled_user = user;
}

void stdio_bus_set_stderr_handler(stdio_bus_t *bus, stdio_bus_stderr_handler handler, void *user) {
    if (!bus)
        return;
    bus->on_stderr = handler;
    bus->on_stderr_user = user;
}
