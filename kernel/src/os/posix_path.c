/* posix_path.c: paths with slashes. Purely textual: symbolic links stay as they are. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/path.h"

bool sb_path_is_absolute(const char *path) {
    return path[0] == '/';
}

bool sb_path_has_separator(const char *path) {
    return strchr(path, '/') != NULL;
}

static char *current_folder(void) {
    for (size_t size = 256;; size *= 2) {
        char *buf = malloc(size);
        if (!buf)
            return NULL;
        if (getcwd(buf, size))
            return buf;
        free(buf);
        if (size > 1024 * 1024)
            return NULL;
    }
}

char *sb_path_resolve(const char *base, const char *path) {
    if (sb_path_is_absolute(path))
        return strdup(path);
    char *current = base ? NULL : current_folder();
    const char *folder = base ? base : current;
    if (!folder)
        return NULL;
    size_t len = strlen(folder);
    char *joined = sb_path_join(folder, len, len > 0 && folder[len - 1] != '/' ? '/' : '\0', path);
    free(current);
    return joined;
}

char *sb_path_folder(const char *path) {
    char *folder = sb_path_resolve(NULL, path);
    if (!folder)
        return NULL;
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash++;
    *slash = '\0';
    return folder;
}

FILE *sb_file_open(const char *path) {
    return fopen(path, "rbe");
}
