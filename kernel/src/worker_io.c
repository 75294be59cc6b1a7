/* worker_io.c: a worker's three streams. */
#include <string.h>

#include "conn.h"
#include "deliver.h"
#include "embedded.h"
#include "skipped.h"
#include "worker.h"

enum {
    MAX_READS_AT_EXIT = 4096,
    STDERR_RATE = 10000 /* lines a second that the host is told */
};

/* The system has a limit of what can be watched. One that is not would never be heard again. */
static const char UNWATCHED[] = "could not be watched";

/* --- Writing ------------------------------------------------------------------------------- */

bool sb_worker_is_full(const sb_worker *w, size_t len) {
    size_t queued = sb_queue_len(&w->out);
    return queued > 0 && queued + len > w->bus->config.limits.max_output_queue;
}

bool sb_worker_write(sb_worker *w, const char *msg, size_t len, const sb_edits *edits) {
    size_t size = sb_edits_length(edits, len);
    char *room = sb_queue_extend(&w->out, size + 1);
    if (!room)
        return false;
    sb_edits_apply(edits, msg, len, room);
    room[size] = '\n';
    w->messages_out++;
    w->bytes_out += size + 1;
    w->bus->stats.messages_out++;
    w->bus->stats.bytes_out += size + 1;
    if (!w->dirty && !w->blocked && sb_source_is_open(&w->child.in)) {
        w->dirty = true;
        sb_list_append(&w->bus->dirty_workers, &w->dirty_link);
        sb_bus_touch(w->bus);
    }
    return true;
}

/* A worker that stops reading stops only itself. Once its queue has met its limit (a sender was
 * refused), it has backpressure_timeout_sec to take at least one byte. */
static void note_progress(sb_worker *w) {
    sb_timer_clear(&w->bus->timers, &w->stall);
}

void sb_worker_flush(sb_worker *w) {
    while (sb_queue_len(&w->out) && sb_source_is_open(&w->child.in)) {
        size_t len = sb_queue_len(&w->out);
        ptrdiff_t n = sb_source_write(&w->child.in, sb_queue_data(&w->out), len);
        if (n > 0) {
            sb_queue_consume(&w->out, (size_t)n);
            note_progress(w);
            continue;
        }
        if (n == SB_IO_AGAIN) {
            w->blocked = true;
            if (sb_poller_watch(w->bus->poller, &w->child.in, SB_WRITE) != 0)
                sb_worker_condemn(w, UNWATCHED);
            return;
        }
        w->blocked = false;
        sb_source_close(w->bus->poller, &w->child.in);
        sb_worker_broken_input(w);
        return;
    }
    if (w->blocked) {
        w->blocked = false;
        sb_poller_watch(w->bus->poller, &w->child.in, 0);
    }
    if (w->close_input)
        sb_source_close(w->bus->poller, &w->child.in);
}

void sb_worker_on_in(sb_worker *w) {
    sb_pipe_signal held;
    sb_pipe_signal_hold(&held);
    sb_worker_flush(w);
    sb_pipe_signal_release(&held);
}

/* --- Reading -------------------------------------------------------------------------------- */

static void set_backlog(sb_worker *w, bool on) {
    if (on == w->backlog)
        return;
    w->backlog = on;
    if (on) {
        sb_list_append(&w->bus->backlog_workers, &w->backlog_link);
        sb_bus_touch(w->bus);
    } else {
        sb_list_remove(&w->backlog_link);
    }
}

/* Handles the whole lines in the frame, unless a callback pauses or closes the worker on the way:
 * then the rest stays there. `at_exit`: nothing more can be paused, everything is delivered. */
static void handle_lines(sb_worker *w, bool at_exit) {
    char *line;
    size_t len;
    w->reading = true;
    while ((at_exit || !w->paused) && !w->closing) {
        sb_frame_result result = sb_frame_next(&w->frame, &line, &len);
        if (result == SB_FRAME_MORE)
            break;
        if (result == SB_FRAME_LINE)
            sb_deliver_line(w, line, len);
        else if (result == SB_FRAME_TOO_LONG)
            sb_skip_too_long(w, line, len);
        else
            sb_skip_end(w, line, len);
    }
    w->reading = false;
    if (w->closing)
        sb_embedded_close(w);
}

static void watch_output(sb_worker *w) {
    if (sb_poller_watch(w->bus->poller, &w->child.out, w->paused ? 0 : SB_READ) != 0)
        sb_worker_condemn(w, UNWATCHED);
}

