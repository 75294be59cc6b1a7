/* skipped.h: lines of workers that are no messages. */
#ifndef SB_SKIPPED_H
#define SB_SKIPPED_H

#include "bus.h"

enum { SB_EXCERPT = 200 }; /* bytes of a line that are shown */

/* Counts and logs such a line; the first one of a process is told. `what` says what it is. */
void sb_skip_line(sb_worker *w, const char *what, const char *line, size_t len);
/* A line over max_input_buffer, of which only the beginning and then the end are known. If it is an
 * answer whose id stands there, its request is answered with an error. */
void sb_skip_too_long(sb_worker *w, const char *start, size_t len);
void sb_skip_end(sb_worker *w, const char *end, size_t len);

#endif
