/* arguments_fuzz.c: whatever the command line, one lettered line a word, it is refused with a
 * sentence or understood completely. */
#include <stdint.h>
#include <string.h>

#include "arguments.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    char *words[MOST_WORDS + 2] = {(char *)"stdio_bus"};
    int count = 1;
    REQUIRE(text);
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *word = text; count <= MOST_WORDS && (size_t)(word - text) < size; count++) {
        words[count] = word;
        word += strcspn(word, "\n");
        *word++ = '\0';
    }
    sbd_arguments out;
    sbd_arguments_parse(count, words, &out);
    REQUIRE((out.action == SBD_ACTION_REFUSE) == (out.problem[0] != '\0'));
    REQUIRE(!strchr(out.problem, '\n'));
    if (out.action == SBD_ACTION_RUN || out.action == SBD_ACTION_CHECK) {
        REQUIRE((out.config_path != NULL) + (out.config_fd >= 0) + (out.host_fd >= 0) == 1);
        REQUIRE(out.host_fd < 0 || out.listener.mode != STDIO_BUS_LISTEN_NONE);
        REQUIRE(out.log_level >= STDIO_BUS_LOG_DEBUG && out.log_level <= STDIO_BUS_LOG_ERROR);
        if (out.listener.mode == STDIO_BUS_LISTEN_TCP)
            REQUIRE(out.listener.tcp_host && out.listener.tcp_host[0]);
        if (out.listener.mode == STDIO_BUS_LISTEN_UNIX)
            REQUIRE(out.listener.unix_path && out.listener.unix_path[0]);
    }
    if (out.action == SBD_ACTION_PING)
        REQUIRE(out.listener.tcp_host && out.listener.tcp_host[0]);
    free(text);
    return 0;
}
