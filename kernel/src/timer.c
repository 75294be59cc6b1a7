#include "timer.h"

#include <stdlib.h>

bool sb_timers_announce(sb_timers *t, size_t timers) {
    if (timers <= t->cap)
        return true;
    size_t cap = t->cap ? t->cap : 16;
    while (cap < timers)
        cap *= 2;
    sb_timer **heap = realloc(t->heap, cap * sizeof(sb_timer *));
    if (!heap)
        return false;
    t->heap = heap;
    t->cap = cap;
    return true;
}

void sb_timers_free(sb_timers *t) {
    free(t->heap);
    *t = (sb_timers){0};
}

static void place(sb_timers *t, sb_timer *timer, size_t at) {
    t->heap[at - 1] = timer;
    timer->at = at;
}

/* Moves the timer at `at` to where its time belongs. */
static void settle(sb_timers *t, size_t at) {
    sb_timer *timer = t->heap[at - 1];
    for (; at > 1 && t->heap[at / 2 - 1]->due > timer->due; at /= 2)
        place(t, t->heap[at / 2 - 1], at);
    for (;;) {
        size_t child = 2 * at;
        if (child > t->count)
            break;
        if (child < t->count && t->heap[child]->due < t->heap[child - 1]->due)
            child++;
        if (t->heap[child - 1]->due >= timer->due)
            break;
        place(t, t->heap[child - 1], at);
        at = child;
    }
    place(t, timer, at);
}

void sb_timer_set(sb_timers *t, sb_timer *timer, int64_t due) {
    timer->due = due;
    if (!timer->at)
        place(t, timer, ++t->count);
    settle(t, timer->at);
}

void sb_timer_clear(sb_timers *t, sb_timer *timer) {
    size_t at = timer->at;
    if (!at)
        return;
    timer->at = 0;
    sb_timer *last = t->heap[--t->count];
    if (last == timer)
        return;
    place(t, last, at);
    settle(t, at);
}

int64_t sb_timers_next(const sb_timers *t) {
    return t->count ? t->heap[0]->due : -1;
}

int sb_timers_run(sb_timers *t, int64_t now) {
    int fired = 0;
    /* One that sets itself again for `now` waits for the next run. */
    for (size_t most = t->count; most > 0 && t->count && t->heap[0]->due <= now; most--) {
        sb_timer *timer = t->heap[0];
        sb_timer_clear(t, timer);
        timer->fire(timer->owner);
        fired++;
    }
    return fired;
}
