#include "listener.h"

#include <stdio.h>

#include "client.h"

enum {
    ACCEPTS_AT_ONCE = 32,
    EXHAUSTED_MS = 100 /* pause when the process has no descriptor left */
};

static void on_accept_again(void *owner) {
    sb_listener_accept_more(owner);
}

void sb_listener_init(sb_bus *bus) {
    bus->accept_again = (sb_timer){.fire = on_accept_again, .owner = bus};
}

bool sb_listener_open(sb_bus *bus) {
    const stdio_bus_listener_t *l = &bus->options.listener;
    char why[512] = "";
    int error = 0;
    if (l->mode == STDIO_BUS_LISTEN_TCP) {
        error = sb_listen_tcp(l->tcp_host ? l->tcp_host : "127.0.0.1", l->tcp_port,
                              bus->access_token != NULL, &bus->listener, bus->endpoint,
                              sizeof bus->endpoint, why, sizeof why);
    } else if (l->mode == STDIO_BUS_LISTEN_UNIX && (!l->unix_path || !l->unix_path[0])) {
        snprintf(why, sizeof why, "a Unix listener needs unix_path");
        error = 1;
    } else if (l->mode == STDIO_BUS_LISTEN_UNIX) {
        error = sb_listen_unix(l->unix_path, &bus->listener, &bus->socket_file, why, sizeof why);
        snprintf(bus->endpoint, sizeof bus->endpoint, "%s", error ? "" : l->unix_path);
    } else if (l->mode != STDIO_BUS_LISTEN_NONE) {
        snprintf(why, sizeof why, "%d is no listen mode", (int)l->mode);
        error = 1;
    }
    if (error) {
        sb_report(bus, STDIO_BUS_ERR, "%s", why);
        return false;
    }
    bus->listener.kind = SB_ON_LISTENER;
    if (l->mode != STDIO_BUS_LISTEN_NONE)
        sb_log(bus, STDIO_BUS_LOG_INFO, "listening on %s", bus->endpoint);
    return true;
}

void sb_listener_accept_more(sb_bus *bus) {
    if (sb_poller_watch(bus->poller, &bus->listener, SB_READ) == 0)
        return;
    sb_report(bus, STDIO_BUS_ERR, "the listener cannot be watched; trying again in %d ms",
              EXHAUSTED_MS);
    sb_timer_set(&bus->timers, &bus->accept_again, sb_clock_ms() + EXHAUSTED_MS);
}

void sb_listener_on_ready(sb_bus *bus) {
    for (int i = 0; i < ACCEPTS_AT_ONCE && sb_source_is_open(&bus->listener); i++) {
        sb_source source;
        char peer[160];
        switch (sb_accept(&bus->listener, &source, peer, sizeof peer)) {
        case SB_ACCEPT_OK:
            sb_client_accept(bus, &source, peer);
            break;
        case SB_ACCEPT_REFUSED:
            sb_log(bus, STDIO_BUS_LOG_WARN, "refused a connection of another user: %s", peer);
            break;
        case SB_ACCEPT_EXHAUSTED:
            sb_log(bus, STDIO_BUS_LOG_ERROR,
                   "no descriptor left for a new client; trying again in %d ms", EXHAUSTED_MS);
            sb_poller_watch(bus->poller, &bus->listener, 0);
            sb_timer_set(&bus->timers, &bus->accept_again, sb_clock_ms() + EXHAUSTED_MS);
            return;
        default:
            return;
        }
    }
}

void sb_listener_close(sb_bus *bus) {
    if (!sb_source_is_open(&bus->listener))
        return;
    sb_timer_clear(&bus->timers, &bus->accept_again);
    sb_source_close(bus->poller, &bus->listener);
    if (bus->options.listener.mode == STDIO_BUS_LISTEN_UNIX)
        sb_unlink_unix(bus->options.listener.unix_path, &bus->socket_file);
}

const char *stdio_bus_listen_endpoint(const stdio_bus_t *bus) {
    return bus ? bus->endpoint : "";
}
