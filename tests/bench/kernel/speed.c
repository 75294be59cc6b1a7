/* speed.c: latency and throughput of every way to a worker, against the raw pipe. */
#include "speed.h"

#include "rounds.h"

enum {
    RAW,
    EMBEDDED,
    STDIO,
    STDIO_EACH,
    STDIO_RELAY,
    UNIX,
    UNIX_EACH,
    UNIX_RELAY,
    TCP,
    TCP_EACH,
    TCP_RELAY,
    WAYS
};

static void open_all(contestant *all, const setting *s) {
    setting each = *s, relay = *s;
    each.write_each = true;
    relay.relays = true;
    all[RAW] = raw_pipe_open(s);
    all[EMBEDDED] = embedded_open(s);
    all[STDIO] = daemon_stdio_open(s);
    all[STDIO_EACH] = daemon_stdio_open(&each);
    all[STDIO_RELAY] = daemon_stdio_open(&relay);
    all[UNIX] = daemon_unix_open(s);
    all[UNIX_EACH] = daemon_unix_open(&each);
    all[UNIX_RELAY] = daemon_unix_open(&relay);
    all[TCP] = daemon_tcp_open(s);
    all[TCP_EACH] = daemon_tcp_open(&each);
    all[TCP_RELAY] = daemon_tcp_open(&relay);
}

static void close_all(contestant *all) {
    for (int i = 0; i < WAYS; i++)
        contestant_close(&all[i]);
}

typedef struct sizes {
    size_t bytes, in_flight, count;
} sizes;

/* `targets` has a place for each way. With one message in flight there is nothing to gather, so the
 * clients that write once for each are left out; what a mere relay takes is shown there only, as
 * with more it would have to keep what the other side does not take yet. */
static void compare(contestant *all, const char *title, unit unit, const double *targets,
                    sizes sizes, int rounds) {
    message m;
    entry entries[WAYS];
    size_t count = 0;
    message_make(&m, sizes.bytes, false);
    for (int i = 0; i < WAYS; i++) {
        bool writes_each = i == STDIO_EACH || i == UNIX_EACH || i == TCP_EACH;
        bool relays = i == STDIO_RELAY || i == UNIX_RELAY || i == TCP_RELAY;
        if (sizes.in_flight > 1 ? !relays : !writes_each)
            entries[count++] = (entry){&all[i], targets[i]};
    }
    contest c = {
        .title = title,
        .entries = entries,
        .count = count,
        .unit = unit,
        .traffic = {.message = &m, .count = sizes.count, .in_flight = sizes.in_flight},
        .rounds = rounds,
    };
    contest_run(&c);
    message_free(&m);
}

void speed_run(const setting *with, bool quick) {
    static const double latency[WAYS] = {
        [EMBEDDED] = 1.3, [STDIO] = 2.4, [UNIX] = 2.6, [TCP] = 3.2};
    static const double rate[WAYS] = {[EMBEDDED] = 0.9, [STDIO] = 0.5, [UNIX] = 0.45, [TCP] = 0.4};
    static const double long_text[WAYS] = {[EMBEDDED] = 0.6, [STDIO] = 0.3};
    int rounds = quick ? 3 : 15;
    contestant all[WAYS];
    setting s = *with;

    s.workers = s.clients = 1;
    open_all(all, &s);
    compare(all, "one message after the other, 100 bytes", MICROSECONDS, latency,
            (sizes){100, 1, 500}, 3 * rounds);
    compare(all, "64 in flight, 100 bytes", MESSAGES, rate, (sizes){100, 64, 30000}, rounds);
    compare(all, "64 in flight, 4 KiB of one string", MESSAGES, long_text, (sizes){4096, 64, 5000},
            rounds);
    compare(all, "16 in flight, 256 KiB of one string", MESSAGES, long_text,
            (sizes){256 * 1024, 16, 100}, rounds);
    close_all(all);

    s.workers = 4;
    open_all(all, &s);
    compare(all, "1,024 in flight over 4 workers, 100 bytes", MESSAGES, rate,
            (sizes){100, 1024, 30000}, rounds);
    close_all(all);
}
