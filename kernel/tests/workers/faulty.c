/* faulty.c: a worker that misbehaves when its messages say so.
 *
 * Every request carries a number of its own, params.n, and is answered with that number. What else
 * happens on the way is told by params.do, see `manners` below. What the worker itself must never
 * see (a damaged message, an answer that is another's) is appended to the file that the variable
 * FAULTY_COMPLAINTS names.
 *   --standard   its pool takes the envelope off: no message may have a member "pool"
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "message.h"

enum {
    LIFETIME = 900, /* seconds; nothing that a failed test left behind lives longer */
    MOST_HELD = 8,
    HELD_MS = 20,
    DEAF_MS = 250,
    SHUT_MS = 2000,
    SLOW_MS = 1,
    FLOOD_LINES = 300
};

typedef struct request {
    span id;
    char *params;
    long long number;
    long back; /* bytes of padding in the answer */
} request;

static bool standard;
static text held[MOST_HELD]; /* answers kept back */
static size_t held_count;
static struct timespec held_since;
static long long asked_number[64]; /* by the id under which it was asked; 0: answered */
static text asked_answer[64];
static long next_ask = 1;

static void complain(const char *what, const char *line) {
    const char *path = getenv("FAULTY_COMPLAINTS");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    char report[512];
    int len = snprintf(report, sizeof report, "%s: %.300s\n", what, line);
    if (fd < 0 || write(fd, report, (size_t)len) != len)
        _exit(70);
    close(fd);
}

static void write_all(int fd, const char *p, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(13);
        p += n;
        len -= (size_t)n;
    }
}

static void say(const char *line) {
    write_all(1, line, strlen(line));
}

/* Both sides know what padding belongs to a number. */
static char padding_of(long long number) {
    return (char)('a' + number % 26);
}

static text answer_of(const request *r) {
    text t = {0};
    append_text(&t, "{\"jsonrpc\":\"2.0\",\"id\":");
    append(&t, r->id.p, r->id.len);
    append_text(&t, ",\"result\":{\"n\":");
    append_number(&t, r->number);
    append_text(&t, ",\"pad\":\"");
    char block[1024];
    memset(block, padding_of(r->number), sizeof block);
    for (long left = r->back; left > 0; left -= (long)sizeof block)
        append(&t, block, left < (long)sizeof block ? (size_t)left : sizeof block);
    append_text(&t, "\"}}\n");
    return t;
}

static void say_answer(const request *r) {
    text t = answer_of(r);
    write_all(1, t.p, t.len);
    free(t.p);
}

/* --- Manners ------------------------------------------------------------------------------ */

static void release_held(void) {
    while (held_count > 0) {
        text *last = &held[--held_count]; /* the other way round than they were asked */
        write_all(1, last->p, last->len);
        free(last->p);
    }
}

static void do_hold(const request *r) {
    if (held_count == 0)
        clock_gettime(CLOCK_MONOTONIC, &held_since);
    held[held_count++] = answer_of(r);
    if (held_count == MOST_HELD)
        release_held();
}

static void do_slow(const request *r) {
    text t = answer_of(r);
    for (size_t at = 0, part; at < t.len; at += part) {
        part = t.len / 3 + 1;
        if (part > t.len - at)
            part = t.len - at;
        write_all(1, t.p + at, part);
        poll(NULL, 0, SLOW_MS);
    }
    free(t.p);
}

static void do_twice(const request *r) {
    say_answer(r);
    say_answer(r);
}

static void do_stray(const request *r) {
    say("Welcome to faulty 1.0\n\n[1,2]\n{\"id\":\n\"text\"\n\xff\xfe\n{}{}\n");
    say("{\"jsonrpc\":\"2.0\",\"id\":\"nobody's\",\"result\":1}\n");
    say("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"m\"}}\n");
    say_answer(r);
}

static void do_progress(const request *r) {
    span meta = member(r->params, "_meta");
    char *object = meta.p ? strndup(meta.p, meta.len) : strdup("{}");
    span token = member(object, "progressToken");
    for (int i = 0; token.p && i < 2; i++) {
        text t = {0};
        append_text(&t, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                        "\"progressToken\":");
        append(&t, token.p, token.len);
        append_text(&t, ",\"n\":");
        append_number(&t, r->number);
        append_text(&t, "}}\n");
        write_all(1, t.p, t.len);
        free(t.p);
    }
    free(object);
    say_answer(r);
}

/* Answers once its own question is answered. */
static void do_ask(const request *r) {
    size_t slot = (size_t)next_ask % (sizeof asked_number / sizeof *asked_number);
    if (asked_number[slot]) {
        say_answer(r);
        return;
    }
    asked_number[slot] = r->number;
    asked_answer[slot] = answer_of(r);
    char line[128];
    snprintf(line, sizeof line,
             "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"ask\",\"params\":{\"n\":%lld}}\n",
             next_ask++, r->number);
    say(line);
}

static void do_half_crash(const request *r) {
    text t = answer_of(r);
    write_all(1, t.p, t.len / 2);
    raise(SIGKILL);
}

/* The answer is whole but for the end of its line. */
static void do_last_words(const request *r) {
    text t = answer_of(r);
    write_all(1, t.p, t.len - 1);
    _exit(0);
}

