/* darwin_path.c: where the running program lies. */
#include <mach-o/dyld.h>
#include <stdint.h>
#include <stdlib.h>

#include "os/path.h"

char *sb_path_executable(void) {
    uint32_t size = 0;
    _NSGetExecutablePath(NULL, &size); /* fails, and says how much room it takes */
    char *path = malloc(size);
    char *real = path && _NSGetExecutablePath(path, &size) == 0 ? realpath(path, NULL) : NULL;
    free(path);
    return real;
}
