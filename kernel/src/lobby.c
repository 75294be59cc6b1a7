/* lobby.c: see lobby.h. Strangers cost as little as possible: there are few at a time, each may
 * send one short line and has a moment for it, and none of them takes the place of a client. */
#include "lobby.h"

#include "access.h"
#include "client.h"
#include "conn.h"
#include "reply.h"

enum {
    ROOM = 128,                 /* connections at a time */
    TOKEN_LINE_MAX = 16 * 1024, /* a token of the greatest length, every byte escaped, fits twice */
    TOKEN_MS = 3000,
    FAREWELL_MS = 2000 /* to read why */
};

void sb_lobby_enter(sb_client *client) {
    sb_bus *bus = client->bus;
    if (bus->lobby_count == ROOM)
        sb_client_close(SB_ENTRY(bus->lobby.next, sb_client, all), "too many strangers");
    sb_list_append(&bus->lobby, &client->all);
    bus->lobby_count++;
}

void sb_lobby_leave(sb_client *client) {
    sb_list_remove(&client->all);
    client->bus->lobby_count--;
    sb_timer_clear(&client->bus->timers, &client->stall);
}

/* --- The token ------------------------------------------------------------------------------ */

static void on_no_token(void *owner) {
    sb_lobby_dismiss(owner, SB_NOT_AUTHORIZED, "Not authorized",
                     "no access token within three seconds");
}

void sb_lobby_ask_for_token(sb_client *client) {
    client->frame.limit = TOKEN_LINE_MAX;
    client->stall.fire = on_no_token;
    sb_timer_set(&client->bus->timers, &client->stall, sb_clock_ms() + TOKEN_MS);
}

void sb_lobby_read_token(sb_client *client, const char *line, size_t len) {
    sb_bus *bus = client->bus;
    sb_scan scan;
    bus->stats.messages_in++;
    if (!line || sb_json_scan(line, len, &scan) != SB_SCAN_OK ||
        !sb_access_is_granted(bus, &scan)) {
        bus->stats.routing_errors++;
        sb_lobby_dismiss(client, SB_NOT_AUTHORIZED, "Not authorized",
                         "expected the request stdio_bus/auth with the right token as first line");
        return;
    }
    client->trusted = true;
    client->frame.limit = bus->config.limits.max_input_buffer;
    sb_client_admit(client);
    if (client->stage == SB_CLIENT_ADMITTED)
        sb_access_answer(bus, &client->conn, NULL, scan.id);
}

/* --- Turned away ------------------------------------------------------------------------------ */

static void on_farewell_over(void *owner) {
    sb_client_close(owner, "it did not go");
}

/* A socket closed with bytes unread is reset, and the peer may lose what was written to it. So the
 * connection stays for as long as the peer needs to read the reason and to go. */
void sb_lobby_dismiss(sb_client *client, int code, const char *message, const char *reason) {
    sb_bus *bus = client->bus;
    sb_asker asker = {.conn = &client->conn};
    sb_fault fault = {.code = code, .message = message, .worker = -1, .reason = reason};
    sb_log(bus, STDIO_BUS_LOG_WARN, "a connection was turned away: %s: %s", client->peer, reason);
    client->stage = SB_CLIENT_DISMISSED;
    client->stall.fire = on_farewell_over;
    sb_timer_set(&bus->timers, &client->stall, sb_clock_ms() + FAREWELL_MS);
    sb_reply_error(bus, &asker, &fault);
}

void sb_lobby_wait_for_end(sb_client *client) {
    enum { READS_AT_ONCE = 16 };
    char ignored[4096];
    for (int i = 0; i < READS_AT_ONCE && !client->closing; i++) {
        ptrdiff_t n = sb_source_read(&client->source, ignored, sizeof ignored);
        if (n == SB_IO_AGAIN)
            return;
        if (n <= 0)
            sb_client_close(client, "it went after it was turned away");
    }
}
