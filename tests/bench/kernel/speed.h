#ifndef BENCH_SPEED_H
#define BENCH_SPEED_H

#include "contestant.h"

void speed_run(const setting *with, bool quick);

#endif
