/* deliver.h: lines from workers, to whom they belong. */
#ifndef SB_DELIVER_H
#define SB_DELIVER_H

#include "bus.h"

/* One line from the worker's stdout; NUL-terminated. */
void sb_deliver_line(sb_worker *w, const char *line, size_t len);
/* A line over max_input_buffer, of which only the beginning and then the end are known. If it is an
 * answer whose id stands there, its request is answered with an error. */
void sb_deliver_too_long(sb_worker *w, const char *start, size_t len);
void sb_deliver_skipped(sb_worker *w, const char *end, size_t len);
/* The edit that puts a session at the top level of a message; `member` is filled and must live
 * until the edits were applied. */
void sb_restore_session(sb_edits *edits, const char *msg, const sb_session *s, sb_text *member);

#endif
