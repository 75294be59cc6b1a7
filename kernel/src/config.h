/* config.h: the configuration, parsed, checked and with defaults filled in. */
#ifndef SB_CONFIG_H
#define SB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stdio_bus.h"

/* One message of what a pool's workers are told first. */
typedef struct sb_greeting {
    char *text;   /* the whole message, a line */
    char *method; /* decoded */
    char *id;     /* in the form in which ids compare: a whole number, or a string in quotes without
                     escapes; NULL: a notification */
} sb_greeting;

typedef struct sb_pool_config {
    char *id;
    char *command; /* a path with a separator is absolute here; a bare name is for PATH */
    char **args;   /* NULL-terminated, without the command itself; never NULL */
    char **env;    /* NULL-terminated "KEY=value", laid over the host's environment; never NULL */
    bool inherit_env; /* false: env is all there is */
    char *cwd;        /* NULL: the host's; else absolute */
    int instances;
    bool standard;          /* envelope: false = "stdiobus", messages pass unchanged */
    bool capture_stderr;    /* false: "inherit" */
    sb_greeting *handshake; /* in order; NULL: none */
    size_t handshake_count;
} sb_pool_config;

typedef struct sb_limits {
    uint64_t max_input_buffer;         /* bytes, longest line; default 10 MiB */
    uint64_t max_output_queue;         /* bytes waiting for one receiver; default 40 MiB */
    uint32_t max_restarts;             /* within the window; 0: never restart; default 5 */
    uint32_t restart_window_sec;       /* default 60 */
    uint32_t drain_timeout_sec;        /* default 30; 0 means the default */
    uint32_t backpressure_timeout_sec; /* default 60 */
    uint64_t max_sessions;             /* default 65,536 */
    uint64_t max_pending;              /* default 65,536 */
    uint64_t max_pending_per_client;   /* of a socket client, not of the host; default 16,384 */
    uint32_t max_clients;              /* default 1,024 */
    uint32_t startup_timeout_sec;      /* until the handshake is over; default 30 */
} sb_limits;

typedef struct sb_config {
    sb_pool_config *pools;
    size_t pool_count;
    sb_limits limits;
} sb_config;

#define SB_CONFIG_MAX_BYTES (4u * 1024 * 1024)

/* Returns the number of errors, each reported with its JSON path; *out is only filled (and to
 * be freed) when it is 0. Relative paths are resolved against base_dir; NULL: the process's
 * current folder. report and out may be NULL. One leading byte order mark is skipped. */
int sb_config_parse(const char *json, size_t len, const char *base_dir, sb_config *out,
                    stdio_bus_config_report report, void *user);
/* The same from a file; relative paths are resolved against its folder. */
int sb_config_load(const char *path, sb_config *out, stdio_bus_config_report report, void *user);
void sb_config_free(sb_config *config);

#endif
