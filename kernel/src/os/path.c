/* path.c: what paths of every form have in common. */
#include "path.h"

#include <stdlib.h>
#include <string.h>

char *sb_path_join(const char *folder, size_t folder_len, char separator, const char *path) {
    size_t between = separator ? 1 : 0;
    size_t path_len = strlen(path);
    char *joined = malloc(folder_len + between + path_len + 1);
    if (!joined)
        return NULL;
    memcpy(joined, folder, folder_len);
    joined[folder_len] = separator;
    memcpy(joined + folder_len + between, path, path_len + 1);
    return joined;
}
