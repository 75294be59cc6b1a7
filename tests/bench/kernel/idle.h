#ifndef BENCH_IDLE_H
#define BENCH_IDLE_H

#include "contestant.h"

/* Ends the program unless an idle bus sleeps all the time. */
void idle_run(const setting *with, bool quick);

#endif
