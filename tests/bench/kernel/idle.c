/* idle.c: an idle bus does not wake up. A thread that waits in one system call makes no context
 * switch, so the counters of /proc tell. Every bus has served requests and then waits, with its
 * workers and a client that stays connected. */
#include "idle.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

enum { BUSES = 4, REQUESTS = 1000 };

typedef struct switches {
    long voluntary, involuntary;
} switches;

static switches count_switches(int pid) {
    char path[64], line[256];
    switches found = {-1, -1};
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_errno(path);
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "voluntary_ctxt_switches: %ld", &found.voluntary);
        sscanf(line, "nonvoluntary_ctxt_switches: %ld", &found.involuntary);
    }
    fclose(file);
    if (found.voluntary < 0 || found.involuntary < 0)
        fail("%s has no counters of context switches", path);
    return found;
}

/* A process of its own with an embedded bus, as this one has other things to wait for. */
static pid_t start_embedded(const setting *with, const traffic *t) {
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        fail_errno("pipe");
    pid_t pid = fork();
    if (pid < 0)
        fail_errno("fork");
    if (pid == 0) {
        contestant c = embedded_open(with);
        c.run(c.self, t);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            embedded_wait(&c);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        fail("the embedded host did not get ready");
    close(ready[0]);
    return pid;
}

static void end_embedded(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void sleep_seconds(int seconds) {
    struct timespec left = {.tv_sec = seconds};
    while (nanosleep(&left, &left) != 0)
        continue;
}

void idle_run(const setting *with, bool quick) {
    int seconds = quick ? 2 : 10;
    setting s = *with;
    s.workers = 2;
    s.clients = 1;
    message m;
    message_make(&m, 100, false);
    traffic t = {.message = &m, .count = REQUESTS, .in_flight = 16};

    pid_t host = start_embedded(&s, &t);
    contestant daemons[] = {daemon_stdio_open(&s), daemon_unix_open(&s), daemon_tcp_open(&s)};
    const char *names[BUSES] = {"embedded"};
    int pids[BUSES] = {host};
    for (int i = 1; i < BUSES; i++) {
        contestant *c = &daemons[i - 1];
        c->run(c->self, &t);
        names[i] = c->name;
        pids[i] = c->pid;
    }
    sleep_seconds(1); /* for what is still to be done after the last answer */
    switches before[BUSES];
    for (int i = 0; i < BUSES; i++)
        before[i] = count_switches(pids[i]);
    sleep_seconds(seconds);
    bool awake = false;
    printf("wake-ups of an idle bus in %d s\n", seconds);
    for (int i = 0; i < BUSES; i++) {
        switches now = count_switches(pids[i]);
        long count = now.voluntary - before[i].voluntary + now.involuntary - before[i].involuntary;
        printf("  %-16s%10ld       = 0%s\n", names[i], count, count ? "   missed" : "");
        awake = awake || count;
    }
    putchar('\n');
    end_embedded(host);
    for (int i = 1; i < BUSES; i++)
        contestant_close(&daemons[i - 1]);
    message_free(&m);
    if (awake)
        fail("an idle bus has woken up");
}
