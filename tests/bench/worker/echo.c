/* The worker of every benchmark: answers each request line with its params as the result.
 * Reads and writes as much as there is at once, so that the client is what gets measured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int speaks_mcp; /* --mcp: answers that client's handshake, too */

enum { CAPACITY = 1 << 20 };

static char input[CAPACITY], output[2 * CAPACITY];

/* Where the value of a top-level member begins; requests here are flat and known. */
static const char *value_of(const char *line, const char *key) {
    const char *at = strstr(line, key);
    return at ? at + strlen(key) : NULL;
}

static size_t answer(char *line, char *out) {
    const char *id = value_of(line, "\"id\":");
    const char *params = value_of(line, "\"params\":");
    if (!id)
        return 0; /* a notification */
    size_t id_length = *id == '"' ? strcspn(id + 1, "\"") + 2 : strcspn(id, ",}");
    if (speaks_mcp && strstr(line, "\"initialize\""))
        return (size_t)sprintf(out,
                               "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"protocolVersion\":\"2025-06-18\","
                               "\"capabilities\":{},\"serverInfo\":{\"name\":\"echo\",\"version\":\"1\"}}}\n",
                               (int)id_length, id);
    const char *close = params ? strchr(params, '}') : NULL;
    int params_length = close ? (int)(close - params) + 1 : 4;
    return (size_t)sprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%.*s}\n", (int)id_length, id,
                           params_length, close ? params : "null");
}

static void write_all(const char *data, size_t length) {
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, data, length);
        if (n <= 0)
            exit(1);
        data += n;
        length -= (size_t)n;
    }
}

int main(int argc, char **argv) {
    size_t held = 0;
    speaks_mcp = argc > 1 && strcmp(argv[1], "--mcp") == 0;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, input + held, sizeof input - held - 1);
        if (n <= 0)
            return 0;
        held += (size_t)n;
        size_t start = 0, written = 0;
        char *newline;
        while ((newline = memchr(input + start, '\n', held - start)) != NULL) {
            *newline = 0;
            written += answer(input + start, output + written);
            start = (size_t)(newline - input) + 1;
        }
        memmove(input, input + start, held - start);
        held -= start;
        write_all(output, written);
    }
}
