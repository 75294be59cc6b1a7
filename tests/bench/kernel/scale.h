#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include "contestant.h"

void scale_run(const setting *with, bool quick);

#endif