/* Reads once. False at the end of the stream, or when there is nothing to read. */
static bool read_output(sb_worker *w, bool at_exit, bool *ended) {
    size_t room;
    char *p = sb_frame_room(&w->frame, &room);
    *ended = false;
    if (!p) {
        sb_worker_condemn(w, "out of memory for its output");
        return false;
    }
    ptrdiff_t n = sb_source_read(&w->child.out, p, room);
    if (n > 0) {
        sb_frame_filled(&w->frame, (size_t)n);
        w->bytes_in += (uint64_t)n;
        w->bus->stats.bytes_in += (uint64_t)n;
        handle_lines(w, at_exit);
        return true;
    }
    *ended = n != SB_IO_AGAIN;
    return false;
}

static void read_last_line(sb_worker *w) {
    char *line;
    size_t len;
    handle_lines(w, true);
    w->reading = true;
    if (!w->closing && sb_frame_rest(&w->frame, &line, &len) == SB_FRAME_LINE)
        sb_deliver_line(w, line, len);
    w->reading = false;
    if (w->closing)
        sb_embedded_close(w);
}

void sb_worker_on_out(sb_worker *w) {
    bool ended;
    if (w->paused || w->backlog)
        return;
    if (read_output(w, false, &ended) || !ended)
        return;
    read_last_line(w);
    sb_source_close(w->bus->poller, &w->child.out);
    if (w->embedded)
        sb_worker_detach(w, "its side of the stream was closed");
    else
        sb_worker_broken_output(w);
}

void sb_worker_backlog(sb_worker *w) {
    set_backlog(w, false);
    handle_lines(w, false);
    if (w->paused)
        return;
    watch_output(w);
}

void sb_worker_pause(sb_worker *w, uint32_t reasons) {
    w->paused |= reasons;
    set_backlog(w, false);
    watch_output(w);
}

void sb_worker_resume(sb_worker *w, uint32_t reasons) {
    bool was_paused = w->paused != 0;
    w->paused &= ~reasons;
    if (!was_paused || w->paused || !sb_source_is_open(&w->child.out))
        return;
    if (!w->reading)
        set_backlog(w, true); /* lines may wait in the frame: they come first */
    else
        watch_output(w);
}

/* Lines beyond STDERR_RATE a second are kept for the exit message like the others, but the host
 * hears only how many there were: a worker that screams must not keep the loop from its work. */
static bool stderr_is_flooding(sb_worker *w) {
    int64_t now = sb_clock_ms();
    if (now - w->stderr_since >= 1000) {
        if (w->stderr_lines > STDERR_RATE)
            sb_worker_log(w, STDIO_BUS_LOG_WARN,
                          "wrote %zu lines to stderr in a second: %zu were not passed on",
                          w->stderr_lines, w->stderr_lines - STDERR_RATE);
        w->stderr_since = now;
        w->stderr_lines = 0;
    }
    return ++w->stderr_lines > STDERR_RATE;
}

static void stderr_line(void *user, const char *line, size_t len) {
    sb_worker *w = user;
    if (stderr_is_flooding(w))
        return;
    sb_log_stderr(w, line, len);
    /* At once: the next lines may be more than the journal keeps. */
    sb_journal_tell(w->bus, w->bus->journal.end);
}

/* False when nothing more can be read now. */
static bool read_stderr(sb_worker *w) {
    char buf[16 * 1024];
    ptrdiff_t n = sb_source_read(&w->child.err, buf, sizeof buf);
    if (n > 0) {
        if (!sb_stderr_add(&w->tail, buf, (size_t)n, stderr_line, w))
            sb_worker_log(w, STDIO_BUS_LOG_ERROR, "out of memory for its stderr");
        return true;
    }
    if (n == SB_IO_AGAIN)
        return false;
    sb_stderr_end(&w->tail, stderr_line, w);
    sb_source_close(w->bus->poller, &w->child.err);
    return false;
}

void sb_worker_on_err(sb_worker *w) {
    read_stderr(w);
}

/* Whatever the process wrote before it exited lies in the pipes already. A descendant that
 * escaped its process group could go on writing, so this does not wait for the end of file, and
 * not for more than the pipes hold. */
void sb_worker_read_rest(sb_worker *w) {
    bool ended;
    if (sb_source_is_open(&w->child.out)) {
        handle_lines(w, true);
        for (int i = 0; i < MAX_READS_AT_EXIT && read_output(w, true, &ended); i++)
            continue;
        read_last_line(w);
    }
    if (sb_source_is_open(&w->child.err)) {
        for (int i = 0; i < MAX_READS_AT_EXIT && read_stderr(w); i++)
            continue;
        sb_stderr_end(&w->tail, stderr_line, w);
    }
    set_backlog(w, false);
}
