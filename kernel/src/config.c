/* config.c: the whole of a configuration, and its limits with their ranges and defaults. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "config_handshake.h"
#include "config_pool.h"
#include "os/path.h"

#define MIB           ((uint64_t)1024 * 1024)
#define MOST_SECONDS  86400u /* a day */
#define MOST_RESTARTS 1000000u
#define MOST_ENTRIES  100000000u
#define MOST_CLIENTS  1000000u
#define MOST_INPUT    ((uint64_t)INT32_MAX) /* what a host can hold in one buffer */
#define MOST_OUTPUT   (1024 * 1024 * MIB)

static const sb_limits default_limits = {
    .max_input_buffer = 10 * MIB,
    .max_output_queue = 40 * MIB,
    .max_restarts = 5,
    .restart_window_sec = 60,
    .drain_timeout_sec = 30,
    .backpressure_timeout_sec = 60,
    .max_sessions = 65536,
    .max_pending = 65536,
    .max_pending_per_client = 16384,
    .max_clients = 1024,
    .startup_timeout_sec = 30,
};

/* --- Limits and transport ----------------------------------------------------------------- */

static void read_size(sb_check *check, const sb_place *place, const sb_value *value, uint64_t max,
                      uint64_t *into) {
    sb_check_number(check, place, value, 1, max, into);
}

static void read_count(sb_check *check, const sb_place *place, const sb_value *value, uint64_t min,
                       uint64_t max, uint32_t *into) {
    uint64_t number;
    if (sb_check_number(check, place, value, min, max, &number))
        *into = (uint32_t)number;
}

#define LIMIT(name, call)                                                                  \
    static void read_##name(sb_check *check, const sb_place *place, const sb_value *value, \
                            void *into) {                                                  \
        sb_limits *limits = into;                                                          \
        call;                                                                              \
    }
LIMIT(max_input_buffer, read_size(check, place, value, MOST_INPUT, &limits->max_input_buffer))
LIMIT(max_output_queue, read_size(check, place, value, MOST_OUTPUT, &limits->max_output_queue))
LIMIT(max_restarts, read_count(check, place, value, 0, MOST_RESTARTS, &limits->max_restarts))
LIMIT(restart_window_sec,
      read_count(check, place, value, 1, MOST_SECONDS, &limits->restart_window_sec))
LIMIT(drain_timeout_sec,
      read_count(check, place, value, 0, MOST_SECONDS, &limits->drain_timeout_sec))
LIMIT(backpressure_timeout_sec,
      read_count(check, place, value, 1, MOST_SECONDS, &limits->backpressure_timeout_sec))
LIMIT(max_sessions, read_size(check, place, value, MOST_ENTRIES, &limits->max_sessions))
LIMIT(max_pending, read_size(check, place, value, MOST_ENTRIES, &limits->max_pending))
LIMIT(max_pending_per_client,
      read_size(check, place, value, MOST_ENTRIES, &limits->max_pending_per_client))
LIMIT(max_clients, read_count(check, place, value, 1, MOST_CLIENTS, &limits->max_clients))
LIMIT(startup_timeout_sec,
      read_count(check, place, value, 1, MOST_SECONDS, &limits->startup_timeout_sec))
#undef LIMIT

static const sb_field limit_fields[] = {
    {"max_input_buffer", false, read_max_input_buffer},
    {"max_output_queue", false, read_max_output_queue},
    {"max_restarts", false, read_max_restarts},
    {"restart_window_sec", false, read_restart_window_sec},
    {"drain_timeout_sec", false, read_drain_timeout_sec},
    {"backpressure_timeout_sec", false, read_backpressure_timeout_sec},
    {"max_sessions", false, read_max_sessions},
    {"max_pending", false, read_max_pending},
    {"max_pending_per_client", false, read_max_pending_per_client},
    {"max_clients", false, read_max_clients},
    {"startup_timeout_sec", false, read_startup_timeout_sec},
};

static void read_limits(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_limits *limits = &((sb_config *)into)->limits;
    sb_check_object(check, place, value, limit_fields, sizeof limit_fields / sizeof *limit_fields,
                    limits);
    if (limits->drain_timeout_sec == 0)
        limits->drain_timeout_sec = default_limits.drain_timeout_sec;
}

