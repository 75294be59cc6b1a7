/* linux_path.c: where the running program lies. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "os/path.h"

char *sb_path_executable(void) {
    for (size_t size = 256; size <= 1024 * 1024; size *= 2) {
        char *path = malloc(size);
        if (!path)
            return NULL;
        ssize_t len = readlink("/proc/self/exe", path, size);
        if (len > 0 && (size_t)len < size) {
            path[len] = '\0';
            return path;
        }
        free(path);
        if (len <= 0)
            return NULL;
    }
    return NULL;
}
