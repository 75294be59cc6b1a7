#include "guest.h"

#include "bus.h"
#include "bus_entry.h"
#include "conn.h"
#include "route.h"
#include "route_in.h"

void sb_guest_init(sb_guest *guest, intptr_t handle) {
    *guest = (sb_guest){.source = SB_SOURCE_CLOSED};
    guest->source.handle = handle;
    guest->source.owner = guest;
    guest->source.kind = SB_ON_GUEST;
}

int sb_guest_watch(stdio_bus_t *bus, sb_guest *guest, unsigned interest) {
    return sb_poller_watch(bus->poller, &guest->source, interest);
}

void sb_host_line(stdio_bus_t *bus, const char *line, size_t len) {
    bus->host.wired = true;
    sb_bus_enter(bus);
    sb_route_message(bus, &bus->host, NULL, line, len);
    sb_bus_leave(bus);
}

void sb_host_line_too_long(stdio_bus_t *bus) {
    bus->host.wired = true;
    sb_bus_enter(bus);
    sb_refuse_too_long(bus, &bus->host);
    sb_bus_leave(bus);
}

void sb_host_set_unread(stdio_bus_t *bus, size_t bytes) {
    bus->host.unread = bytes;
    if (sb_journal_has_news(bus))
        sb_bus_touch(bus);
}

void sb_host_fall_silent(stdio_bus_t *bus) {
    sb_bus_enter(bus);
    sb_conn_fall_silent(bus, &bus->host);
    sb_bus_touch(bus);
    sb_bus_leave(bus);
}
