/* fail.h: the end of the program when a figure would be wrong. */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...);
/* The same with the system's reason for the last error. */
__attribute__((noreturn)) void fail_errno(const char *what);
/* Memory that is always there: without it the program ends. */
void *must_have(void *memory);

#endif
