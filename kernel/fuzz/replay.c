/* replay.c: a fuzz target over files instead of new inputs: its corpus is a test wherever the
 * kernel is built. Each argument is a file or a folder of files. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about) != 0) {
        perror(path);
        return -1;
    }
    /* Of exactly this size, so that a read beyond it is seen. */
    size_t size = (size_t)about.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        perror(path);
        return -1;
    }
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

/* How many files there were; negative after a failure. */
static int replay(const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return replay_file(path);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char inside[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        int more = replay(inside);
        if (more < 0) {
            closedir(folder);
            return more;
        }
        files += more;
    }
    closedir(folder);
    return files;
}

int main(int argc, char **argv) {
    int files = 0;
    for (int i = 1; i < argc; i++) {
        int more = replay(argv[i]);
        if (more < 0)
            return 1;
        files += more;
    }
    if (files == 0)
        fprintf(stderr, "no file was given\n");
    return files == 0;
}
