/* embedded.c: a host with the library linked in. Each answer is checked in the callback, which
 * sends the next request. */
#include <stdio.h>
#include <stdlib.h>

#include "contestant.h"
#include "fail.h"
#include "stdio_bus.h"

typedef struct embedded {
    stdio_bus_t *bus;
    ledger book;
} embedded;

static void send_next(embedded *e) {
    if (!ledger_next(&e->book))
        return;
    const message *m = e->book.message;
    int code = stdio_bus_send(e->bus, NULL, m->request, m->request_len - 1);
    if (code != STDIO_BUS_OK)
        fail("stdio_bus_send: %s", stdio_bus_strerror(code));
}

static void on_message(stdio_bus_t *bus, const stdio_bus_message_t *message, void *user) {
    (void)bus;
    embedded *e = user;
    ledger_take(&e->book, message->data, message->len);
    send_next(e);
}

static void on_error(stdio_bus_t *bus, int code, const char *text, void *user) {
    (void)bus, (void)user;
    fail("the bus reports: %s (%s)", text, stdio_bus_strerror(code));
}

static void step(embedded *e) {
    int code = stdio_bus_step(e->bus, -1);
    if (code < 0)
        fail("stdio_bus_step: %s", stdio_bus_strerror(code));
}

void embedded_wait(const contestant *c) {
    step(c->self);
}

static void run(void *self, const traffic *t) {
    embedded *e = self;
    ledger_open(&e->book, t->message, t->count, t->sessions);
    for (size_t i = 0; i < t->in_flight; i++)
        send_next(e);
    while (e->book.answered < e->book.total)
        step(e);
    ledger_close(&e->book);
}

static void end(void *self) {
    embedded *e = self;
    stdio_bus_stop(e->bus, 0);
    while (stdio_bus_get_state(e->bus) != STDIO_BUS_STATE_STOPPED)
        step(e);
    stdio_bus_destroy(e->bus);
    free(e);
}

contestant embedded_open(const setting *s) {
    embedded *e = must_have(calloc(1, sizeof *e));
    char *config = setting_config(s);
    stdio_bus_options_t options = {
        .config_json = config, .on_error = on_error, .log_level = STDIO_BUS_LOG_ERROR};
    e->bus = must_have(stdio_bus_create(&options));
    free(config);
    stdio_bus_set_message_handler(e->bus, on_message, e);
    int code = stdio_bus_start(e->bus);
    if (code != STDIO_BUS_OK)
        fail("stdio_bus_start: %s", stdio_bus_strerror(code));
    return (contestant){.name = "embedded", .self = e, .run = run, .close = end};
}

char *setting_config(const setting *s) {
    static const char format[] =
        "{\"pools\":[{\"id\":\"echo\",\"command\":\"%s\",\"instances\":%d}]}";
    int len = snprintf(NULL, 0, format, s->worker, s->workers);
    char *config = must_have(malloc((size_t)len + 1));
    sprintf(config, format, s->worker, s->workers);
    return config;
}
