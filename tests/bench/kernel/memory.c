/* memory.c: what a bus holds: at rest, for each worker and for each session. The heap is counted
 * exactly, by the allocator; resident memory by the kernel, in pages. */
#include "memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "rounds.h"

enum { WORKERS = 100, SESSIONS = 10000, BURST = 64 };

static double heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd);
}

/* Resident bytes, leaving out what the C library and the loader have mapped from their files. */
static double resident_bytes(int pid) {
    char path[64], line[512];
    double sum = 0;
    bool counts = true;
    snprintf(path, sizeof path, "/proc/%d/smaps", pid);
    FILE *file = fopen(pid ? path : "/proc/self/smaps", "r");
    if (!file)
        fail_errno(path);
    while (fgets(line, sizeof line, file)) {
        unsigned long from, to, kb;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            counts = !strstr(line, "/libc") && !strstr(line, "/ld-") && !strstr(line, "[v");
        else if (counts && sscanf(line, "Rss: %lu kB", &kb) == 1)
            sum += 1024.0 * (double)kb;
    }
    fclose(file);
    return sum;
}

static void print(const char *what, double bytes, double target, const char *unit, double scale) {
    printf("  %-52s%10.1f %-6s", what, bytes / scale, unit);
    if (target > 0)
        printf("  < %.0f %s%s", target / scale, unit, bytes < target ? "" : "   missed");
    putchar('\n');
}

static void talk(contestant *c, size_t count, size_t in_flight, size_t bytes, size_t sessions) {
    message m;
    message_make(&m, bytes, sessions > 0);
    traffic t = {.message = &m, .count = count, .in_flight = in_flight, .sessions = sessions};
    round_seconds(c, &t);
    message_free(&m);
}

/* The heap of a bus after it has talked with each of its workers. */
static double heap_of(const setting *with, int workers, size_t each, size_t bytes) {
    setting s = *with;
    s.workers = workers;
    double before = heap_bytes();
    contestant c = embedded_open(&s);
    size_t in_flight = (size_t)workers * each;
    if (each)
        talk(&c, 10 * in_flight, in_flight, bytes, 0);
    double used = heap_bytes() - before;
    contestant_close(&c);
    return used;
}

static double a_worker(const setting *with, size_t each, size_t bytes) {
    return (heap_of(with, 1 + WORKERS, each, bytes) - heap_of(with, 1, each, bytes)) / WORKERS;
}

static double a_session(const setting *with, size_t sessions) {
    setting s = *with;
    s.workers = 4;
    contestant c = embedded_open(&s);
    talk(&c, BURST, BURST, 130, 1);
    double before = heap_bytes();
    talk(&c, sessions, BURST, 130, sessions);
    double used = heap_bytes() - before;
    contestant_close(&c);
    return used / (double)sessions;
}

void memory_run(const setting *with) {
    static const double kib = 1024, mib = 1024 * 1024;
    setting s = *with;
    s.workers = s.clients = 1;

    double before = resident_bytes(0);
    contestant c = embedded_open(&s);
    talk(&c, 1, 1, 100, 0);
    double embedded = resident_bytes(0) - before;
    contestant_close(&c);
    c = daemon_stdio_open(&s);
    talk(&c, 1, 1, 100, 0);
    double daemon = resident_bytes(c.pid);
    contestant_close(&c);

    printf("memory\n");
    print("idle embedded bus, one worker, resident", embedded, mib, "KiB", kib);
    print("idle daemon, one worker, resident, all but libc", daemon, mib, "KiB", kib);
    print("a worker that was never spoken to, heap", a_worker(with, 0, 0), 100 * kib, "KiB", kib);
    print("a worker after one message at a time", a_worker(with, 1, 100), 100 * kib, "KiB", kib);
    print("a worker after 64 messages of 100 bytes at a time", a_worker(with, BURST, 100),
          100 * kib, "KiB", kib);
    print("a worker after 64 messages of 4 KiB at a time", a_worker(with, BURST, 4096), 0, "KiB",
          kib);
    print("a session, of 10,000, heap", a_session(with, SESSIONS), 200, "bytes", 1);
    print("a session, of 60,000", a_session(with, 6 * SESSIONS), 200, "bytes", 1);
    putchar('\n');
}
