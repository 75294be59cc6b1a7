/* scale.c: what a message costs with many workers, sessions and clients, against one of each.
 *
 * One message is in flight at a time in both cases: with more, a single worker would get them in
 * one piece and 256 would not, whatever stands in between. The messages take turns over the
 * clients and the sessions, and so over the workers. Waking a process that has not run for a while
 * costs by itself, caches and all, so the raw pipe does the same over as many workers in the same
 * rounds, and what is judged is how much more than the raw pipe's the cost of the bus grows. The
 * time that the bus's process was on a CPU stands beside. */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "rounds.h"

enum { WORKERS = 256, SESSIONS = 10000, CLIENTS = 200, MAX_ROUNDS = 32 };

typedef struct way {
    const char *name;
    contestant (*open)(const setting *);
} way;

/* Nanoseconds that the process has been on a CPU; 0: this one. */
static double cpu_ns(int pid) {
    char path[64];
    unsigned long long ns;
    snprintf(path, sizeof path, pid ? "/proc/%d/schedstat" : "/proc/self/schedstat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_errno(path);
    if (fscanf(file, "%llu", &ns) != 1)
        fail("%s is not what was expected", path);
    fclose(file);
    return (double)ns;
}

/* One way with one of each and with many, and what the rounds found. */
typedef struct pair {
    contestant few, lots;
    double few_us[MAX_ROUNDS], lots_us[MAX_ROUNDS], growth[MAX_ROUNDS]; /* a message */
    double few_cpu[MAX_ROUNDS], lots_cpu[MAX_ROUNDS];
    double against_raw[MAX_ROUNDS];
} pair;

enum { COUNT = 2000 };

static void open_pair(pair *p, const way *w, const setting *with, message *m) {
    setting one = *with, many = *with;
    one.workers = one.clients = 1;
    many.workers = WORKERS;
    many.clients = CLIENTS;
    p->few = w->open(&one);
    p->lots = w->open(&many);
    traffic few = {.message = m, .count = COUNT, .in_flight = 1, .sessions = 1};
    traffic all = {.message = m, .count = SESSIONS, .in_flight = 1, .sessions = SESSIONS};
    round_seconds(&p->few, &few);
    round_seconds(&p->lots, &all);
}

static void close_pair(pair *p) {
    contestant_close(&p->few);
    contestant_close(&p->lots);
}

static void run_round(contestant *c, message *m, size_t sessions, double *us, double *cpu_us) {
    traffic t = {.message = m, .count = COUNT, .in_flight = 1, .sessions = sessions};
    double before = cpu_ns(c->pid);
    *us = 1e6 * round_seconds(c, &t) / COUNT;
    *cpu_us = 1e-3 * (cpu_ns(c->pid) - before) / COUNT;
}

static void run_pair(pair *p, message *m, int round) {
    run_round(&p->few, m, 1, &p->few_us[round], &p->few_cpu[round]);
    run_round(&p->lots, m, SESSIONS, &p->lots_us[round], &p->lots_cpu[round]);
    p->growth[round] = p->lots_us[round] / p->few_us[round];
}

static void print_pair(const char *name, pair *p, size_t rounds, bool has_target) {
    printf("  %-16s%8.1f µs%8.1f µs%8.2f", name, median(p->few_us, rounds),
           median(p->lots_us, rounds), median(p->growth, rounds));
    printf("  %8.1f µs%8.1f µs", median(p->few_cpu, rounds), median(p->lots_cpu, rounds));
    if (has_target) {
        double found = median(p->against_raw, rounds);
        printf("%8.2f   ≤ 1.30%s", found, found <= 1.3 ? "" : "   missed");
    }
    putchar('\n');
    fflush(stdout);
}

void scale_run(const setting *with, bool quick) {
    static const way raw_way = {"raw pipe", raw_pipe_open};
    static const way ways[] = {{"embedded", embedded_open},
                               {"daemon --stdio", daemon_stdio_open},
                               {"daemon --unix", daemon_unix_open},
                               {"daemon --tcp", daemon_tcp_open}};
    int rounds = quick ? 3 : 15;
    message m;
    static pair raw, p;
    message_make(&m, 130, true);
    printf("%d workers, %d sessions and %d clients (of sockets) against one of each\n", WORKERS,
           SESSIONS, CLIENTS);
    printf("  %-16s%10s%10s%8s  %10s%10s%10s\n", "", "one", "many", "ratio", "CPU, one", "many",
           " by raw's");
    open_pair(&raw, &raw_way, with, &m);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        open_pair(&p, &ways[i], with, &m);
        for (int r = 0; r < rounds; r++) {
            run_pair(&raw, &m, r);
            run_pair(&p, &m, r);
            p.against_raw[r] = p.growth[r] / raw.growth[r];
        }
        close_pair(&p);
        if (i == 0)
            print_pair(raw_way.name, &raw, (size_t)rounds, false);
        print_pair(ways[i].name, &p, (size_t)rounds, true);
    }
    putchar('\n');
    close_pair(&raw);
    message_free(&m);
}
