/* lobby.h: connections that are no clients: those that have to show the access token first, and
 * those that were turned away and have yet to read why. */
#ifndef SB_LOBBY_H
#define SB_LOBBY_H

#include "bus.h"

/* A new connection. When the lobby is full, the one that has been there longest goes. */
void sb_lobby_enter(sb_client *client);
void sb_lobby_leave(sb_client *client);
/* From now on the first line decides, and it has three seconds. */
void sb_lobby_ask_for_token(sb_client *client);
/* The first line, without newline; NULL: it was too long. Admits or dismisses. */
void sb_lobby_read_token(sb_client *client, const char *line, size_t len);
/* Answers with an error and closes once it was read. The texts are static. */
void sb_lobby_dismiss(sb_client *client, int code, const char *message, const char *reason);
/* Takes in and forgets what a dismissed one still sends, up to its end. */
void sb_lobby_wait_for_end(sb_client *client);

#endif
