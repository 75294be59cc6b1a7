/* client.c: a socket client, its lines and its queue. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "conn.h"
#include "lobby.h"
#include "route.h"
#include "route_in.h"
#include "worker.h"

static sb_key id_key(const sb_bus *bus, const uint64_t *id) {
    return (sb_key){.p = id, .len = sizeof *id, .hash = sb_hash(bus->seed, id, sizeof *id)};
}

sb_client *sb_client_find(sb_bus *bus, uint64_t id) {
    return sb_table_get(&bus->client_table, id_key(bus, &id));
}

static void on_stall(void *owner) {
    sb_client_close(owner, "did not read within backpressure_timeout_sec");
}

static bool take_over(sb_client *client, sb_bus *bus, sb_source *source, const char *peer) {
    client->bus = bus;
    client->source = *source;
    client->source.owner = client;
    client->source.kind = SB_ON_CLIENT;
    client->stall.owner = client;
    client->trusted = bus->options.listener.mode == STDIO_BUS_LISTEN_UNIX;
    snprintf(client->peer, sizeof client->peer, "%s", peer);
    sb_conn_init(&client->conn, 0, client);
    sb_frame_init(&client->frame, bus->config.limits.max_input_buffer);
    sb_list_init(&client->backlog_link);
    sb_list_init(&client->dirty_link);
    return sb_timers_announce(&bus->timers, bus->timer_count + 1) &&
           sb_poller_watch(bus->poller, &client->source, SB_READ) == 0;
}

void sb_client_accept(sb_bus *bus, sb_source *source, const char *peer) {
    sb_client *client = calloc(1, sizeof *client);
    if (!client || !take_over(client, bus, source, peer)) {
        sb_log(bus, STDIO_BUS_LOG_ERROR, "no memory for a client: %s was turned away", peer);
        sb_source_close(bus->poller, source);
        free(client);
        return;
    }
    bus->timer_count++;
    sb_lobby_enter(client);
    if (bus->access_token && !client->trusted)
        sb_lobby_ask_for_token(client);
    else
        sb_client_admit(client);
}

void sb_client_admit(sb_client *client) {
    sb_bus *bus = client->bus;
    if (bus->client_count >= bus->config.limits.max_clients) {
        sb_lobby_dismiss(client, SB_QUEUE_FULL, "Table full", "max_clients is reached");
        return;
    }
    client->conn.id = bus->next_client;
    if (!sb_table_add(&bus->client_table, id_key(bus, &client->conn.id), client)) {
        sb_lobby_dismiss(client, SB_QUEUE_FULL, "Table full", "out of memory");
        return;
    }
    sb_lobby_leave(client);
    client->stage = SB_CLIENT_ADMITTED;
    client->stall.fire = on_stall;
    bus->next_client++;
    bus->client_count++;
    bus->stats.client_connects++;
    sb_list_append(&bus->clients, &client->all);
    sb_log(bus, STDIO_BUS_LOG_INFO, "client %llu connected: %s",
           (unsigned long long)client->conn.id, client->peer);
    if (bus->options.on_client_connect)
        bus->options.on_client_connect(bus, (int)client->conn.id, client->peer,
                                       bus->options.user_data);
}

/* --- Back-pressure ------------------------------------------------------------------------- */

/* A client whose queue is half full is not read, so that it cannot ask for more, and the workers
 * that answer it are not read either, so that the queue stays within its limit and nothing is
 * lost. They go on when a quarter is left; the client ends when it reads nothing in time. */
static uint64_t slow_above(const sb_client *client) {
    return client->bus->config.limits.max_output_queue / 2;
}

static void start_stall_clock(sb_client *client) {
    sb_bus *bus = client->bus;
    int64_t allowed = 1000 * (int64_t)bus->config.limits.backpressure_timeout_sec;
    sb_timer_set(&bus->timers, &client->stall, sb_clock_ms() + allowed);
}

static void watch(sb_client *client) {
    bool read = !client->slow && !client->conn.silent && !client->backlog;
    /* With neither, one thing is still worth knowing: that the peer is gone for good. */
    unsigned interest = (read ? SB_READ : 0u) | (client->blocked ? SB_WRITE : 0u) | SB_HANGUP;
    if (sb_poller_watch(client->bus->poller, &client->source, interest) != 0)
        sb_client_close(client, "its socket could not be watched");
}

