/* worker_api.c: what the host can see of a worker, and do to it. */
#include <stdio.h>
#include <string.h>

#include "bus_entry.h"
#include "worker.h"
#include "worker_exit.h"

enum { GRACE_MS = 3000 };

static sb_worker *worker_of(const stdio_bus_t *bus, int id) {
    return bus && id >= 0 && (size_t)id < bus->worker_count ? bus->workers[id] : NULL;
}

int stdio_bus_worker_total(const stdio_bus_t *bus) {
    return bus ? (int)bus->worker_count : 0;
}

/* The system says nothing when a process is stopped, so it is asked when somebody looks. */
static stdio_bus_worker_state_t look_at_state(sb_worker *w, const char **reason) {
    int signal = 0;
    *reason = w->reason;
    if (!sb_worker_is_up(w) || !sb_child_is_suspended(&w->child, &signal))
        return w->state;
    const char *name = sb_signal_name(signal);
    snprintf(w->suspended, sizeof w->suspended, "suspended by %s%s", name ? name : "a signal",
             name && strncmp(name, "SIGTT", 5) == 0 ? ": it wants to use the terminal" : "");
    *reason = w->suspended;
    return STDIO_BUS_WORKER_SUSPENDED;
}

int stdio_bus_worker_at(stdio_bus_t *bus, int index, stdio_bus_worker_info_t *info) {
    sb_worker *w = worker_of(bus, index);
    if (!w)
        return STDIO_BUS_ENOTFOUND;
    if (!info || info->size < sizeof info->size)
        return STDIO_BUS_EINVAL;
    size_t size = info->size < sizeof *info ? info->size : sizeof *info;
    const char *reason;
    stdio_bus_worker_state_t state = look_at_state(w, &reason);
    stdio_bus_worker_info_t now = {
        .size = size,
        .id = w->id,
        .pool = w->pool->config->id,
        .pid = w->child.pid,
        .state = state,
        .started_at_ms = w->started_at_ms,
        .restarts = w->restarts,
        .sessions = w->session_count,
        .pending = w->pending,
        .messages_in = w->messages_in,
        .messages_out = w->messages_out,
        .bytes_in = w->bytes_in,
        .bytes_out = w->bytes_out,
        .invalid_lines = w->invalid_lines,
        .queued_bytes = sb_queue_len(&w->out),
        .paused = w->paused,
        .has_exited = w->has_exited,
        .last_exit_code = w->has_exited ? w->last_exit.code : -1,
        .last_exit_signal = w->has_exited ? w->last_exit.signal : 0,
        .last_reason = reason,
        .stderr_tail = sb_stderr_text(&w->tail),
        .handshake = w->answer.len ? w->answer.p : NULL,
    };
    memcpy(info, &now, size);
    return STDIO_BUS_OK;
}

int stdio_bus_pause_worker(stdio_bus_t *bus, int worker_id, uint32_t reasons) {
    sb_worker *w = worker_of(bus, worker_id);
    if (!w)
        return STDIO_BUS_ENOTFOUND;
    if (reasons & ~SB_PAUSE_HOST_BITS)
        return STDIO_BUS_EINVAL;
    if (sb_worker_is_up(w) && reasons)
        sb_worker_pause(w, reasons);
    return STDIO_BUS_OK;
}

int stdio_bus_resume_worker(stdio_bus_t *bus, int worker_id, uint32_t reasons) {
    sb_worker *w = worker_of(bus, worker_id);
    if (!w)
        return STDIO_BUS_ENOTFOUND;
    if (reasons & ~SB_PAUSE_HOST_BITS)
        return STDIO_BUS_EINVAL;
    sb_worker_resume(w, reasons);
    return STDIO_BUS_OK;
}

static int end_worker(stdio_bus_t *bus, int worker_id, int force, bool restart) {
    sb_worker *w = worker_of(bus, worker_id);
    if (!w || w->embedded)
        return STDIO_BUS_ENOTFOUND;
    if (bus->state != STDIO_BUS_STATE_RUNNING)
        return STDIO_BUS_ERR_STATE;
    sb_bus_enter(bus);
    bool is_exiting = sb_worker_is_up(w) && !sb_worker_is_alive(w);
    if (is_exiting) {
        /* Called back with its last lines: what follows its exit is decided after them. */
        w->state = STDIO_BUS_WORKER_STOPPING;
        w->wants_restart = restart;
    } else if (sb_worker_is_alive(w)) {
        w->wants_restart = restart;
        sb_worker_end(w, sb_clock_ms() + GRACE_MS);
        if (force) {
            w->terminated = w->killed = true;
            sb_child_kill(&w->child);
        }
    } else if (restart) {
        w->start_count = 0; /* whoever asks gives it a new chance */
        w->state = STDIO_BUS_WORKER_RESTARTING;
        sb_timer_set(&bus->timers, &w->timer, sb_clock_ms());
    } else {
        sb_worker_end(w, sb_clock_ms());
    }
    sb_bus_touch(bus);
    sb_bus_leave(bus);
    return STDIO_BUS_OK;
}

int stdio_bus_restart_worker(stdio_bus_t *bus, int worker_id, int force) {
    return end_worker(bus, worker_id, force, true);
}

int stdio_bus_stop_worker(stdio_bus_t *bus, int worker_id, int force) {
    return end_worker(bus, worker_id, force, false);
}
