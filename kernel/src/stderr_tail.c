#include "stderr_tail.h"

#include <stdlib.h>
#include <string.h>

/* Keeps the line at the end; whole old lines go first to make room, a line that is too long by
 * itself keeps its end, which is where an error says what it is. */
static void keep(sb_stderr_tail *t, const char *p, size_t len) {
    if (t->former) {
        t->former = false;
        t->kept_len = 0;
    }
    if (len > SB_STDERR_KEPT) {
        p += len - SB_STDERR_KEPT;
        len = SB_STDERR_KEPT;
    }
    size_t separator = t->kept_len ? 1 : 0;
    while (t->kept_len + separator + len > SB_STDERR_KEPT) {
        char *newline = memchr(t->kept, '\n', t->kept_len);
        size_t gone = newline ? (size_t)(newline - t->kept) + 1 : t->kept_len;
        t->kept_len -= gone;
        memmove(t->kept, t->kept + gone, t->kept_len);
        separator = t->kept_len ? 1 : 0;
    }
    if (separator)
        t->kept[t->kept_len++] = '\n';
    memcpy(t->kept + t->kept_len, p, len);
    t->kept_len += len;
    t->kept[t->kept_len] = '\0';
}

static void finish(sb_stderr_tail *t, sb_stderr_line line, void *user) {
    if (t->len && t->line[t->len - 1] == '\r')
        t->len--;
    t->line[t->len] = '\0';
    keep(t, t->line, t->len);
    line(user, t->line, t->len);
    t->len = 0;
    t->cut = false;
}

bool sb_stderr_add(sb_stderr_tail *t, const char *p, size_t len, sb_stderr_line line, void *user) {
    if (!t->line)
        t->line = malloc(SB_STDERR_LINE + 1);
    if (!t->kept)
        t->kept = malloc(SB_STDERR_KEPT + 1);
    if (!t->line || !t->kept)
        return false;
    while (len) {
        const char *newline = memchr(p, '\n', len);
        size_t part = newline ? (size_t)(newline - p) : len;
        size_t room = SB_STDERR_LINE - t->len;
        size_t taken = part < room ? part : room;
        if (!t->cut) {
            memcpy(t->line + t->len, p, taken);
            t->len += taken;
            t->cut = taken < part;
        }
        if (newline)
            finish(t, line, user);
        part += newline ? 1 : 0;
        p += part;
        len -= part;
    }
    return true;
}

void sb_stderr_end(sb_stderr_tail *t, sb_stderr_line line, void *user) {
    if (t->len)
        finish(t, line, user);
}

void sb_stderr_renew(sb_stderr_tail *t) {
    t->len = 0;
    t->cut = false;
    t->former = t->kept_len > 0;
}

void sb_stderr_free(sb_stderr_tail *t) {
    free(t->line);
    free(t->kept);
    *t = (sb_stderr_tail){0};
}
