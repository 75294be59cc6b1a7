/* config_fuzz.c: whatever the text, the check counts what it reports, a configuration is handed
 * out exactly when there is no error, and everything in it keeps to its bounds. */
#include <stdint.h>
#include <string.h>

#include "config.h"
#include "json.h"
#include "require.h"
#include "stdio_bus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *user, int is_warning, const char *path, const char *message) {
    REQUIRE(path[0] == '$' && message[0] != '\0');
    if (!is_warning)
        ++*(int *)user;
}

/* It is a line, and a message whose id compares as that of its answer. */
static void check_greeting(const sb_greeting *greeting) {
    sb_scan scan;
    size_t len = strlen(greeting->text);
    REQUIRE(!strchr(greeting->text, '\n') && !strchr(greeting->text, '\r'));
    REQUIRE(sb_json_scan(greeting->text, len, &scan) == SB_SCAN_OK);
    REQUIRE(scan.method.p && greeting->method && greeting->method[0]);
    REQUIRE((scan.id_kind != SB_ID_ABSENT) == (greeting->id != NULL));
    if (scan.id_kind == SB_ID_NUMBER)
        REQUIRE(strlen(greeting->id) == scan.id.len &&
                memcmp(greeting->id, scan.id.p, scan.id.len) == 0);
}

static void check_pool(const sb_config *config, const sb_pool_config *pool) {
    REQUIRE(pool->id && pool->id[0] && pool->command && pool->command[0]);
    REQUIRE(pool->args && pool->env && pool->instances >= 1);
    REQUIRE(!pool->cwd || pool->cwd[0] == '/');
    /* With a separator it is a file, and then it must not depend on where the host stands. */
    REQUIRE(!strchr(pool->command, '/') || pool->command[0] == '/');
    for (char **variable = pool->env; *variable; variable++)
        REQUIRE(strchr(*variable, '=') > *variable);
    for (size_t i = 0; i < pool->handshake_count; i++)
        check_greeting(&pool->handshake[i]);
    for (const sb_pool_config *other = config->pools; other < pool; other++)
        REQUIRE(strcmp(other->id, pool->id) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    sb_config config = {0};
    int reported = 0, reported_again = 0;
    int errors = sb_config_parse(text, size, "/base", &config, count, &reported);
    REQUIRE(errors == reported && (errors == 0) == (config.pool_count > 0));
    REQUIRE(stdio_bus_config_check(text, size, count, &reported_again) == errors);
    REQUIRE(reported_again == errors);
    for (size_t i = 0; i < config.pool_count; i++)
        check_pool(&config, &config.pools[i]);
    if (errors == 0)
        REQUIRE(config.limits.max_input_buffer > 0 && config.limits.max_output_queue > 0 &&
                config.limits.drain_timeout_sec > 0);
    sb_config_free(&config);
    return 0;
}