static void slow_worker(sb_client *client, const sb_worker *from) {
    for (size_t i = 0; i < client->slowed_count; i++)
        if (client->slowed[i] == from->id)
            return;
    if (client->slowed_count == client->slowed_cap) {
        size_t cap = client->slowed_cap ? 2 * client->slowed_cap : 4;
        int *slowed = realloc(client->slowed, cap * sizeof *slowed);
        if (!slowed)
            return; /* then this worker is read on, and the queue grows */
        client->slowed = slowed;
        client->slowed_cap = cap;
    }
    sb_worker *w = client->bus->workers[from->id];
    client->slowed[client->slowed_count++] = w->id;
    w->slow_clients++;
    sb_worker_pause(w, SB_PAUSE_SLOW_CLIENT);
}

static void release_workers(sb_client *client) {
    for (size_t i = 0; i < client->slowed_count; i++) {
        sb_worker *w = client->bus->workers[client->slowed[i]];
        if (--w->slow_clients == 0)
            sb_worker_resume(w, SB_PAUSE_SLOW_CLIENT);
    }
    client->slowed_count = 0;
}

void sb_clients_forget_worker(sb_worker *w) {
    sb_bus *bus = w->bus;
    for (sb_link *at = bus->clients.next; w->slow_clients && at != &bus->clients; at = at->next) {
        sb_client *client = SB_ENTRY(at, sb_client, all);
        for (size_t i = 0; i < client->slowed_count; i++) {
            if (client->slowed[i] != w->id)
                continue;
            client->slowed[i] = client->slowed[--client->slowed_count];
            w->slow_clients--;
            break;
        }
    }
}

static void set_backlog(sb_client *client, bool on) {
    if (client->backlog == on)
        return;
    client->backlog = on;
    if (on)
        sb_list_append(&client->bus->backlog_clients, &client->backlog_link);
    else
        sb_list_remove(&client->backlog_link);
}

static void no_longer_slow(sb_client *client) {
    client->slow = false;
    sb_timer_clear(&client->bus->timers, &client->stall);
    release_workers(client);
    set_backlog(client, true);
}

/* --- Writing --------------------------------------------------------------------------------- */

static void flush_later(sb_client *client) {
    if (client->dirty)
        return;
    client->dirty = true;
    sb_list_append(&client->bus->dirty_clients, &client->dirty_link);
    sb_bus_touch(client->bus);
}

bool sb_client_send(sb_bus *bus, sb_client *client, const char *msg, size_t len,
                    const sb_edits *edits, const sb_worker *from) {
    if (client->closing || client->out_of_memory)
        return false;
    size_t size = sb_edits_length(edits, len);
    char *room = sb_queue_extend(&client->out, size + 1);
    if (!room) {
        client->out_of_memory = true;
        flush_later(client);
        return false;
    }
    sb_edits_apply(edits, msg, len, room);
    room[size] = '\n';
    bus->stats.messages_out++;
    bus->stats.bytes_out += size + 1;
    if (!client->blocked)
        flush_later(client);
    if (client->blocked && sb_queue_len(&client->out) > slow_above(client)) {
        if (!client->slow) {
            client->slow = true;
            bus->counters.backpressure++;
            start_stall_clock(client);
            flush_later(client); /* which stops watching for its requests */
        }
        if (from)
            slow_worker(client, from);
    }
    return true;
}

static void end_if_done(sb_client *client) {
    if (client->conn.silent && client->conn.pending == 0 && !sb_queue_len(&client->out))
        sb_client_close(client, "disconnected");
}

