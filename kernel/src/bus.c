/* bus.c: a bus from create to destroy. */
#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "bus_entry.h"
#include "call.h"
#include "client.h"
#include "conn.h"
#include "guard.h"
#include "listener.h"
#include "pool.h"
#include "session.h"
#include "stop.h"
#include "waker.h"
#include "worker.h"
#include "worker_exit.h"

enum { REAP_MS = 5000 };

/* --- Create ------------------------------------------------------------------------------- */

typedef struct config_reporter {
    const stdio_bus_options_t *options;
} config_reporter;

static void report_config(void *user, int is_warning, const char *path, const char *message) {
    const stdio_bus_options_t *o = ((const config_reporter *)user)->options;
    char line[1024];
    snprintf(line, sizeof line, "configuration: %s: %s", path, message);
    if (is_warning && o->on_log && o->log_level <= STDIO_BUS_LOG_WARN)
        o->on_log(NULL, STDIO_BUS_LOG_WARN, line, o->user_data);
    if (!is_warning && o->on_error)
        o->on_error(NULL, STDIO_BUS_ERR_CONFIG, line, o->user_data);
}

static bool load_config(const stdio_bus_options_t *o, sb_config *config) {
    config_reporter reporter = {.options = o};
    if (!o->config_path == !o->config_json) {
        report_config(&reporter, 0, "$", "exactly one of config_path and config_json must be set");
        return false;
    }
    int errors = o->config_path ? sb_config_load(o->config_path, config, report_config, &reporter)
                                : sb_config_parse(o->config_json, strlen(o->config_json), NULL,
                                                  config, report_config, &reporter);
    return errors == 0;
}

static bool copy_text(char **to, const char *from) {
    if (!from)
        return true;
    *to = strdup(from);
    return *to != NULL;
}

static bool build(sb_bus *bus) {
    sb_link *lists[] = {&bus->clients,         &bus->graveyard,     &bus->idle_sessions,
                        &bus->backlog_workers, &bus->dirty_workers, &bus->backlog_clients,
                        &bus->dirty_clients,   &bus->lobby,         &bus->annotated};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        sb_list_init(lists[i]);
    bus->seed = sb_random();
    sb_conn_init(&bus->host, 0, NULL);
    sb_journal_set_floor(bus);
    bus->listener = SB_SOURCE_CLOSED;
    bus->next_client = 1;
    bus->timer_count = 3;
    sb_stop_init(bus);
    sb_listener_init(bus);
    sb_guard_init(bus);
    bus->waker = sb_waker_new();
    if (!bus->waker || sb_poller_open(&bus->poller) != 0 ||
        sb_poller_attach(bus->poller, &bus->waker->wake) != 0 ||
        !sb_timers_announce(&bus->timers, bus->timer_count) ||
        !copy_text(&bus->tcp_host, bus->options.listener.tcp_host) ||
        !copy_text(&bus->unix_path, bus->options.listener.unix_path))
        return false;
    /* Room for ids of usual length from the beginning: one that could not be brought into the form
     * that compares, for want of memory, might pass for another. */
    sb_text_put(&bus->id_key, "");
    bus->pools = calloc(bus->config.pool_count, sizeof *bus->pools);
    if (!bus->pools || bus->id_key.failed)
        return false;
    for (size_t i = 0; i < bus->config.pool_count; i++) {
        sb_pool *pool = &bus->pools[i];
        pool->bus = bus;
        pool->config = &bus->config.pools[i];
        pool->index = i;
        sb_list_init(&pool->held);
    }
    for (size_t i = 0; i < bus->config.pool_count; i++)
        for (int n = 0; n < bus->config.pools[i].instances; n++)
            if (!sb_worker_new(bus, &bus->pools[i]))
                return false;
    return true;
}

stdio_bus_t *stdio_bus_create(const stdio_bus_options_t *options) {
    if (!options)
        return NULL;
    sb_config config;
    if (!load_config(options, &config))
        return NULL;
    sb_bus *bus = calloc(1, sizeof *bus);
    if (!bus) {
        sb_config_free(&config);
        return NULL;
    }
    bus->options = *options;
    bus->config = config;
    if (!build(bus)) {
        if (options->on_error)
            options->on_error(NULL, STDIO_BUS_ERR, "no memory or descriptors left for a bus",
                              options->user_data);
        bus->options.on_worker = NULL;
        stdio_bus_destroy(bus);
        return NULL;
    }
    /* The strings of the options belong to the caller and are not kept. */
    bus->options.config_path = bus->options.config_json = NULL;
    bus->options.listener.tcp_host = bus->tcp_host;
    bus->options.listener.unix_path = bus->unix_path;
    return bus;
}

