/* stderr_tail.h: a worker's stderr, cut into lines; the last ones are kept for the message of its
 * exit. */
#ifndef SB_STDERR_TAIL_H
#define SB_STDERR_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SB_STDERR_LINE = 8 * 1024, SB_STDERR_KEPT = 4 * 1024 };

typedef struct sb_stderr_tail {
    char *line; /* of SB_STDERR_LINE + 1 bytes, made at the first byte */
    size_t len;
    bool cut;   /* the line is longer: its rest is skipped */
    char *kept; /* of SB_STDERR_KEPT + 1 bytes: whole lines, '\n' between, NUL-terminated */
    size_t kept_len;
    bool former; /* what is kept was written by the process before the present one */
} sb_stderr_tail;

typedef void (*sb_stderr_line)(void *user, const char *line, size_t len);

/* Calls `line` for each line that the bytes complete. False without memory. */
bool sb_stderr_add(sb_stderr_tail *t, const char *p, size_t len, sb_stderr_line line, void *user);
/* At the end of the stream: what stands there without newline is a line too. */
void sb_stderr_end(sb_stderr_tail *t, sb_stderr_line line, void *user);
/* A new process begins; what the former one wrote stands until this one writes a line. */
void sb_stderr_renew(sb_stderr_tail *t);
/* The last lines, the former process's too. */
static inline const char *sb_stderr_text(const sb_stderr_tail *t) {
    return t->kept_len ? t->kept : "";
}
/* Those of the present process, or of one that ended and has no successor yet. */
static inline const char *sb_stderr_own_text(const sb_stderr_tail *t) {
    return t->former ? "" : sb_stderr_text(t);
}
void sb_stderr_free(sb_stderr_tail *t);

#endif
