/* control.h: requests to the bus itself, whose methods begin with "stdio_bus/". */
#ifndef SB_CONTROL_H
#define SB_CONTROL_H

#include "route_in.h"

/* Whether the message is for the bus, never for a worker. */
bool sb_control_is_meant(sb_bus *bus, sb_token method);
/* Whether a method is one of these; decoded. */
bool sb_control_reserves(const char *method);
/* Answers it. */
int sb_control(sb_incoming *in);

void sb_control_put_workers(sb_text *t, sb_bus *bus);
void sb_control_put_stats(sb_text *t, sb_bus *bus);

#endif
