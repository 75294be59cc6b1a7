/* source.c: see source.h. */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Whether a text has this many lines to their ends. */
static bool has_lines(const char *text, size_t len, int lines) {
    for (const char *end = text; lines > 0; lines--, end++)
        if (!(end = memchr(end, '\n', len - (size_t)(end - text))))
            return false;
    return true;
}

/* Up to the end of the descriptor, or of so many lines when they are not 0, but no more than one
 * byte over what is allowed, which is for the check to refuse. */
static bool read_all(int fd, int lines, sbd_source *out) {
    size_t cap = 64 * 1024;
    size_t most = SB_CONFIG_MAX_BYTES + (lines ? sizeof(sbd_token) : 0);
    out->text = malloc(cap + 1);
    if (!out->text)
        return fail(out, ENOMEM);
    while (out->len <= most && !(lines && has_lines(out->text, out->len, lines))) {
        if (out->len == cap) {
            char *text = realloc(out->text, cap * 2 + 1);
            if (!text)
                return fail(out, ENOMEM);
            out->text = text;
            cap *= 2;
        }
        /* An unsigned is what Windows takes; the text is smaller. */
        ssize_t n = read(fd, out->text + out->len, (unsigned)(cap - out->len));
        if (n == 0)
            break;
        if (n > 0)
            out->len += (size_t)n;
        else if (errno != EINTR)
            return fail(out, errno);
    }
    out->text[out->len] = '\0';
    return true;
}

static bool open_and_read(const sbd_arguments *arguments, sbd_source *out) {
    struct stat st;
    if (!arguments->config_path) {
        snprintf(out->name, sizeof out->name, "descriptor %d", arguments->config_fd);
        bool ok = read_all(arguments->config_fd, 0, out);
        close(arguments->config_fd);
        return ok;
    }
    snprintf(out->name, sizeof out->name, "%s", arguments->config_path);
    FILE *file = sb_file_open(arguments->config_path);
    if (!file)
        return fail(out, errno);
    if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode))
        out->path = arguments->config_path;
    bool ok = read_all(fileno(file), 0, out);
    fclose(file);
    return ok;
}

/* Takes the first line, the token, off the text. The descriptor stays open: its end is the host's.
 */
static bool read_host(int fd, sbd_token *token, sbd_source *out) {
    char number[12];
    snprintf(number, sizeof number, "%d", fd);
    snprintf(out->name, sizeof out->name, "descriptor %d", fd);
    if (!read_all(fd, 2, out))
        return false;
    if (!has_lines(out->text, out->len, 2)) {
        fprintf(stderr,
                "stdio_bus: %s: expected two lines, the access token and the configuration\n",
                out->name);
        return false;
    }
    size_t line = strcspn(out->text, "\n");
    if (line > 0 && !sbd_token_take("--host-fd", number, out->text, token))
        return false;
    out->len -= line + 1;
    memmove(out->text, out->text + line + 1, out->len + 1);
    return true;
}

bool sbd_source_read(const sbd_arguments *arguments, bool warnings, sbd_token *token,
                     sbd_source *out) {
    memset(out, 0, sizeof *out);
    if (!(arguments->host_fd >= 0 ? read_host(arguments->host_fd, token, out)
                                  : open_and_read(arguments, out)))
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