static void read_framing(sb_check *check, const sb_place *place, const sb_value *value,
                         void *into) {
    static const char *const names[] = {"ndjson", NULL};
    (void)into;
    sb_check_word(check, place, value, names);
}

static void read_protocol(sb_check *check, const sb_place *place, const sb_value *value,
                          void *into) {
    static const char *const names[] = {"json", NULL};
    (void)into;
    sb_check_word(check, place, value, names);
}

static const sb_field transport_fields[] = {
    {"framing", false, read_framing},
    {"protocol", false, read_protocol},
};

static void read_transport(sb_check *check, const sb_place *place, const sb_value *value,
                           void *into) {
    sb_check_object(check, place, value, transport_fields,
                    sizeof transport_fields / sizeof *transport_fields, into);
}

static const sb_field root_fields[] = {
    {"pools", true, sb_config_read_pools},
    {"limits", false, read_limits},
    {"transport", false, read_transport},
};

/* --- The whole ---------------------------------------------------------------------------- */

static const sb_place root;

static void report_syntax(sb_check *check, const char *json, size_t at, const char *text) {
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < at; i++) {
        if (json[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    sb_check_error(check, &root, "not valid JSON at line %zu, column %zu: %s", line,
                   at - line_start + 1, text);
}

int sb_config_parse(const char *json, size_t len, const char *base_dir, sb_config *out,
                    stdio_bus_config_report report, void *user) {
    sb_check check = {report, user, base_dir, 0};
    sb_value_tree tree;
    size_t error_at;
    const char *error_text;
    if (len > SB_CONFIG_MAX_BYTES) {
        sb_check_error(&check, &root, "longer than the %u bytes that are allowed",
                       SB_CONFIG_MAX_BYTES);
        return check.errors;
    }
    if (len >= 3 && memcmp(json, "\xEF\xBB\xBF", 3) == 0) {
        json += 3;
        len -= 3;
    }
    if (!sb_value_parse(json, len, &tree, &error_at, &error_text)) {
        report_syntax(&check, json, error_at, error_text);
        return check.errors;
    }
    sb_config config = {NULL, 0, default_limits};
    sb_check_object(&check, &root, tree.root, root_fields, sizeof root_fields / sizeof *root_fields,
                    &config);
    sb_value_free(&tree);
    if (check.errors == 0 && out)
        *out = config;
    else
        sb_config_free(&config);
    return check.errors;
}

/* Reads at most one byte more than a configuration may have. NULL (and an error) on failure. */
static char *read_file(sb_check *check, const char *path, size_t *len) {
    FILE *file = sb_file_open(path);
    if (!file) {
        sb_check_error(check, &root, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(SB_CONFIG_MAX_BYTES + 1);
    if (!text)
        sb_check_error(check, &root, "out of memory");
    else
        *len = fread(text, 1, SB_CONFIG_MAX_BYTES + 1, file);
    if (text && ferror(file)) {
        sb_check_error(check, &root, "%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

int sb_config_load(const char *path, sb_config *out, stdio_bus_config_report report, void *user) {
    sb_check check = {report, user, NULL, 0};
    size_t len = 0;
    char *text = read_file(&check, path, &len);
    if (!text)
        return check.errors;
    char *folder = sb_path_folder(path);
    if (folder)
        check.errors = sb_config_parse(text, len, folder, out, report, user);
    else
        sb_check_error(&check, &root, "%s: its folder cannot be determined", path);
    free(folder);
    free(text);
    return check.errors;
}

static void free_list(char **list) {
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void sb_config_free(sb_config *config) {
    for (size_t i = 0; i < config->pool_count; i++) {
        sb_pool_config *pool = &config->pools[i];
        free(pool->id);
        free(pool->command);
        free(pool->cwd);
        free_list(pool->args);
        free_list(pool->env);
        sb_config_free_handshake(pool);
    }
    free(config->pools);
    config->pools = NULL;
    config->pool_count = 0;
}

int stdio_bus_config_check(const char *json, size_t len, stdio_bus_config_report report,
                           void *user) {
    return sb_config_parse(json, len, NULL, NULL, report, user);
}
