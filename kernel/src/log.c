/* log.c: what the host is told in words, and what the journal keeps of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bus.h"

enum { LINE = 1024, HEAD = 32, STDERR_EXCERPT = 900 };

/* `text` stands HEAD bytes into a buffer, so that the name of the worker finds room before it. */
static void tell_host(sb_bus *bus, int level, int worker, char *text) {
    if (!bus->options.on_log || level < bus->options.log_level)
        return;
    if (worker >= 0) {
        char head[HEAD];
        int len = snprintf(head, sizeof head, "[worker=%d] ", worker);
        text -= len;
        memcpy(text, head, (size_t)len);
    }
    bus->options.on_log(bus, level, text, bus->options.user_data);
}

static void write_line(sb_bus *bus, int level, int worker, const char *format, va_list args) {
    char line[HEAD + LINE];
    char *text = line + HEAD;
    if (level < bus->journal.floor)
        return;
    vsnprintf(text, LINE, format, args);
    sb_log_line entry = {.time_ms = sb_clock_unix_ms(), .level = level, .worker = worker};
    sb_journal_add(bus, &entry, text, strlen(text));
    tell_host(bus, level, worker, text);
}

void sb_log(sb_bus *bus, int level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(bus, level, -1, format, args);
    va_end(args);
}

void sb_worker_log(sb_worker *w, int level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(w->bus, level, w->id, format, args);
    va_end(args);
}

void sb_log_stderr(sb_worker *w, const char *line, size_t len) {
    sb_bus *bus = w->bus;
    sb_log_line entry = {.time_ms = sb_clock_unix_ms(),
                         .level = STDIO_BUS_LOG_INFO,
                         .worker = w->id,
                         .is_stderr = true};
    sb_journal_add(bus, &entry, line, len);
    if (bus->on_stderr) {
        bus->on_stderr(bus, w->id, line, len, bus->on_stderr_user);
    } else if (bus->options.log_level <= STDIO_BUS_LOG_DEBUG) {
        char text[HEAD + LINE];
        snprintf(text + HEAD, LINE, "stderr: %.*s",
                 (int)(len < STDERR_EXCERPT ? len : STDERR_EXCERPT), line);
        tell_host(bus, STDIO_BUS_LOG_DEBUG, w->id, text + HEAD);
    }
}

void sb_report(sb_bus *bus, int code, const char *format, ...) {
    char line[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    sb_log(bus, STDIO_BUS_LOG_ERROR, "%s", line);
    if (bus->options.on_error)
        bus->options.on_error(bus, code, line, bus->options.user_data);
}
