/* log.c: what the host is told in words. */
#include <stdarg.h>
#include <stdio.h>

#include "bus.h"

enum { LINE = 1024 };

void sb_log(sb_bus *bus, int level, const char *format, ...) {
    if (!bus->options.on_log || level < bus->options.log_level)
        return;
    char line[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    bus->options.on_log(bus, level, line, bus->options.user_data);
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

void sb_worker_event(sb_worker *w, const char *event) {
    sb_bus *bus = w->bus;
    if (bus->options.on_worker)
        bus->options.on_worker(bus, w->id, event, bus->options.user_data);
}
