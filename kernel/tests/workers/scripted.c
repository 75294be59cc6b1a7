/* scripted.c: a worker that does what the messages it reads tell it to do.
 *
 * A request is answered with {"pid":…,"params":…} unless its method is one of `commands` below;
 * a notification is only remembered. How it starts and ends is told by options:
 *   --banner TEXT   writes TEXT as its first line
 *   --complain TEXT writes TEXT to stderr first
 *   --gate FIFO     waits until somebody opens FIFO for writing
 *   --exit N        ends with code N before it reads anything
 *   --deaf          never reads
 *   --ignore-term   ignores SIGTERM
 *   --ignore-eof    goes on living after end of file
 *   --wait          does nothing, for ever
 */
#define _GNU_SOURCE
#include "system.h"
/* */
#include "message.h"

enum { LONGEST_REMEMBERED = 64 * 1024 };

typedef struct request {
    const char *line;
    size_t len;
    span id;      /* absent in a notification */
    char *params; /* "null" when there are none */
} request;

static char **heard; /* lines read so far */
static size_t heard_count;
static char **held;
static size_t held_count;

static void write_all(int fd, const char *p, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0)
            _exit(13);
        p += n;
        len -= (size_t)n;
    }
}

static void write_line(const char *p, size_t len) {
    text line = {0};
    append(&line, p, len);
    append(&line, "\n", 1);
    write_all(1, line.p, line.len);
    free(line.p);
}

/* {"jsonrpc":"2.0","id":ID,BODY}; nothing for a notification. */
static void answer(span id, const char *body) {
    if (!id.p)
        return;
    text t = {0};
    append_text(&t, "{\"jsonrpc\":\"2.0\",\"id\":");
    append(&t, id.p, id.len);
    append_text(&t, ",");
    append_text(&t, body);
    append_text(&t, "}");
    write_line(t.p, t.len);
    free(t.p);
}

static void answer_echo(const request *r) {
    text t = {0};
    append_text(&t, "\"result\":{\"pid\":");
    append_number(&t, getpid());
    append_text(&t, ",\"params\":");
    append_text(&t, r->params);
    append_text(&t, "}");
    answer(r->id, t.p);
    free(t.p);
}

/* Answers with the line as it was read. */
static void do_raw(const request *r) {
    text t = {0};
    append_text(&t, "\"result\":{\"line\":");
    append_quoted(&t, r->line, r->len);
    append_text(&t, "}");
    answer(r->id, t.p);
    free(t.p);
}

/* Answers how many bytes the line had, and their FNV-1a hash. */
static void do_measure(const request *r) {
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < r->len; i++)
        hash = (hash ^ (unsigned char)r->line[i]) * 16777619u;
    char body[96];
    snprintf(body, sizeof body, "\"result\":{\"bytes\":%zu,\"hash\":%u}", r->len, hash);
    answer(r->id, body);
}

static void append_id(text *t, const request *r) {
    append_text(t, "\"jsonrpc\":\"2.0\",\"id\":");
    append(t, r->id.p, r->id.len);
}

/* Answers with a line of exactly params.bytes bytes, with the id in front of the result; with
 * params.id_last behind it. */
static void do_big(const request *r) {
    size_t wanted = (size_t)number_of(r->params, "bytes", 0);
    bool id_last = number_of(r->params, "id_last", 0);
    text t = {0}, end = {0};
    append_text(&t, "{");
    append_text(&end, "\"");
    append_text(id_last ? &end : &t, id_last ? "," : "");
    append_id(id_last ? &end : &t, r);
    append_text(&end, "}");
    append_text(&t, id_last ? "\"result\":\"" : ",\"result\":\"");
    while (t.len + end.len + 4096 <= wanted) {
        char block[4096];
        memset(block, 'x', sizeof block);
        append(&t, block, sizeof block);
    }
    while (t.len + end.len < wanted)
        append(&t, "y", 1);
    append(&t, end.p, end.len);
    write_line(t.p, t.len);
    free(t.p);
    free(end.p);
}

