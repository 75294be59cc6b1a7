/* validation.c: what it costs to check that a message is valid JSON, alone, in CPU time. */
#include "validation.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "json.h"
#include "rounds.h"

enum { SIZE = 4096, BATCHES = 31 };

static double cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

/* A request whose params are `piece` again and again, up to about 4 KiB. */
static size_t fill(char *out, const char *open, const char *piece, const char *close) {
    size_t len = (size_t)sprintf(
        out, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":%s", open);
    size_t step = strlen(piece), end = strlen(close);
    while (len + step + end <= SIZE)
        len += (size_t)sprintf(out + len, "%s", piece);
    return len + (size_t)sprintf(out + len, "%s", close);
}

static void measure(const char *what, const char *text, size_t len, bool quick) {
    double us[BATCHES];
    int scans = quick ? 200 : 2000;
    for (int b = 0; b < BATCHES; b++) {
        double begin = cpu_us();
        for (int i = 0; i < scans; i++) {
            sb_scan scan;
            if (sb_json_scan(text, len, &scan) != SB_SCAN_OK)
                fail("the scan found fault with a valid message");
        }
        us[b] = (cpu_us() - begin) / scans;
    }
    printf("  %-28s%6zu bytes%10.2f µs\n", what, len, median(us, BATCHES));
}

void validation_run(bool quick) {
    char text[SIZE + 1];
    printf("validation of one message\n");
    size_t len = fill(text, "{\"message\":\"", "x", "\"}}");
    measure("one string of plain text", text, len, quick);
    len = fill(text, "{\"message\":\"", "Grüße ", "\"}}");
    measure("one string with accents", text, len, quick);
    len = fill(text, "{\"list\":[0", ",{\"a\":1,\"b\":true}", "]}}");
    measure("many small members", text, len, quick);
    putchar('\n');
}
