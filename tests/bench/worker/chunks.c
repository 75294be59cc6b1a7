/* The worker of the stream benchmarks. A request {"count":N} is answered with N chunks, one write
 * each, as fast as the pipe takes them, then a result. A chunk's text is the moment of its writing
 * in seconds of the monotonic clock. With "pause":1 each chunk waits for a line on stdin, so that
 * nothing else is under way when it is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_all(const char *data, size_t length) {
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, data, length);
        if (n <= 0)
            exit(1);
        data += n;
        length -= (size_t)n;
    }
}

static void write_chunk(void) {
    char line[512];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = sprintf(
        line,
        "{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"s\",\"update\":{"
        "\"sessionUpdate\":\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"%lld.%09ld\"}}}}\n",
        (long long)now.tv_sec, now.tv_nsec);
    write_all(line, (size_t)length);
}

static long number_of(const char *line, const char *key) {
    const char *at = strstr(line, key);
    return at ? atol(at + strlen(key)) : 0;
}

int main(void) {
    static char line[4096], ignored[4096];
    while (fgets(line, sizeof line, stdin)) {
        const char *id = strstr(line, "\"id\":");
        if (!id)
            continue; /* a notification: a cancellation */
        id += 5;
        int id_length = (int)(*id == '"' ? strcspn(id + 1, "\"") + 2 : strcspn(id, ",}"));
        int pause = number_of(line, "\"pause\":") != 0;
        for (long n = number_of(line, "\"count\":"); n > 0; n--) {
            if (pause && !fgets(ignored, sizeof ignored, stdin))
                return 1;
            write_chunk();
        }
        char result[256];
        write_all(result, (size_t)snprintf(result, sizeof result,
                                           "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{}}\n", id_length, id));
    }
    return 0;
}