/* Keeps the id until released. */
static void do_hold(const request *r) {
    held = realloc(held, (held_count + 1) * sizeof *held);
    if (!held)
        abort();
    held[held_count++] = strndup(r->id.p ? r->id.p : "", r->id.len);
}

static void release_one(char *id) {
    char body[64];
    snprintf(body, sizeof body, "\"result\":{\"pid\":%d,\"held\":true}", (int)getpid());
    answer((span){id, strlen(id)}, body);
    free(id);
}

static void do_release(const request *r) {
    for (size_t i = 0; i < held_count; i++)
        release_one(held[i]);
    held_count = 0;
    answer_echo(r);
}

static void do_release_reversed(const request *r) {
    while (held_count > 0)
        release_one(held[--held_count]);
    answer_echo(r);
}

/* Writes params.line as it is, then answers. */
static void do_say(const request *r) {
    char *line = text_of(member(r->params, "line"));
    write_line(line, strlen(line));
    free(line);
    answer_echo(r);
}

/* Answers with the members given as text in params.with. */
static void do_answer(const request *r) {
    char *body = text_of(member(r->params, "with"));
    answer(r->id, body);
    free(body);
}

static void do_heard(const request *r) {
    text t = {0};
    append_text(&t, "\"result\":{\"lines\":[");
    for (size_t i = 0; i < heard_count; i++) {
        append_text(&t, i > 0 ? "," : "");
        append_quoted(&t, heard[i], strlen(heard[i]));
    }
    append_text(&t, "]}");
    answer(r->id, t.p);
    free(t.p);
}

/* Writes every line read so far to stderr. */
static void do_confess(const request *r) {
    (void)r;
    for (size_t i = 0; i < heard_count; i++) {
        write_all(2, heard[i], strlen(heard[i]));
        write_all(2, "\n", 1);
    }
}

#ifndef _WIN32
/* Answers with its open descriptors and the signals it has blocked and ignores. */
static void do_inherited(const request *r) {
    text t = {0};
    append_text(&t, "\"result\":{\"descriptors\":[");
    DIR *folder = opendir("/proc/self/fd");
    const char *comma = "";
    for (struct dirent *e; folder && (e = readdir(folder)) != NULL;) {
        if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(folder))
            continue;
        append_text(&t, comma);
        append_text(&t, e->d_name);
        comma = ",";
    }
    closedir(folder);
    append_text(&t, "],\"signals\":\"");
    FILE *status = fopen("/proc/self/status", "r");
    for (char line[256]; status && fgets(line, sizeof line, status);) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "SigBlk:\t", 8) == 0 || strncmp(line, "SigIgn:\t", 8) == 0)
            append_text(&t, line + 8);
    }
    if (status)
        fclose(status);
    append_text(&t, "\",\"group_is_own\":");
    append_text(&t, getpgrp() == getpid() ? "true" : "false");
    append_text(&t, "}");
    answer(r->id, t.p);
    free(t.p);
}

#endif

static void do_surroundings(const request *r) {
    char *name = text_of(member(r->params, "name"));
    const char *value = variable(name), *folder = current_folder();
    if (!folder)
        folder = "";
    text t = {0};
    append_text(&t, "\"result\":{\"cwd\":");
    append_quoted(&t, folder, strlen(folder));
    append_text(&t, ",\"value\":");
    if (value)
        append_quoted(&t, value, strlen(value));
    else
        append_text(&t, "null");
    append_text(&t, "}");
    answer(r->id, t.p);
    free(t.p);
    free(name);
}

/* Writes params.line to stderr params.times times, then answers. */
static void do_complain(const request *r) {
    char *line = text_of(member(r->params, "line"));
    long times = number_of(r->params, "times", 1);
    text t = {0};
    append_text(&t, line);
    append_text(&t, "\n");
    for (long i = 0; i < times; i++)
        write_all(2, t.p, t.len);
    free(t.p);
    free(line);
    answer_echo(r);
}

static void do_exit(const request *r) {
    _exit((int)number_of(r->params, "code", 0));
}

static void do_die(const request *r) {
    die_by((int)number_of(r->params, "signal", 9)); /* SIGKILL */
}