void sb_client_flush(sb_client *client) {
    if (client->out_of_memory)
        sb_client_close(client, "out of memory for its answers");
    while (!client->closing && sb_queue_len(&client->out)) {
        ptrdiff_t n = sb_source_write(&client->source, sb_queue_data(&client->out),
                                      sb_queue_len(&client->out));
        if (n > 0) {
            sb_queue_consume(&client->out, (size_t)n);
            if (client->slow)
                start_stall_clock(client);
        } else if (n == SB_IO_AGAIN) {
            break;
        } else {
            sb_client_close(client, "it went away while it was written to");
        }
    }
    if (client->closing)
        return;
    client->blocked = sb_queue_len(&client->out) > 0;
    if (client->slow && sb_queue_len(&client->out) <= slow_above(client) / 2)
        no_longer_slow(client);
    if (client->stage == SB_CLIENT_DISMISSED && !client->blocked)
        sb_source_end_output(&client->source);
    watch(client);
    end_if_done(client);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void handle_lines(sb_client *client) {
    sb_bus *bus = client->bus;
    char *line;
    size_t len;
    while (!client->closing && !client->slow && client->stage != SB_CLIENT_DISMISSED) {
        sb_frame_result result = sb_frame_next(&client->frame, &line, &len);
        if (result == SB_FRAME_MORE)
            break;
        if (result == SB_FRAME_SKIPPED)
            continue;
        if (client->stage == SB_CLIENT_STRANGER)
            sb_lobby_read_token(client, result == SB_FRAME_LINE ? line : NULL, len);
        else if (result == SB_FRAME_LINE)
            sb_route_message(bus, &client->conn, NULL, line, len);
        else
            sb_refuse_too_long(bus, &client->conn);
    }
}

void sb_client_backlog(sb_client *client) {
    set_backlog(client, false);
    handle_lines(client);
    if (!client->closing)
        watch(client);
}

/* It sends no more, but its answers still go out. */
static void half_close(sb_client *client) {
    char *line;
    size_t len;
    if (client->stage != SB_CLIENT_ADMITTED) {
        sb_client_close(client, "it left before it had shown the access token");
        return;
    }
    if (sb_frame_rest(&client->frame, &line, &len) == SB_FRAME_LINE)
        sb_route_message(client->bus, &client->conn, NULL, line, len);
    if (client->closing)
        return;
    sb_conn_fall_silent(client->bus, &client->conn);
    watch(client);
    end_if_done(client);
}

static void read_once(sb_client *client) {
    size_t room;
    char *p = sb_frame_room(&client->frame, &room);
    if (!p) {
        sb_client_close(client, "out of memory for its messages");
        return;
    }
    ptrdiff_t n = sb_source_read(&client->source, p, room);
    if (n > 0) {
        sb_frame_filled(&client->frame, (size_t)n);
        client->bus->stats.bytes_in += (uint64_t)n;
        handle_lines(client);
    } else if (n == 0) {
        half_close(client);
    } else if (n == SB_IO_FAILED) {
        sb_client_close(client, "its connection broke");
    }
}

void sb_client_on_ready(sb_client *client, unsigned ready) {
    if (ready & SB_WRITE)
        sb_client_flush(client);
    if (client->stage == SB_CLIENT_DISMISSED) {
        sb_lobby_wait_for_end(client);
        return;
    }
    bool reads = !client->closing && !client->slow && !client->conn.silent && !client->backlog;
    if (reads && (ready & SB_READ))
        read_once(client);
    /* What the peer sent before it went is read first; its answers have nowhere to go. */
    if ((ready & SB_HANGUP) && (client->conn.silent || !reads))
        sb_client_close(client, "disconnected");
}

/* --- The end ------------------------------------------------------------------------------------
 */

/* What others know of it ends: its requests, what it was asked, its place in the tables. */
static void dissolve(sb_client *client, const char *reason) {
    sb_bus *bus = client->bus;
    sb_table_remove(&bus->client_table, id_key(bus, &client->conn.id));
    sb_list_remove(&client->all);
    release_workers(client);
    while (!sb_list_is_empty(&client->conn.calls))
        sb_call_give_up(bus, SB_ENTRY(client->conn.calls.next, sb_call, of_conn));
    sb_conn_fall_silent(bus, &client->conn);
    sb_calls_forget_given_up(bus, &client->conn);
    bus->client_count--;
    bus->stats.client_disconnects++;
    sb_log(bus, STDIO_BUS_LOG_INFO, "client %llu: %s", (unsigned long long)client->conn.id, reason);
}

void sb_client_close(sb_client *client, const char *reason) {
    sb_bus *bus = client->bus;
    bool was_admitted = client->stage == SB_CLIENT_ADMITTED;
    if (client->closing)
        return;
    client->closing = true;
    sb_list_remove(&client->dirty_link);
    sb_list_remove(&client->backlog_link);
    sb_source_close(bus->poller, &client->source);
    sb_timer_clear(&bus->timers, &client->stall);
    bus->timer_count--;
    if (was_admitted)
        dissolve(client, reason);
    else
        sb_lobby_leave(client);
    sb_conn_free(bus, &client->conn);
    sb_list_append(&bus->graveyard, &client->all);
    if (was_admitted && bus->options.on_client_disconnect)
        bus->options.on_client_disconnect(bus, (int)client->conn.id, reason,
                                          bus->options.user_data);
}

void sb_client_free(sb_client *client) {
    sb_frame_free(&client->frame);
    sb_queue_free(&client->out);
    free(client->slowed);
    free(client);
}

void sb_clients_close(sb_bus *bus, const char *reason) {
    while (!sb_list_is_empty(&bus->lobby))
        sb_client_close(SB_ENTRY(bus->lobby.next, sb_client, all), reason);
    while (!sb_list_is_empty(&bus->clients))
        sb_client_close(SB_ENTRY(bus->clients.next, sb_client, all), reason);
}

bool sb_clients_are_flushed(const sb_bus *bus) {
    for (const sb_link *at = bus->clients.next; at != &bus->clients; at = at->next)
        if (sb_queue_len(&SB_ENTRY(at, sb_client, all)->out))
            return false;
    return true;
}
