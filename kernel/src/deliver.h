/* deliver.h: lines from workers, to whom they belong. */
#ifndef SB_DELIVER_H
#define SB_DELIVER_H

#include "bus.h"

/* One line from the worker's stdout; NUL-terminated. */
void sb_deliver_line(sb_worker *w, const char *line, size_t len);
/* An answer that nobody waits for any more: with it the call, if there is one, is over. */
void sb_drop_late_answer(sb_worker *w, sb_call *call, sb_token id);
/* The edit that puts a session at the top level of a message; `member` is filled and must live
 * until the edits were applied. */
void sb_restore_session(sb_edits *edits, const char *msg, const sb_session *s, sb_text *member);

#endif
