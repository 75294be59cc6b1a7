/* long_answer.h: an answer that is too long to be taken. Only its first and its last bytes are
 * known, but the id stands in one of the two: in front of the result or behind it. */
#ifndef SB_LONG_ANSWER_H
#define SB_LONG_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

typedef enum sb_long_head {
    SB_LONG_OTHER,    /* no answer, as far as one can see */
    SB_LONG_ANSWER,   /* an answer; its id comes later, if at all */
    SB_LONG_ANSWER_ID /* an answer, and its id */
} sb_long_head;

/* Reads the members in front of "result" or "error". */
sb_long_head sb_long_answer_head(const char *line, size_t len, sb_token *id);
/* Reads the members behind it, from the end of the line back to the first that is no string, number
 * or literal. Whether an id was among them. */
bool sb_long_answer_tail(const char *end, size_t len, sb_token *id);

#endif
