// failing_memory.cc: allocations that fail on demand. The linker sends the calls of the kernel
// here.
#include <cstdlib>

#include "simulated_os.h"

namespace {

size_t left, failing;

// Whether the allocation that is asked for now is to fail.
bool Fails() {
    if (left > 0)
        left--;
    if (left > 0 || failing == 0)
        return false;
    failing--;
    return true;
}

} // namespace

void simulated_os::FailAllocations(size_t nth, size_t count) {
    left = nth;
    failing = count;
}

extern "C" {

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size) {
    return Fails() ? nullptr : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    return Fails() ? nullptr : __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
    return Fails() ? nullptr : __real_realloc(block, size);
}

} // extern "C"
