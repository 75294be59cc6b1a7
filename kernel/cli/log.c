/* log.c: "[2026-01-31T12:00:00] [INFO] text". */
#define _POSIX_C_SOURCE 200809L /* for localtime_r(), which MinGW has on request only */
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stdio_bus.h"

enum {
    MOST_WAITING = 256 * 1024, /* bytes kept for a reader that does not read */
    LINE = 8 * 1024 + 512,     /* the longest line of a worker, with what stands before it */
    HEAD = 64
};

void sbd_log_open(sbd_log *log, int fd, int level) {
    sbd_outlet_open(&log->outlet, fd);
    log->level = level;
    log->dropped = 0;
}

void sbd_log_close(sbd_log *log) {
    sbd_outlet_close(&log->outlet);
}

bool sbd_log_waits(const sbd_log *log) {
    return sbd_outlet_waiting(&log->outlet) > 0 && log->outlet.error == 0;
}

static size_t write_head(char *out, int level) {
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    time_t now = time(NULL);
    struct tm local;
    if (level < STDIO_BUS_LOG_DEBUG || level > STDIO_BUS_LOG_ERROR)
        level = STDIO_BUS_LOG_ERROR;
    localtime_r(&now, &local);
    size_t n = strftime(out, HEAD, "[%Y-%m-%dT%H:%M:%S] ", &local);
    return n + (size_t)snprintf(out + n, HEAD - n, "[%s] ", names[level]);
}

static bool put_line(sbd_log *log, int level, const char *text, size_t len) {
    char line[LINE];
    size_t n = write_head(line, level);
    if (len > sizeof line - n - 1)
        len = sizeof line - n - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        line[n++] = (c < 0x20 && c != '\t') || c == 0x7F ? '?' : (char)c;
    }
    line[n++] = '\n';
    return sbd_outlet_waiting(&log->outlet) + n <= MOST_WAITING &&
           sbd_outlet_put(&log->outlet, line, n);
}

/* Tells how many lines are missing before the first one that goes through again. */
static bool put_missing(sbd_log *log) {
    if (log->dropped == 0)
        return true;
    /* Not while the queue is nearly full: the next lines would be dropped again and every one
     * that goes through would bring such a report with it. */
    if (sbd_outlet_waiting(&log->outlet) > MOST_WAITING / 2)
        return false;
    char text[96];
    int n = snprintf(text, sizeof text,
                     "%" PRIu64 " log lines were dropped because standard error was not read",
                     log->dropped);
    if (!put_line(log, STDIO_BUS_LOG_WARN, text, (size_t)n))
        return false;
    log->dropped = 0;
    return true;
}

void sbd_log_text(sbd_log *log, int level, const char *text, size_t len) {
    if (level < log->level)
        return;
    if (!put_missing(log) || !put_line(log, level, text, len)) {
        log->dropped++;
        return;
    }
    sbd_outlet_flush(&log->outlet);
}

void sbd_log_line(sbd_log *log, int level, const char *format, ...) {
    char text[2048];
    va_list args;
    if (level < log->level)
        return;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return;
    sbd_log_text(log, level, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void sbd_log_flush(sbd_log *log) {
    sbd_outlet_flush(&log->outlet);
    if (log->dropped && put_missing(log))
        sbd_outlet_flush(&log->outlet);
}
