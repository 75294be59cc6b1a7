#ifndef BENCH_ONE_H
#define BENCH_ONE_H

#include "contestant.h"

/* One contestant alone, for a profiler: NAME SIZE IN_FLIGHT COUNT [WORKERS [CLIENTS [each]]]. */
void one_run(const setting *with, int argc, char **argv);

#endif
