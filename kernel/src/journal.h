/* journal.h: the last lines of the log and of the workers' stderr, for those who ask for them
 * (stdio_bus/log) and for connections that are told of each (stdio_bus/annotate). What somebody is
 * to be told waits here, not in his queue, and goes when newer lines need its place: so news hold
 * nobody up and need no memory of their own. */
#ifndef SB_JOURNAL_H
#define SB_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum {
    SB_JOURNAL_LINES = 1000,
    SB_JOURNAL_BYTES = 256 * 1024, /* of their texts */
    SB_JOURNAL_NO_LEVEL = 4        /* above all of stdio_bus_log_level_t */
};

/* NULL-terminated; an index is a stdio_bus_log_level_t. */
extern const char *const sb_log_levels[];

typedef struct sb_log_line {
    int64_t time_ms; /* since 1970 */
    int level;
    int worker; /* -1: about none */
    bool is_stderr;
    size_t len;
    char text[];
} sb_log_line;

typedef struct sb_journal {
    sb_log_line *lines[SB_JOURNAL_LINES]; /* line n at n % SB_JOURNAL_LINES */
    uint64_t begin, end;                  /* the numbers of the oldest one and of the next one */
    size_t bytes;
    int floor; /* lines below this level nobody wants */
    uint64_t dropped;
} sb_journal;

/* Which lines stdio_bus/log is about. */
typedef struct sb_log_query {
    int last, worker /* -1: all */, level;
} sb_log_query;

typedef struct stdio_bus sb_bus;
typedef struct sb_conn sb_conn;

void sb_journal_add(sb_bus *bus, const sb_log_line *line, const char *text, size_t len);
/* The connection is told lines from this level on (SB_JOURNAL_NO_LEVEL: none any more), beginning
 * with the next one. */
void sb_journal_listen(sb_bus *bus, sb_conn *conn, int level);
/* Counts anew what is wanted, after a listener left. */
void sb_journal_set_floor(sb_bus *bus);
/* Tells listeners lines before `until`, as far as they read. Whether anybody was told one. */
bool sb_journal_tell(sb_bus *bus, uint64_t until);
/* Whether a line waits that could be told now. */
bool sb_journal_has_news(const sb_bus *bus);
void sb_journal_put(sb_text *t, const sb_bus *bus, const sb_log_query *query);
void sb_journal_free(sb_bus *bus);

#endif
