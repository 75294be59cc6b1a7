/* source.h: where the daemon's configuration comes from, read once and checked. */
#ifndef SBD_SOURCE_H
#define SBD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "arguments.h"
#include "config.h"
#include "token.h"

typedef struct sbd_source {
    char *text; /* NUL-terminated */
    size_t len;
    char name[512];   /* for messages */
    const char *path; /* a regular file that can be read again; else NULL */
    sb_limits limits; /* of a valid configuration */
    size_t pools, workers;
} sbd_source;

/* Reads and checks it, and the access token where the host gives it along; one of the host's that
 * gives none stays as it is. False after saying on standard error, a line each, what is wrong.
 * warnings: whether to tell of those too. */
bool sbd_source_read(const sbd_arguments *arguments, bool warnings, sbd_token *token,
                     sbd_source *out);
void sbd_source_free(sbd_source *source);

#endif
