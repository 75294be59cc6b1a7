/* process.h: a child with pipes on its standard streams. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct process {
    pid_t pid;
    int in, out, err; /* our ends; err is -1 when the child has ours */
} process;

/* The descriptor on which the child can read `text`, when there is one. */
enum { PROCESS_TEXT_FD = 3 };

void process_start(process *p, char *const argv[], const char *text, bool capture_err);
/* Waits for its end, which closing its input (or, with `terminate`, a SIGTERM) brings about; the
 * program ends unless the exit status is 0. Descriptors set to -1 are not closed. */
void process_end(process *p, bool terminate);

#endif
