#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include "contestant.h"

/* To be run first in a fresh process. */
void memory_run(const setting *with);

#endif
