/* bus_entry.h: every function of the API that can call back or free runs between enter and
 * leave. What dies in between is freed when the outermost one leaves. */
#ifndef SB_BUS_ENTRY_H
#define SB_BUS_ENTRY_H

#include "bus.h"

static inline void sb_bus_enter(sb_bus *bus) {
    bus->depth++;
}
void sb_bus_leave(sb_bus *bus);
/* Writes out what was queued. */
void sb_bus_flush(sb_bus *bus);

#endif
