/* stop.h: the way down: drain, workers, flush. */
#ifndef SB_STOP_H
#define SB_STOP_H

#include "bus.h"

void sb_stop_init(sb_bus *bus);
/* Goes on to the next phase when the present one is over. */
void sb_stop_advance(sb_bus *bus);
/* Ends everything at once, without grace. */
void sb_stop_now(sb_bus *bus);

#endif
