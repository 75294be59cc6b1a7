/* plain.c: a host program: plain GUARD CONFIG. Runs a bus with that configuration (JSON text) under
 * that guard ("" for none), hands it the lines of standard input, prints what the bus hands over,
 * logs to standard error, and stops at the end of its input. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stdio_bus.h"

static void on_message(stdio_bus_t *bus, const char *text, size_t len, void *user) {
    (void)bus, (void)user;
    fwrite(text, 1, len, stdout);
    putchar('\n');
    fflush(stdout);
}

static void on_log(stdio_bus_t *bus, int level, const char *text, void *user) {
    (void)bus, (void)level, (void)user;
    fprintf(stderr, "%s\n", text);
}

/* False at the end of the input. */
static int take_input(stdio_bus_t *bus) {
    static char input[65536];
    static size_t len;
    ssize_t n = read(STDIN_FILENO, input + len, sizeof input - len);
    if (n <= 0)
        return 0;
    len += (size_t)n;
    for (char *newline; (newline = memchr(input, '\n', len)) != NULL;) {
        size_t line = (size_t)(newline + 1 - input);
        stdio_bus_ingest(bus, input, line - 1);
        len -= line;
        memmove(input, newline + 1, len);
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    stdio_bus_options_t options = {
        .config_json = argv[2], .on_message = on_message, .on_log = on_log};
    stdio_bus_t *bus = stdio_bus_create(&options);
    if (!bus || stdio_bus_set_guard(bus, argv[1][0] ? argv[1] : NULL) != STDIO_BUS_OK ||
        stdio_bus_start(bus) != STDIO_BUS_OK)
        return 1;
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = stdio_bus_get_poll_fd(bus), .events = POLLIN}};
    while (stdio_bus_get_state(bus) != STDIO_BUS_STATE_STOPPED) {
        poll(fds, 2, -1);
        if (fds[0].fd >= 0 && fds[0].revents && !take_input(bus)) {
            stdio_bus_stop(bus, 10);
            fds[0].fd = -1;
        }
        stdio_bus_step(bus, 0);
    }
    stdio_bus_destroy(bus);
    return 0;
}
