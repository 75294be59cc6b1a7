/* source.c: see source.h. */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/path.h"

typedef struct complaints {
    const char *name;
    bool warnings;
} complaints;

static void complain(void *user, int is_warning, const char *path, const char *message) {
    const complaints *c = user;
    if (is_warning && !c->warnings)
        return;
    fprintf(stderr, "stdio_bus: %s: %s%s: %s\n", c->name, is_warning ? "warning: " : "", path,
            message);
}

static bool fail(const sbd_source *source, int error) {
    fprintf(stderr, "stdio_bus: %s: %s\n", source->name, strerror(error));
    return false;
}

/* Up to the end of the file, but no more than one byte over what is allowed, which is for
 * the check to refuse. */
static bool read_all(FILE *file, sbd_source *out) {
    size_t cap = 64 * 1024;
    out->text = malloc(cap + 1);
    if (!out->text)
        return fail(out, ENOMEM);
    while (out->len <= SB_CONFIG_MAX_BYTES) {
        if (out->len == cap) {
            char *text = realloc(out->text, cap * 2 + 1);
            if (!text)
                return fail(out, ENOMEM);
            out->text = text;
            cap *= 2;
        }
        size_t n = fread(out->text + out->len, 1, cap - out->len, file);
        if (n == 0 && ferror(file))
            return fail(out, errno);
        if (n == 0)
            break;
        out->len += n;
    }
    out->text[out->len] = '\0';
    return true;
}

static bool open_and_read(const sbd_arguments *arguments, sbd_source *out) {
    FILE *file;
    struct stat st;
    if (arguments->config_path) {
        snprintf(out->name, sizeof out->name, "%s", arguments->config_path);
        file = sb_file_open(arguments->config_path);
    } else {
        snprintf(out->name, sizeof out->name, "descriptor %d", arguments->config_fd);
        file = fdopen(arguments->config_fd, "rb");
    }
    if (!file)
        return fail(out, errno);
    if (arguments->config_path && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode))
        out->path = arguments->config_path;
    bool ok = read_all(file, out);
    fclose(file);
    return ok;
}

bool sbd_source_read(const sbd_arguments *arguments, bool warnings, sbd_source *out) {
    memset(out, 0, sizeof *out);
    if (!open_and_read(arguments, out))
        return false;
    char *folder = out->path ? sb_path_folder(out->path) : NULL;
    complaints c = {out->name, warnings};
    sb_config config;
    int errors = sb_config_parse(out->text, out->len, folder, &config, complain, &c);
    free(folder);
    if (errors > 0)
        return false;
    out->limits = config.limits;
    out->pools = config.pool_count;
    for (size_t i = 0; i < config.pool_count; i++)
        out->workers += (size_t)config.pools[i].instances;
    sb_config_free(&config);
    return true;
}

void sbd_source_free(sbd_source *source) {
    free(source->text);
    source->text = NULL;
}
