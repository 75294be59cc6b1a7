/* config_pool.c: what a pool of the configuration consists of. */
#include "config_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_handshake.h"
#include "os/path.h"

enum { MOST_INSTANCES = 4096 };

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
    {"handshake", false, sb_config_read_handshake},
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

void sb_config_read_pools(sb_check *check, const sb_place *place, const sb_value *value,
                          void *into) {
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
