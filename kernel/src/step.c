/* step.c: the loop of a bus, one turn at a time: what has come in is handled, what is queued is
 * written. */
#include "bus.h"
#include "bus_entry.h"
#include "client.h"
#include "guard.h"
#include "guest.h"
#include "listener.h"
#include "stop.h"
#include "worker.h"
#include "worker_exit.h"

enum { EVENTS = 64 };

/* A step flushes what its callbacks queue before it ends. */
void sb_bus_touch(sb_bus *bus) {
    if (bus->polled && !bus->stepping)
        stdio_bus_waker_wake(bus->waker);
}

void sb_bus_leave(sb_bus *bus) {
    if (--bus->depth > 0)
        return;
    /* A timer that was set outside a step must be seen by a host that waits by itself. */
    if (bus->polled && bus->poller)
        sb_poller_alarm(bus->poller, sb_timers_next(&bus->timers));
    while (!sb_list_is_empty(&bus->graveyard)) {
        sb_client *client = SB_ENTRY(bus->graveyard.next, sb_client, all);
        sb_list_remove(&client->all);
        sb_client_free(client);
    }
}

static void flush_workers(sb_bus *bus) {
    if (sb_list_is_empty(&bus->dirty_workers))
        return;
    sb_pipe_signal held;
    sb_pipe_signal_hold(&held);
    while (!sb_list_is_empty(&bus->dirty_workers)) {
        sb_worker *w = SB_ENTRY(bus->dirty_workers.next, sb_worker, dirty_link);
        sb_list_remove(&w->dirty_link);
        w->dirty = false;
        sb_worker_flush(w);
    }
    sb_pipe_signal_release(&held);
}

/* The end of a client answers what workers asked it, so writing to clients may leave something
 * for workers, and the other way round. */
static void flush_all(sb_bus *bus) {
    flush_workers(bus);
    while (!sb_list_is_empty(&bus->dirty_clients)) {
        sb_client *client = SB_ENTRY(bus->dirty_clients.next, sb_client, dirty_link);
        sb_list_remove(&client->dirty_link);
        client->dirty = false;
        sb_client_flush(client);
        flush_workers(bus);
    }
}

/* Log lines go out here, where nothing is under way that a called back host could disturb. What is
 * logged meanwhile waits for the next time, so that this has an end. */
void sb_bus_flush(sb_bus *bus) {
    uint64_t until = bus->journal.end;
    do
        flush_all(bus);
    while (sb_journal_tell(bus, until));
}

static bool has_backlog(const sb_bus *bus) {
    return !sb_list_is_empty(&bus->backlog_workers) || !sb_list_is_empty(&bus->backlog_clients);
}

/* Lines that were read but could not be handled while their receiver was paused. Each source gets
 * one turn; what is left, or comes back, waits for the next step. */
static int run_backlog(sb_bus *bus) {
    int handled = 0;
    sb_link workers, clients;
    sb_list_init(&workers);
    sb_list_init(&clients);
    while (!sb_list_is_empty(&bus->backlog_workers)) {
        sb_link *link = bus->backlog_workers.next;
        sb_list_remove(link);
        sb_list_append(&workers, link);
    }
    while (!sb_list_is_empty(&bus->backlog_clients)) {
        sb_link *link = bus->backlog_clients.next;
        sb_list_remove(link);
        sb_list_append(&clients, link);
    }
    for (; !sb_list_is_empty(&workers); handled++)
        sb_worker_backlog(SB_ENTRY(workers.next, sb_worker, backlog_link));
    for (; !sb_list_is_empty(&clients); handled++)
        sb_client_backlog(SB_ENTRY(clients.next, sb_client, backlog_link));
    return handled;
}

static void dispatch(sb_bus *bus, const sb_event *event) {
    sb_source *s = event->source;
    /* Closed by the handling of an earlier event of the same batch. */
    if (!sb_source_is_open(s))
        return;
    switch (s->kind) {
    case SB_ON_WORKER_OUT:
        sb_worker_on_out(s->owner);
        break;
    case SB_ON_WORKER_ERR:
        sb_worker_on_err(s->owner);
        break;
    case SB_ON_WORKER_IN:
        sb_worker_on_in(s->owner);
        break;
    case SB_ON_WORKER_EXIT:
        sb_worker_check_exit(s->owner);
        break;
    case SB_ON_GUARD_PIPE:
        sb_guard_on_pipe(bus, event->ready);
        break;
    case SB_ON_GUARD_EXIT:
        sb_guard_check_exit(bus);
        break;
    case SB_ON_LISTENER:
        sb_listener_on_ready(bus);
        break;
    case SB_ON_GUEST:
        ((sb_guest *)s->owner)->ready |= event->ready;
        break;
    default:
        sb_client_on_ready(s->owner, event->ready);
        break;
    }
}

/* Only the bus's own thread does what is to happen at a time. */
static int run_timers(sb_bus *bus, bool is_lent) {
    return is_lent ? 0 : sb_timers_run(&bus->timers, sb_clock_ms());
}

static bool is_time(const sb_bus *bus) {
    int64_t due = sb_timers_next(&bus->timers);
    return due >= 0 && due <= sb_clock_ms();
}

static int step(sb_bus *bus, int timeout_ms, bool is_lent) {
    if (!bus || timeout_ms < -1)
        return STDIO_BUS_EINVAL;
    bool in_callback = bus->depth > 0;
    if (bus->state == STDIO_BUS_STATE_CREATED || bus->ended || in_callback)
        return STDIO_BUS_ERR_STATE;
    if (is_lent && is_time(bus))
        return STDIO_BUS_EAGAIN;
    sb_bus_enter(bus);
    bus->stepping = true;
    uint64_t given = bus->stats.messages_out;

    int handled = run_timers(bus, is_lent) + run_backlog(bus);
    sb_bus_flush(bus);
    sb_stop_advance(bus);
    sb_bus_flush(bus);
    /* A host that was given something may have to pass it on before anything else happens. */
    handled += bus->stats.messages_out != given;
    if (handled || has_backlog(bus) || bus->state == STDIO_BUS_STATE_STOPPED)
        timeout_ms = 0;

    sb_event events[EVENTS];
    sb_poller_alarm(bus->poller, sb_timers_next(&bus->timers));
    int n = sb_poller_wait(bus->poller, timeout_ms, events, EVENTS);
    /* An exchange, so that what a thread wrote before its wake is seen by whoever asked for the
     * step, also when that wake found the flag set and signalled nothing. */
    atomic_exchange(&bus->waker->signalled, false);
    for (int i = 0; i < n; i++)
        dispatch(bus, &events[i]);
    if (n >= 0) {
        handled += n;
        handled += run_timers(bus, is_lent);
    }
    sb_bus_flush(bus);
    sb_stop_advance(bus);
    sb_bus_flush(bus);
    sb_poller_alarm(bus->poller, sb_timers_next(&bus->timers));

    bus->stepping = false;
    if (bus->state == STDIO_BUS_STATE_STOPPED)
        bus->ended = true;
    else if (has_backlog(bus) || sb_journal_has_news(bus))
        sb_bus_touch(bus);
    sb_bus_leave(bus);
    return n < 0 ? STDIO_BUS_ERR : handled;
}

int stdio_bus_step(stdio_bus_t *bus, int timeout_ms) {
    return step(bus, timeout_ms, false);
}

int stdio_bus_step_lent(stdio_bus_t *bus, int timeout_ms) {
    return step(bus, timeout_ms, true);
}
