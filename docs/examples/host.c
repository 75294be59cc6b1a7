/* host.c: a program with a bus inside. It starts two workers, sends one request, prints the answer
 * and stops.
 *
 *   cc -I kernel/include docs/examples/host.c libstdio_bus.a -o host
 *   ./host MY-SERVER tools/list
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stdio_bus.h"

enum { COOKIE = 1 };

static void on_message(stdio_bus_t *bus, const stdio_bus_message_t *message, void *user) {
    (void)bus;
    if (message->kind != STDIO_BUS_RESPONSE || message->cookie != COOKIE)
        return; /* what else workers send: notifications, requests of their own */
    printf("%.*s\n", (int)message->len, message->data);
    *(int *)user = 1;
}

static void on_error(stdio_bus_t *bus, int code, const char *text, void *user) {
    (void)bus, (void)user;
    fprintf(stderr, "%s: %s\n", stdio_bus_strerror(code), text);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: host COMMAND METHOD\n");
        return 2;
    }
    char config[1024], request[1024];
    snprintf(config, sizeof config,
             "{\"pools\":[{\"id\":\"workers\",\"command\":\"%s\",\"instances\":2}]}", argv[1]);
    snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", argv[2]);

    int answered = 0;
    stdio_bus_options_t options = {.config_json = config, .on_error = on_error};
    stdio_bus_t *bus = stdio_bus_create(&options);
    if (!bus)
        return 1;
    stdio_bus_set_message_handler(bus, on_message, &answered);

    int code = stdio_bus_start(bus);
    if (code == STDIO_BUS_OK) {
        stdio_bus_route_t route = {.size = sizeof route, .worker_id = -1, .cookie = COOKIE};
        code = stdio_bus_send(bus, &route, request, strlen(request));
    }
    /* Whatever happens to the worker, the request is answered: at worst with an error. */
    while (code == STDIO_BUS_OK && !answered)
        if (stdio_bus_step(bus, -1) < 0)
            break;

    stdio_bus_stop(bus, 5);
    while (stdio_bus_get_state(bus) != STDIO_BUS_STATE_STOPPED)
        stdio_bus_step(bus, -1);
    stdio_bus_destroy(bus);
    return answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
