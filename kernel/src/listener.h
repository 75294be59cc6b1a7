/* listener.h: the socket that clients connect to. */
#ifndef SB_LISTENER_H
#define SB_LISTENER_H

#include "bus.h"

void sb_listener_init(sb_bus *bus);
/* Opens it if the options ask for one. False: reported. */
bool sb_listener_open(sb_bus *bus);
/* Begins to accept; none before the workers run. */
void sb_listener_accept_more(sb_bus *bus);
void sb_listener_on_ready(sb_bus *bus);
/* Closes it and removes its socket file. */
void sb_listener_close(sb_bus *bus);

#endif
