/* frame.h: cuts a byte stream into lines. Every byte is looked at once, however the stream
 * was cut into reads, so the cost is linear in the length of a line. */
#ifndef SB_FRAME_H
#define SB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SB_FRAME_TAIL = 128 };

typedef struct sb_frame {
    char *buf;
    size_t cap;
    size_t start;   /* first byte not yet handed out */
    size_t end;     /* one past the last byte read */
    size_t scanned; /* bytes before this offset hold no newline */
    uint64_t limit; /* longest line, without its newline; a number of the configuration */
    bool skipping;  /* inside a line that was reported as too long */
    bool past_bom;  /* the first bytes of the stream have been looked at */
    size_t tail_len;
    char tail[SB_FRAME_TAIL]; /* the last bytes of a line that is skipped */
} sb_frame;

typedef enum sb_frame_result {
    SB_FRAME_MORE,     /* no whole line: read more */
    SB_FRAME_LINE,     /* a line, without newline and CR; NUL-terminated in place */
    SB_FRAME_TOO_LONG, /* a line over the limit; its rest is skipped */
    SB_FRAME_SKIPPED   /* behind it: that line ended */
} sb_frame_result;

void sb_frame_init(sb_frame *f, uint64_t limit);
void sb_frame_free(sb_frame *f); /* the frame can be used again after init */

/* Room for a read: at least 4 KiB, 64 KiB while the stream is busy, more inside a long line.
 * NULL without memory. */
char *sb_frame_room(sb_frame *f, size_t *room);
void sb_frame_filled(sb_frame *f, size_t n);

/* The next line. It stays valid until the next call of sb_frame_room. Blank lines (nothing
 * but spaces, tabs, CR) are skipped; one leading byte order mark is dropped. On TOO_LONG,
 * *line and *len give the first bytes of the line, at most 256, on SKIPPED the last, at most
 * SB_FRAME_TAIL. */
sb_frame_result sb_frame_next(sb_frame *f, char **line, size_t *len);
/* After end of file: the rest without newline, as a line, or MORE when there is none. */
sb_frame_result sb_frame_rest(sb_frame *f, char **line, size_t *len);

#endif
