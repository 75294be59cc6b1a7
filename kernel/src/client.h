/* client.h: socket clients. */
#ifndef SB_CLIENT_H
#define SB_CLIENT_H

#include "bus.h"

/* Takes over an accepted connection: a client at once, or once it has shown the access token. */
void sb_client_accept(sb_bus *bus, sb_source *source, const char *peer);
/* Makes it a client, or dismisses it when max_clients is reached. */
void sb_client_admit(sb_client *client);
sb_client *sb_client_find(sb_bus *bus, uint64_t id);
/* Queues a message with its edits. Sent by `from` (NULL: the kernel), which is not read while the
 * client's queue is long. False: it is going away. Nothing is closed or freed before the flush, so
 * that the caller may be walking the client's calls and bonds. */
bool sb_client_send(sb_bus *bus, sb_client *client, const char *msg, size_t len,
                    const sb_edits *edits, const sb_worker *from);
void sb_client_on_ready(sb_client *client, unsigned ready);
void sb_client_flush(sb_client *client);
void sb_client_backlog(sb_client *client);
/* Ends it; it is freed when the outermost entry leaves. `reason` is static. */
void sb_client_close(sb_client *client, const char *reason);
void sb_client_free(sb_client *client);
void sb_clients_close(sb_bus *bus, const char *reason);
/* The worker's process ended: no slow client holds back the next one before it is sent to. */
void sb_clients_forget_worker(sb_worker *w);
bool sb_clients_are_flushed(const sb_bus *bus);

#endif
