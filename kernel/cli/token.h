/* token.h: the access token, out of its file or from the host. */
#ifndef SBD_TOKEN_H
#define SBD_TOKEN_H

#include <stdbool.h>

#include "stdio_bus.h"

typedef struct sbd_token {
    char text[STDIO_BUS_ACCESS_TOKEN_MAX +
              3]; /* room for a line break and to see that there is more */
} sbd_token;

/* Takes the first line of a text. On failure says why on standard error; `option`, `value`: whence
 * it is. */
bool sbd_token_take(const char *option, const char *value, const char *text, sbd_token *out);
/* Reads the first line of the file. On failure says why on standard error. */
bool sbd_token_read(const char *path, sbd_token *out);

#endif
