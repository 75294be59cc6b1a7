/* frame_fuzz.c: however a stream is cut into reads, the same lines come out, none of them over
 * the limit. The first two bytes choose the limit and the length of a read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A hash over the lines and their lengths; lines that are too long count as such. */
static void note(uint64_t *hash, sb_frame_result result, const char *line, size_t len,
                 size_t limit) {
    if (result == SB_FRAME_TOO_LONG)
        len = 0;
    else if (len > limit || line[len] != '\0')
        abort();
    *hash = (*hash ^ (uint64_t)result ^ (len << 8)) * 1099511628211u;
    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ (uint8_t)line[i]) * 1099511628211u;
}

static uint64_t lines_of(const uint8_t *data, size_t size, size_t limit, size_t step) {
    sb_frame frame;
    uint64_t hash = 14695981039346656037u;
    char *line;
    size_t len;
    sb_frame_result result;
    sb_frame_init(&frame, limit);
    for (size_t at = 0; at < size;) {
        size_t room;
        char *into = sb_frame_room(&frame, &room);
        size_t n = size - at < step ? size - at : step;
        if (!into || room < 4096)
            abort();
        n = n < room ? n : room;
        memcpy(into, data + at, n);
        sb_frame_filled(&frame, n);
        at += n;
        while ((result = sb_frame_next(&frame, &line, &len)) != SB_FRAME_MORE)
            note(&hash, result, line, len, limit);
    }
    while ((result = sb_frame_rest(&frame, &line, &len)) != SB_FRAME_MORE)
        note(&hash, result, line, len, limit);
    sb_frame_free(&frame);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    size_t limit = 1 + data[0], step = 1 + data[1];
    if (lines_of(data + 2, size - 2, limit, step) != lines_of(data + 2, size - 2, limit, SIZE_MAX))
        abort();
    return 0;
}
