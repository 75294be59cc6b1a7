/* config.c: what a configuration consists of, with its ranges and defaults. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "os/path.h"

#define MIB            ((uint64_t)1024 * 1024)
#define MOST_INSTANCES 4096u
#define MOST_SECONDS   86400u /* a day */
#define MOST_RESTARTS  1000000u
#define MOST_ENTRIES   100000000u
#define MOST_CLIENTS   1000000u
#define MOST_INPUT     ((uint64_t)INT32_MAX) /* what a host can hold in one buffer */
#define MOST_OUTPUT    (1024 * 1024 * MIB)

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
    .startup_timeout_sec = 10,
};

/* --- Pools -------------------------------------------------------------------------------- */

static void read_id(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    ((sb_pool_config *)into)->id = sb_check_string(check, place, value, false);
}

/* Replaces a relative path by an absolute one. */
static void resolve(sb_check *check, const sb_place *place, char **path) {
    char *absolute = sb_path_resolve(check->base_dir, *path);
    if (!absolute)
        sb_check_error(check, place, "the current folder cannot be determined");
    free(*path);
    *path = absolute;
}

static void read_command(sb_check *check, const sb_place *place, const sb_value *value,
                         void *into) {
    sb_pool_config *pool = into;
    pool->command = sb_check_string(check, place, value, false);
    if (pool->command && sb_path_has_separator(pool->command))
        resolve(check, place, &pool->command);
}

static void read_cwd(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_pool_config *pool = into;
    pool->cwd = sb_check_string(check, place, value, false);
    if (pool->cwd)
        resolve(check, place, &pool->cwd);
}

/* An array for the strings of all children and the NULL after them. */
static char **room_for(sb_check *check, const sb_place *place, const sb_value *parent) {
    size_t count = 0;
    for (const sb_value *child = parent->first; child; child = child->next)
        count++;
    char **list = calloc(count + 1, sizeof *list);
    if (!list)
        sb_check_error(check, place, "out of memory");
    return list;
}

static void read_args(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_pool_config *pool = into;
    if (!sb_check_type(check, place, value, SB_VALUE_ARRAY))
        return;
    pool->args = room_for(check, place, value);
    if (!pool->args)
        return;
    size_t index = 0, kept = 0;
    for (const sb_value *item = value->first; item; item = item->next, index++) {
        sb_place at = {place, NULL, 0, index};
        pool->args[kept] = sb_check_string(check, &at, item, true);
        if (pool->args[kept])
            kept++;
    }
}

static bool same_name(const char *entry, const char *key, size_t key_len) {
    return strncmp(entry, key, key_len) == 0 && entry[key_len] == '=';
}

static void read_env(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_pool_config *pool = into;
    if (!sb_check_type(check, place, value, SB_VALUE_OBJECT))
        return;
    pool->env = room_for(check, place, value);
    if (!pool->env)
        return;
    size_t kept = 0;
    for (const sb_value *item = value->first; item; item = item->next) {
        sb_place at = {place, item->key, item->key_len, 0};
        sb_value name = {.type = SB_VALUE_STRING, .text = item->key, .len = item->key_len};
        char *key = sb_check_string(check, &at, &name, false);
        char *text = sb_check_string(check, &at, item, true);
        if (key && strchr(key, '=')) {
            sb_check_error(check, &at, "the name of a variable must not contain '='");
        } else if (key && text) {
            size_t other = 0;
            while (other < kept && !same_name(pool->env[other], key, item->key_len))
                other++;
            if (other < kept) {
                sb_check_error(check, &at, "the key is given more than once");
            } else {
                size_t size = item->key_len + item->len + 2;
                pool->env[kept] = malloc(size);
                if (pool->env[kept])
                    snprintf(pool->env[kept++], size, "%s=%s", key, text);
                else
                    sb_check_error(check, &at, "out of memory");
            }
        }
        free(key);
        free(text);
    }
}

static void read_inherit_env(sb_check *check, const sb_place *place, const sb_value *value,
                             void *into) {
    if (sb_check_type(check, place, value, SB_VALUE_BOOL))
        ((sb_pool_config *)into)->inherit_env = value->boolean;
}

static void read_instances(sb_check *check, const sb_place *place, const sb_value *value,
                           void *into) {
    uint64_t number;
    if (sb_check_number(check, place, value, 1, MOST_INSTANCES, &number))
        ((sb_pool_config *)into)->instances = (int)number;
}

static void read_envelope(sb_check *check, const sb_place *place, const sb_value *value,
                          void *into) {
    static const char *const names[] = {"stdiobus", "standard", NULL};
    ((sb_pool_config *)into)->standard = sb_check_word(check, place, value, names) == 1;
}

static void read_stderr(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    static const char *const names[] = {"capture", "inherit", NULL};
    ((sb_pool_config *)into)->capture_stderr = sb_check_word(check, place, value, names) == 0;
}

/* dialect and default_method mean something to hosts only. */
static const sb_field pool_fields[] = {
    {"id", true, read_id},
    {"command", true, read_command},
    {"instances", true, read_instances},
    {"args", false, read_args},
    {"env", false, read_env},
    {"inherit_env", false, read_inherit_env},
    {"cwd", false, read_cwd},
    {"envelope", false, read_envelope},
    {"stderr", false, read_stderr},
    {"dialect", false, NULL},
    {"default_method", false, NULL},
};

/* So that whoever starts a worker needs no case of its own for absent members. */
static void give_empty_lists(sb_check *check, const sb_place *place, sb_pool_config *pool) {
    static const sb_value empty;
    if (!pool->args)
        pool->args = room_for(check, place, &empty);
    if (!pool->env)
        pool->env = room_for(check, place, &empty);
}

static void read_pools(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_config *config = into;
    if (!sb_check_type(check, place, value, SB_VALUE_ARRAY))
        return;
    size_t count = 0;
    for (const sb_value *item = value->first; item; item = item->next)
        count++;
    if (count == 0) {
        sb_check_error(check, place, "expected at least one pool");
        return;
    }
    config->pools = calloc(count, sizeof *config->pools);
    if (!config->pools) {
        sb_check_error(check, place, "out of memory");
        return;
    }
    config->pool_count = count;
    size_t index = 0;
    for (const sb_value *item = value->first; item; item = item->next, index++) {
        sb_place at = {place, NULL, 0, index};
        sb_pool_config *pool = &config->pools[index];
        pool->capture_stderr = true;
        pool->inherit_env = true;
        sb_check_object(check, &at, item, pool_fields, sizeof pool_fields / sizeof *pool_fields,
                        pool);
        give_empty_lists(check, &at, pool);
        for (size_t other = 0; pool->id && other < index; other++) {
            if (config->pools[other].id && strcmp(config->pools[other].id, pool->id) == 0) {
                sb_place id = {&at, "id", 2, 0};
                sb_excerpt excerpt;
                sb_check_error(check, &id, "%s is the id of pool %zu already; ids must be unique",
                               sb_excerpt_of(&excerpt, pool->id, strlen(pool->id)), other);
                break;
            }
        }
    }
}

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
    {"pools", true, read_pools},
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
    }
    free(config->pools);
    config->pools = NULL;
    config->pool_count = 0;
}

int stdio_bus_config_check(const char *json, size_t len, stdio_bus_config_report report,
                           void *user) {
    return sb_config_parse(json, len, NULL, NULL, report, user);
}
