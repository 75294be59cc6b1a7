/* timer.h: things due at a time, in a binary heap. Few at once: back-off, deadlines of a stop,
 * stalled receivers. */
#ifndef SB_TIMER_H
#define SB_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sb_timer {
    int64_t due; /* sb_clock_ms() */
    size_t at;   /* place in the heap from 1; 0: not set */
    void (*fire)(void *owner);
    void *owner;
} sb_timer;

typedef struct sb_timers {
    sb_timer **heap;
    size_t count, cap;
} sb_timers;

/* Reserves room for one timer more; false without memory. Each timer is announced once, so
 * that setting one can never fail. */
bool sb_timers_announce(sb_timers *t, size_t timers);
void sb_timers_free(sb_timers *t);
void sb_timer_set(sb_timers *t, sb_timer *timer, int64_t due); /* moves one that is set */
void sb_timer_clear(sb_timers *t, sb_timer *timer);
static inline bool sb_timer_is_set(const sb_timer *timer) {
    return timer->at != 0;
}
/* When the first is due, or -1. */
int64_t sb_timers_next(const sb_timers *t);
/* Fires what is due at `now`; returns how many. */
int sb_timers_run(sb_timers *t, int64_t now);

#endif
