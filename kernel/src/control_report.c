/* control_report.c: the workers and the numbers of a bus as JSON. */
#include "control.h"

/* --- stdio_bus/workers ------------------------------------------------------------------------ */

static const char *state_name(stdio_bus_worker_state_t state) {
    switch (state) {
    case STDIO_BUS_WORKER_STARTING:
        return "starting";
    case STDIO_BUS_WORKER_RUNNING:
        return "running";
    case STDIO_BUS_WORKER_RESTARTING:
        return "restarting";
    case STDIO_BUS_WORKER_STOPPING:
        return "stopping";
    case STDIO_BUS_WORKER_STOPPED:
        return "stopped";
    case STDIO_BUS_WORKER_FAILED:
        return "failed";
    default:
        return "suspended";
    }
}

static void put_worker(sb_text *t, const stdio_bus_worker_info_t *w) {
    sb_text_put(t, "{");
    sb_text_number_member(t, "id", w->id);
    sb_text_string_member(t, "pool", w->pool);
    sb_text_string_member(t, "state", state_name(w->state));
    sb_text_number_member(t, "pid", w->pid);
    sb_text_number_member(t, "startedAt", w->started_at_ms);
    sb_text_number_member(t, "restarts", (int64_t)w->restarts);
    sb_text_number_member(t, "sessions", (int64_t)w->sessions);
    sb_text_number_member(t, "pending", (int64_t)w->pending);
    sb_text_number_member(t, "messagesIn", (int64_t)w->messages_in);
    sb_text_number_member(t, "messagesOut", (int64_t)w->messages_out);
    sb_text_number_member(t, "bytesIn", (int64_t)w->bytes_in);
    sb_text_number_member(t, "bytesOut", (int64_t)w->bytes_out);
    sb_text_number_member(t, "invalidLines", (int64_t)w->invalid_lines);
    sb_text_number_member(t, "queuedBytes", (int64_t)w->queued_bytes);
    sb_text_number_member(t, "paused", w->paused);
    if (w->has_exited) {
        sb_text_number_member(t, "lastExitCode", w->last_exit_code);
        sb_text_number_member(t, "lastExitSignal", w->last_exit_signal);
    }
    if (w->last_reason[0])
        sb_text_string_member(t, "lastReason", w->last_reason);
    if (w->stderr_tail[0])
        sb_text_string_member(t, "stderr", w->stderr_tail);
    if (w->handshake) {
        sb_text_key(t, "handshake");
        sb_text_put(t, w->handshake);
    }
    sb_text_put(t, "}");
}

void sb_control_put_workers(sb_text *t, sb_bus *bus) {
    stdio_bus_worker_info_t info = {.size = sizeof info};
    sb_text_put(t, "{\"workers\":[");
    for (int i = 0; stdio_bus_worker_at(bus, i, &info) == STDIO_BUS_OK; i++) {
        sb_text_put(t, i ? "," : "");
        put_worker(t, &info);
    }
    sb_text_put(t, "]}");
}

/* --- stdio_bus/stats -------------------------------------------------------------------------- */

void sb_control_put_stats(sb_text *t, sb_bus *bus) {
    const stdio_bus_stats_t *s = &bus->stats;
    const stdio_bus_counters_t *c = &bus->counters;
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"workers", bus->worker_count},
        {"workersRunning", (uint64_t)stdio_bus_worker_count(bus)},
        {"sessions", bus->sessions.count},
        {"pending", bus->pending},
        {"clients", bus->client_count},
        {"messagesIn", s->messages_in},
        {"messagesOut", s->messages_out},
        {"bytesIn", s->bytes_in},
        {"bytesOut", s->bytes_out},
        {"workerRestarts", s->worker_restarts},
        {"routingErrors", s->routing_errors},
        {"clientConnects", s->client_connects},
        {"clientDisconnects", s->client_disconnects},
        {"lateReplies", c->late_replies},
        {"invalidLines", c->invalid_lines},
        {"droppedNotifications", c->dropped_notifications},
        {"requeued", c->requeued},
        {"sessionsEvicted", c->sessions_evicted},
        {"backpressure", c->backpressure},
        {"droppedLogLines", bus->journal.dropped},
    };
    sb_text_put(t, "{");
    sb_text_string_member(t, "version", stdio_bus_version());
    sb_text_string_member(t, "state",
                          bus->state == STDIO_BUS_STATE_RUNNING ? "running" : "stopping");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sb_text_number_member(t, numbers[i].key, (int64_t)numbers[i].value);
    sb_text_put(t, "}");
}