static void do_exit(const request *r) {
    (void)r;
    _exit(3);
}

static void do_suspend(const request *r) {
    say_answer(r);
    raise(SIGSTOP);
}

static void do_deaf(const request *r) {
    say_answer(r);
    poll(NULL, 0, DEAF_MS);
}

static void do_flood(const request *r) {
    char line[200];
    memset(line, '!', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < FLOOD_LINES; i++)
        write_all(2, line, sizeof line);
    say_answer(r);
}

/* Closes one end of the conversation and lives on for a while, as if it had not. */
static void shut(const request *r, int fd) {
    say_answer(r);
    close(fd);
    poll(NULL, 0, SHUT_MS);
    _exit(0);
}

static void do_close_output(const request *r) {
    shut(r, 1);
}

static void do_close_input(const request *r) {
    shut(r, 0);
}

/* Leaves a child behind that holds all streams. */
static void do_fork(const request *r) {
    if (fork() == 0) {
        alarm(LIFETIME);
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    say_answer(r);
}

static const struct manner {
    const char *name;
    void (*run)(const request *r);
} manners[] = {
    {"hold", do_hold},
    {"slow", do_slow},
    {"twice", do_twice},
    {"stray", do_stray},
    {"progress", do_progress},
    {"ask", do_ask},
    {"half_crash", do_half_crash},
    {"last_words", do_last_words},
    {"exit", do_exit},
    {"suspend", do_suspend},
    {"deaf", do_deaf},
    {"flood", do_flood},
    {"close_output", do_close_output},
    {"close_input", do_close_input},
    {"fork", do_fork},
};

/* --- Messages ------------------------------------------------------------------------------ */

static void check_padding(const request *r, const char *line) {
    span pad = member(r->params, "pad");
    long len = number_of(r->params, "len", -1);
    if (!pad.p || len < 0 || pad.len != (size_t)len + 2) {
        complain("the padding has another length", line);
        return;
    }
    for (size_t i = 1; i + 1 < pad.len; i++)
        if (pad.p[i] != padding_of(r->number)) {
            complain("the padding is another's", line);
            return;
        }
}

static void take_request(const char *line, span id) {
    span params = member(line, "params");
    request r = {.id = id, .params = params.p ? strndup(params.p, params.len) : strdup("{}")};
    span number = member(r.params, "n");
    r.number = number.p ? strtoll(number.p, NULL, 10) : 0;
    r.back = number_of(r.params, "back", 0);
    check_padding(&r, line);
    if (standard && member(line, "pool").p)
        complain("the envelope is still on", line);
    char *manner = text_of(member(r.params, "do"));
    void (*run)(const request *) = say_answer;
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++)
        if (strcmp(manners[i].name, manner) == 0)
            run = manners[i].run;
    run(&r);
    free(manner);
    free(r.params);
}

/* An error says that nobody could be asked, which is an answer too. */
static void take_answer(const char *line, span id) {
    long ask = id.p ? strtol(id.p, NULL, 10) : 0;
    size_t slot = (size_t)ask % (sizeof asked_number / sizeof *asked_number);
    if (ask <= 0 || !asked_number[slot]) {
        complain("an answer to nothing that was asked", line);
        return;
    }
    span result = member(line, "result");
    if (result.p) {
        char *object = strndup(result.p, result.len);
        span number = member(object, "n");
        if (!number.p || strtoll(number.p, NULL, 10) != asked_number[slot])
            complain("the answer to another question", line);
        free(object);
    } else if (!member(line, "error").p) {
        complain("neither result nor error", line);
    }
    asked_number[slot] = 0;
    write_all(1, asked_answer[slot].p, asked_answer[slot].len);
    free(asked_answer[slot].p);
    asked_answer[slot] = (text){0};
}

static void take(const char *line) {
    span id = member(line, "id");
    if (line[0] != '{')
        complain("not a message", line);
    else if (member(line, "method").p && id.p)
        take_request(line, id);
    else if (id.p)
        take_answer(line, id);
}

/* How long the input may be waited for; -1: for ever. */
static int patience(void) {
    if (held_count == 0)
        return -1;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long ms =
        (now.tv_sec - held_since.tv_sec) * 1000 + (now.tv_nsec - held_since.tv_nsec) / 1000000;
    return ms >= HELD_MS ? 0 : (int)(HELD_MS - ms);
}

int main(int argc, char **argv) {
    static char block[65536];
    text line = {0};
    alarm(LIFETIME);
    standard = argc > 1 && strcmp(argv[1], "--standard") == 0;
    for (;;) {
        struct pollfd in = {.fd = 0, .events = POLLIN};
        int ready = poll(&in, 1, patience());
        if (patience() == 0)
            release_held();
        if (ready <= 0)
            continue;
        ssize_t n = read(0, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        char *from = block, *end = block + n;
        for (char *newline; (newline = memchr(from, '\n', (size_t)(end - from))) != NULL;) {
            append(&line, from, (size_t)(newline - from));
            take(line.p);
            line.len = 0;
            from = newline + 1;
        }
        append(&line, from, (size_t)(end - from));
    }
    release_held();
    return 0;
}
