#include "guest.h"

#include "bus.h"

void sb_guest_init(sb_guest *guest, intptr_t handle) {
    *guest = (sb_guest){.source = SB_SOURCE_CLOSED};
    guest->source.handle = handle;
    guest->source.owner = guest;
    guest->source.kind = SB_ON_GUEST;
}

int sb_guest_watch(stdio_bus_t *bus, sb_guest *guest, unsigned interest) {
    return sb_poller_watch(bus->poller, &guest->source, interest);
}
