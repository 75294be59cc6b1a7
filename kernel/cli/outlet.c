/* outlet.c: the queue of what is on its way out. How it is written differs between systems. */
#include "outlet.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_WHEN_EMPTY = 256 * 1024 };

bool sbd_outlet_put(sbd_outlet *o, const char *bytes, size_t len) {
    if (o->error)
        return false;
    if (o->cap - o->end < len && o->start > 0) {
        size_t waiting = sbd_outlet_waiting(o);
        /* Moving pays only when it frees much; otherwise the buffer grows. */
        if (waiting <= o->cap / 2) {
            memmove(o->buf, o->buf + o->start, waiting);
            o->start = 0;
            o->end = waiting;
        }
    }
    if (o->cap - o->end < len) {
        size_t cap = o->cap ? o->cap : 4096;
        while (cap - o->end < len)
            cap *= 2;
        char *buf = realloc(o->buf, cap);
        if (!buf)
            return false;
        o->buf = buf;
        o->cap = cap;
    }
    memcpy(o->buf + o->end, bytes, len);
    o->end += len;
    return true;
}

void sbd_outlet_consume(sbd_outlet *o, size_t len) {
    o->start += len;
    if (o->start < o->end)
        return;
    o->start = o->end = 0;
    if (o->cap > KEPT_WHEN_EMPTY) {
        free(o->buf);
        o->buf = NULL;
        o->cap = 0;
    }
}
