#include "queue.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 4 * 1024, KEPT_WHEN_EMPTY = 256 * 1024 };

char *sb_queue_extend(sb_queue *q, size_t len) {
    size_t have = sb_queue_len(q);
    if (q->cap - q->end < len) {
        if (have + len <= q->cap / 2) {
            /* Moving costs less than the bytes that were consumed since the last move. */
            memmove(q->buf, q->buf + q->start, have);
        } else {
            /* A quarter stays free, so that the next move is that many bytes away. */
            size_t cap = q->cap ? q->cap : FIRST;
            while (cap / 4 * 3 < have + len)
                cap *= 2;
            char *buf = malloc(cap);
            if (!buf)
                return NULL;
            if (have)
                memcpy(buf, q->buf + q->start, have);
            free(q->buf);
            q->buf = buf;
            q->cap = cap;
        }
        q->start = 0;
        q->end = have;
    }
    char *p = q->buf + q->end;
    q->end += len;
    return p;
}

void sb_queue_consume(sb_queue *q, size_t len) {
    q->start += len;
    q->written += len;
    if (q->start < q->end)
        return;
    q->start = q->end = 0;
    if (q->cap > KEPT_WHEN_EMPTY) {
        free(q->buf);
        q->buf = NULL;
        q->cap = 0;
    }
}

void sb_queue_free(sb_queue *q) {
    free(q->buf);
    *q = (sb_queue){0};
}