/* --- Start --------------------------------------------------------------------------------- */

static int start_failed(sb_bus *bus, int code) {
    sb_stop_now(bus);
    sb_bus_leave(bus);
    return code;
}

int stdio_bus_start(stdio_bus_t *bus) {
    if (!bus)
        return STDIO_BUS_EINVAL;
    if (bus->state != STDIO_BUS_STATE_CREATED)
        return STDIO_BUS_ERR_STATE;
    sb_bus_enter(bus);
    bus->state = STDIO_BUS_STATE_STARTING;
    if (!sb_listener_open(bus))
        return start_failed(bus, STDIO_BUS_ERR);
    for (size_t i = 0; i < bus->worker_count && bus->state == STDIO_BUS_STATE_STARTING; i++) {
        sb_worker *w = bus->workers[i];
        if (sb_worker_start(w) != STDIO_BUS_OK) {
            sb_report(bus, STDIO_BUS_ERR_WORKER, "pool '%s': %s", w->pool->config->id, w->reason);
            return start_failed(bus, STDIO_BUS_ERR_WORKER);
        }
    }
    if (bus->state == STDIO_BUS_STATE_STARTING) {
        bus->state = STDIO_BUS_STATE_RUNNING;
        sb_listener_accept_more(bus);
        sb_log(bus, STDIO_BUS_LOG_INFO, "running: %zu workers in %zu pools", bus->worker_count,
               bus->config.pool_count);
    }
    sb_bus_leave(bus);
    return STDIO_BUS_OK;
}

/* --- Destroy ------------------------------------------------------------------------------- */

static void kill_workers(sb_bus *bus) {
    for (size_t i = 0; i < bus->worker_count; i++)
        sb_child_kill(&bus->workers[i]->child);
    for (size_t i = 0; i < bus->worker_count; i++) {
        sb_exit ignored;
        int64_t group = bus->workers[i]->child.pid;
        sb_child_wait(&bus->workers[i]->child, REAP_MS);
        sb_child_reap(bus->poller, &bus->workers[i]->child, &ignored);
        sb_guard_remove(bus, group);
    }
    sb_guard_end(bus);
}

/* Ends everything at once: for a start that failed and for destroy. */
void sb_stop_now(sb_bus *bus) {
    bus->state = STDIO_BUS_STATE_STOPPING;
    bus->phase = SB_STOP_FLUSH;
    sb_listener_close(bus);
    kill_workers(bus);
    for (size_t i = 0; i < bus->worker_count; i++) {
        sb_worker *w = bus->workers[i];
        bool ran = w->state != STDIO_BUS_WORKER_STOPPED && w->state != STDIO_BUS_WORKER_FAILED;
        w->state = STDIO_BUS_WORKER_STOPPED;
        snprintf(w->reason, sizeof w->reason, "the bus was closed");
        sb_worker_close_streams(w);
        sb_worker_settle_calls(w);
        if (ran)
            sb_worker_event(w, "stopped");
    }
    for (size_t i = 0; bus->pools && i < bus->config.pool_count; i++) {
        sb_fault fault = {.code = SB_SHUTTING_DOWN,
                          .message = "Shutting down",
                          .pool = &bus->pools[i],
                          .worker = -1,
                          .reason = "the bus was closed"};
        sb_pool_fail_held(&bus->pools[i], &fault);
    }
    sb_bus_flush(bus);
    sb_clients_close(bus, "the bus was closed");
    bus->state = STDIO_BUS_STATE_STOPPED;
    bus->ended = true;
}

void stdio_bus_destroy(stdio_bus_t *bus) {
    if (!bus)
        return;
    sb_bus_enter(bus);
    if (bus->poller)
        sb_stop_now(bus);
    sb_bus_leave(bus);
    sb_sessions_free(bus);
    sb_calls_free(bus);
    sb_conn_free(bus, &bus->host);
    for (size_t i = 0; i < bus->worker_count; i++)
        sb_worker_free(bus->workers[i]);
    free(bus->workers);
    for (size_t i = 0; bus->pools && i < bus->config.pool_count; i++)
        for (int o = 0; o < SB_ORDERS; o++)
            free(bus->pools[i].order[o]);
    free(bus->pools);
    sb_table_free(&bus->client_table);
    sb_timers_free(&bus->timers);
    sb_text_free(&bus->message);
    sb_text_free(&bus->name);
    sb_text_free(&bus->id_key);
    sb_journal_free(bus);
    sb_guard_free(bus);
    sb_config_free(&bus->config);
    free(bus->tcp_host);
    free(bus->unix_path);
    sb_access_forget(bus);
    sb_poller_close(bus->poller);
    stdio_bus_waker_release(bus->waker);
    free(bus);
}
