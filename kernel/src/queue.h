/* queue.h: bytes that wait to be written to one receiver, in one contiguous buffer, so that many
 * small messages leave in one write. */
#ifndef SB_QUEUE_H
#define SB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sb_queue {
    char *buf;
    size_t cap, start, end;
    uint64_t written; /* bytes taken off the front since init: a position in the stream */
} sb_queue;

static inline size_t sb_queue_len(const sb_queue *q) {
    return q->end - q->start;
}
static inline const char *sb_queue_data(const sb_queue *q) {
    return q->buf + q->start;
}
/* The stream position that the next byte appended will have. */
static inline uint64_t sb_queue_tail(const sb_queue *q) {
    return q->written + sb_queue_len(q);
}
/* Appends `len` bytes for the caller to fill in. NULL without memory. */
char *sb_queue_extend(sb_queue *q, size_t len);
void sb_queue_consume(sb_queue *q, size_t len);
void sb_queue_free(sb_queue *q); /* written starts at 0 again */

#endif
