#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("kernel-bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void fail_errno(const char *what) {
    fail("%s: %s", what, strerror(errno));
}

void *must_have(void *memory) {
    if (!memory)
        fail("out of memory");
    return memory;
}
