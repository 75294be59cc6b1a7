/* frame.c: lines out of a byte stream. One buffer holds what was read and not handed out yet;
 * the offset `scanned` remembers how far the search for a newline has come, so that a line of
 * many megabytes costs no more per byte than a short one. */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALL_READ = 4 * 1024,
    FULL_READ = 64 * 1024,
    KEPT_WHEN_IDLE = 128 * 1024, /* a larger buffer is given back once it is empty */
    EXCERPT = 256
};

void sb_frame_init(sb_frame *f, uint64_t limit) {
    memset(f, 0, sizeof *f);
    f->limit = limit;
}

void sb_frame_free(sb_frame *f) {
    free(f->buf);
    memset(f, 0, sizeof *f);
}

static void drop_all(sb_frame *f) {
    f->start = f->end = f->scanned = 0;
}

/* One byte beyond `cap` is always there for the NUL after a last line without newline. */
static bool resize(sb_frame *f, size_t cap) {
    char *buf = realloc(f->buf, cap + 1);
    if (!buf)
        return false;
    f->buf = buf;
    f->cap = cap;
    return true;
}

/* The buffer begins small, grows to 64 KiB as soon as one read fills it, and doubles while a
 * single line does not fit. A partial line moves to the front at most once, because after
 * that it begins there. */
char *sb_frame_room(sb_frame *f, size_t *room) {
    bool was_filled = f->cap && f->end == f->cap;
    if (f->start == f->end) {
        drop_all(f);
        if (f->cap > KEPT_WHEN_IDLE) {
            free(f->buf);
            f->buf = NULL;
            f->cap = 0;
        }
    } else if (f->start > 0) {
        memmove(f->buf, f->buf + f->start, f->end - f->start);
        f->end -= f->start;
        f->scanned -= f->start;
        f->start = 0;
    }
    size_t wanted = f->cap;
    if (wanted < SMALL_READ)
        wanted = was_filled ? FULL_READ : SMALL_READ;
    else if (was_filled && wanted < FULL_READ)
        wanted = FULL_READ;
    if (wanted - f->end < SMALL_READ || (wanted >= FULL_READ && f->end > wanted / 2))
        wanted = wanted * 2;
    if (wanted != f->cap && !resize(f, wanted)) {
        *room = 0;
        return NULL;
    }
    *room = f->cap - f->end;
    return f->buf + f->end;
}

void sb_frame_filled(sb_frame *f, size_t n) {
    f->end += n;
}

/* False while it takes more bytes to tell whether the stream begins with a byte order mark. */
static bool look_at_bom(sb_frame *f) {
    static const char bom[] = "\xEF\xBB\xBF";
    if (f->past_bom)
        return true;
    size_t have = f->end - f->start;
    if (have == 0)
        return false;
    size_t n = have < 3 ? have : 3;
    if (memcmp(f->buf + f->start, bom, n) == 0) {
        if (n < 3)
            return false;
        f->start += 3;
        f->scanned = f->start;
    }
    f->past_bom = true;
    return true;
}

static bool is_blank(const char *p, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

/* The length without a CR at the end. */
static size_t without_cr(const char *p, size_t len) {
    return len && p[len - 1] == '\r' ? len - 1 : len;
}

static sb_frame_result too_long(char **line, size_t *len, char *p, size_t n) {
    *line = p;
    *len = n < EXCERPT ? n : EXCERPT;
    return SB_FRAME_TOO_LONG;
}

static void keep_tail(sb_frame *f, const char *p, size_t n) {
    size_t taken = n < SB_FRAME_TAIL ? n : SB_FRAME_TAIL;
    size_t kept = f->tail_len < SB_FRAME_TAIL - taken ? f->tail_len : SB_FRAME_TAIL - taken;
    memmove(f->tail, f->tail + f->tail_len - kept, kept);
    memcpy(f->tail + kept, p + n - taken, taken);
    f->tail_len = kept + taken;
}

static void begin_skipping(sb_frame *f, const char *p, size_t n) {
    f->skipping = true;
    f->tail_len = 0;
    keep_tail(f, p, n);
}

sb_frame_result sb_frame_next(sb_frame *f, char **line, size_t *len) {
    if (!look_at_bom(f))
        return SB_FRAME_MORE;
    while (f->start < f->end) {
        char *p = f->buf + f->start;
        char *newline = memchr(f->buf + f->scanned, '\n', f->end - f->scanned);
        if (!newline) {
            size_t n = f->end - f->start;
            if (f->skipping) {
                keep_tail(f, p, n);
                drop_all(f);
            } else if (n > f->limit && without_cr(p, n) > f->limit) {
                begin_skipping(f, p, n);
                drop_all(f);
                return too_long(line, len, p, n);
            } else {
                f->scanned = f->end;
            }
            return SB_FRAME_MORE;
        }
        f->start = f->scanned = (size_t)(newline - f->buf) + 1;
        size_t n = (size_t)(newline - p);
        if (f->skipping) {
            keep_tail(f, p, n);
            f->skipping = false;
            *line = f->tail;
            *len = without_cr(f->tail, f->tail_len);
            return SB_FRAME_SKIPPED;
        }
        size_t read = n;
        n = without_cr(p, n);
        if (n > f->limit) {
            begin_skipping(f, p, read);
            f->start = f->scanned = (size_t)(newline - f->buf); /* its end is told next */
            return too_long(line, len, p, n);
        }
        if (is_blank(p, n))
            continue;
        p[n] = '\0';
        *line = p;
        *len = n;
        return SB_FRAME_LINE;
    }
    return SB_FRAME_MORE;
}

sb_frame_result sb_frame_rest(sb_frame *f, char **line, size_t *len) {
    f->past_bom = true;
    sb_frame_result result = sb_frame_next(f, line, len);
    if (result != SB_FRAME_MORE)
        return result;
    size_t start = f->start;
    size_t n = f->end - start;
    bool skipped = f->skipping;
    f->skipping = false;
    drop_all(f);
    if (n == 0 || skipped)
        return SB_FRAME_MORE;
    char *p = f->buf + start;
    n = without_cr(p, n);
    if (is_blank(p, n))
        return SB_FRAME_MORE;
    p[n] = '\0';
    *line = p;
    *len = n;
    return SB_FRAME_LINE;
}
