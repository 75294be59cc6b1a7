/* rounds.h: contestants in turn, round by round, and a table of the medians. */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include "contestant.h"

typedef enum unit {
    MICROSECONDS, /* a message; a ratio is this time by that of the first contestant: less is better
                   */
    MESSAGES      /* a second; a ratio is this rate by that of the first: more is better */
} unit;

typedef struct entry {
    contestant *who;
    double target; /* for its ratio; 0: none */
} entry;

typedef struct contest {
    const char *title;
    const entry *entries; /* the first is 1.0 */
    size_t count;
    unit unit;
    traffic traffic;
    int rounds;
} contest;

/* Runs and prints. The ratio is the median of the ratios within each round. */
void contest_run(const contest *c);

/* Seconds that one round takes. The program ends if it takes more than a minute. */
double round_seconds(contestant *c, const traffic *t);
double median(double *values, size_t count);

#endif
