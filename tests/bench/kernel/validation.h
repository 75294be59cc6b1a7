#ifndef BENCH_VALIDATION_H
#define BENCH_VALIDATION_H

#include <stdbool.h>

void validation_run(bool quick);

#endif