static void do_crash_mid_line(const request *r) {
    (void)r;
    static const char half[] = "{\"jsonrpc\":\"2.0\",\"id\":";
    write_all(1, half, sizeof half - 1);
    _exit(9);
}

/* Answers, then reads nothing until SIGUSR1, which there is not on every system. */
static void do_deafen(const request *r) {
    hold_usr1();
    answer_echo(r);
    wait_for_usr1();
}

/* Answer, then go on without the stream. */
static void do_close_output(const request *r) {
    answer_echo(r);
    close(1);
}

static void do_close_input(const request *r) {
    answer_echo(r);
    close(0);
    for (;;)
        pause();
}

/* Leaves a child behind that keeps all three streams and, if told, ignores SIGTERM or has a session
 * of its own. */
static void do_grandchild(const request *r) {
    long pid = start_grandchild(number_of(r->params, "ignore_term", 0),
                                number_of(r->params, "new_session", 0));
    char body[64];
    snprintf(body, sizeof body, "\"result\":{\"pid\":%d,\"child\":%ld}", (int)getpid(), pid);
    answer(r->id, body);
}

static const struct command {
    const char *method;
    void (*run)(const request *r);
} commands[] = {
    {"raw", do_raw},
    {"measure", do_measure},
    {"big", do_big},
    {"hold", do_hold},
    {"release", do_release},
    {"release_reversed", do_release_reversed},
    {"say", do_say},
    {"answer", do_answer},
    {"heard", do_heard},
    {"confess", do_confess},
    {"surroundings", do_surroundings},
    {"complain", do_complain},
    {"exit", do_exit},
    {"crash_mid_line", do_crash_mid_line},
    {"close_output", do_close_output},
    {"close_input", do_close_input},
    {"grandchild", do_grandchild},
    {"echo", answer_echo},
    {"die", do_die},
    {"deafen", do_deafen},
#ifndef _WIN32
    {"inherited", do_inherited},
#endif
};

static void handle(char *line, size_t len) {
    request r = {.line = line, .len = len, .id = member(line, "id")};
    span method = member(line, "method");
    span params = member(line, "params");
    r.params = params.p ? strndup(params.p, params.len) : strdup("null");
    void (*run)(const request *) = method.p ? answer_echo : NULL;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (method.len == strlen(commands[i].method) + 2 &&
            memcmp(method.p + 1, commands[i].method, method.len - 2) == 0)
            run = commands[i].run;
    if (run)
        run(&r);
    free(r.params);
    if (len > LONGEST_REMEMBERED)
        return;
    heard = realloc(heard, (heard_count + 1) * sizeof *heard);
    if (!heard)
        abort();
    heard[heard_count++] = strndup(line, len);
}

static void read_lines(void) {
    static char block[65536];
    text line = {0};
    for (ssize_t n; (n = read(0, block, sizeof block)) > 0;) {
        char *from = block, *end = block + n;
        for (char *newline; (newline = memchr(from, '\n', (size_t)(end - from))) != NULL;) {
            append(&line, from, (size_t)(newline - from));
            handle(line.p, line.len);
            line.len = 0;
            from = newline + 1;
        }
        append(&line, from, (size_t)(end - from));
    }
    free(line.p);
}

int main(int argc, char **argv) {
    bool outlives_eof = false;
    begin_life();
    argv = utf8_arguments(argc, argv);
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(option, "--ignore-term") == 0) {
            signal(SIGTERM, SIG_IGN);
        } else if (strcmp(option, "--ignore-eof") == 0) {
            outlives_eof = true;
        } else if (strcmp(option, "--deaf") == 0 || strcmp(option, "--wait") == 0) {
            for (;;)
                pause();
        } else if (strcmp(option, "--banner") == 0) {
            write_line(value, strlen(value));
        } else if (strcmp(option, "--complain") == 0) {
            write_all(2, value, strlen(value));
            write_all(2, "\n", 1);
        } else if (strcmp(option, "--gate") == 0) {
            close(open(value, O_RDONLY));
        } else if (strcmp(option, "--exit") == 0) {
            return atoi(value);
        }
    }
    read_lines();
    while (outlives_eof)
        pause();
    return 0;
}
