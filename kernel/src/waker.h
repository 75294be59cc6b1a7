/* waker.h: see stdio_bus_waker() in stdio_bus.h. */
#ifndef SB_WAKER_H
#define SB_WAKER_H

#include "bus.h"

/* With one reference, the bus's own. NULL without memory or descriptors. */
stdio_bus_waker_t *sb_waker_new(void);

#endif
