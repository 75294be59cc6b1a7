/* config_fuzz.c: whatever the text, the check counts what it reports, and a configuration is
 * handed out exactly when there is no error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *user, int is_warning, const char *path, const char *message) {
    if (path[0] != '$' || message[0] == '\0')
        abort();
    if (!is_warning)
        ++*(int *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sb_config config = {0};
    int reported = 0;
    int errors = sb_config_parse((const char *)data, size, "/base", &config, count, &reported);
    if (errors != reported || (errors == 0) != (config.pool_count > 0))
        abort();
    for (size_t i = 0; i < config.pool_count; i++) {
        const sb_pool_config *pool = &config.pools[i];
        if (!pool->id || !pool->command || !pool->args || !pool->env || pool->instances < 1 ||
            (pool->cwd && pool->cwd[0] != '/'))
            abort();
    }
    sb_config_free(&config);
    return 0;
}
