#include "rounds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

enum { ROUND_LIMIT_SEC = 60 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void on_alarm(int signal) {
    static const char text[] = "kernel-bench: answers are missing: a round takes too long\n";
    (void)signal;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(1);
}

double round_seconds(contestant *c, const traffic *t) {
    signal(SIGALRM, on_alarm);
    alarm(ROUND_LIMIT_SEC);
    double begin = now();
    c->run(c->self, t);
    double seconds = now() - begin;
    alarm(0);
    return seconds;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print_row(const contest *c, size_t i, double seconds, double ratio) {
    double target = c->entries[i].target;
    printf("  %-16s", c->entries[i].who->name);
    if (c->unit == MICROSECONDS)
        printf("%10.1f µs", 1e6 * seconds / (double)c->traffic.count);
    else
        printf("%10.0f /s", (double)c->traffic.count / seconds);
    printf("%9.2f", ratio);
    bool met = c->unit == MICROSECONDS ? ratio <= target : ratio >= target;
    if (target > 0)
        printf("   %s %.2f%s", c->unit == MICROSECONDS ? "≤" : "≥", target, met ? "" : "   missed");
    putchar('\n');
    fflush(stdout);
}

void contest_run(const contest *c) {
    size_t rounds = (size_t)c->rounds;
    double *seconds = must_have(calloc(c->count * rounds, sizeof *seconds));
    double *ratios = must_have(calloc(c->count * rounds, sizeof *ratios));
    for (size_t i = 0; i < c->count; i++)
        round_seconds(c->entries[i].who, &c->traffic); /* warms up */
    for (size_t r = 0; r < rounds; r++) {
        for (size_t n = 0; n < c->count; n++) {
            size_t i = (n + r) % c->count; /* nobody always runs after the same one */
            seconds[i * rounds + r] = round_seconds(c->entries[i].who, &c->traffic);
        }
        for (size_t i = 0; i < c->count; i++)
            ratios[i * rounds + r] = c->unit == MICROSECONDS ? seconds[i * rounds + r] / seconds[r]
                                                             : seconds[r] / seconds[i * rounds + r];
    }
    printf("%s\n", c->title);
    for (size_t i = 0; i < c->count; i++)
        print_row(c, i, median(seconds + i * rounds, rounds), median(ratios + i * rounds, rounds));
    putchar('\n');
    free(seconds);
    free(ratios);
}
