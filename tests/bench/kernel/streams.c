#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"

enum { FIRST_ROOM = 128 * 1024, EVENTS = 64, BATCH = 64 * 1024 };

typedef struct lane {
    int to, from;
    bool is_socket;
    bool watches_to; /* its peer has no room: epoll tells when it has */
    size_t owed;     /* requests that it is to send */
    char *rest;      /* of what did not fit in one go */
    size_t rest_at, rest_len;
    char *in; /* what was read and is no whole line yet */
    size_t in_len, in_cap;
} lane;

struct streams {
    lane *lanes;
    size_t count;
    size_t blocked; /* lanes that wait for room */
    bool gathers;
    char *batch; /* what is gathered; as long as a batch and one request */
    size_t batch_cap;
    bool in_turn; /* the next request goes to the lane after the last, `next` */
    size_t next;
    int epoll;
};

static void make_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        fail_errno("O_NONBLOCK");
}

/* Both directions of a socket share one description, but are watched apart: hence the copy. */
static int duplicate(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        fail_errno("dup");
    return copy;
}

static void watch(const streams *s, int op, int fd, uint32_t events, uint64_t what) {
    struct epoll_event event = {.events = events, .data.u64 = what};
    if (epoll_ctl(s->epoll, op, fd, &event) != 0)
        fail_errno("epoll_ctl");
}

streams *streams_new(size_t count, const int *to, const int *from, bool gathers) {
    streams *s = must_have(calloc(1, sizeof *s));
    s->lanes = must_have(calloc(count, sizeof *s->lanes));
    s->count = count;
    s->gathers = gathers;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        fail_errno("epoll_create1");
    for (size_t i = 0; i < count; i++) {
        lane *l = &s->lanes[i];
        l->from = from[i];
        l->is_socket = to[i] == from[i];
        l->to = l->is_socket ? duplicate(to[i]) : to[i];
        l->in_cap = FIRST_ROOM;
        l->in = must_have(malloc(l->in_cap));
        if (!l->is_socket)
            make_nonblocking(l->to);
        watch(s, EPOLL_CTL_ADD, l->from, EPOLLIN, 2 * i);
    }
    return s;
}

void streams_free(streams *s) {
    for (size_t i = 0; i < s->count; i++) {
        close(s->lanes[i].to);
        close(s->lanes[i].from);
        free(s->lanes[i].in);
        free(s->lanes[i].rest);
    }
    close(s->epoll);
    free(s->batch);
    free(s->lanes);
    free(s);
}

/* Writes as much as there is room for, without waiting; how much that was. */
static size_t write_some(const lane *l, const char *p, size_t len) {
    size_t written = 0;
    while (written < len) {
        ssize_t n = l->is_socket ? send(l->to, p + written, len - written, MSG_DONTWAIT)
                                 : write(l->to, p + written, len - written);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            fail_errno("write");
        written += (size_t)n;
    }
    return written;
}

static void keep_rest(lane *l, const char *p, size_t len) {
    l->rest = must_have(realloc(l->rest, len));
    memcpy(l->rest, p, len);
    l->rest_at = 0;
    l->rest_len = len;
}

/* What goes out in the next write: one request, or as many as are gathered; 0: nothing. */
static size_t take_owed(streams *s, lane *l, ledger *book, const char **out) {
    const message *m = book->message;
    size_t len = 0;
    *out = s->gathers ? s->batch : m->request;
    while (len < BATCH && l->owed && ledger_next(book)) {
        l->owed--;
        if (!s->gathers)
            return m->request_len;
        memcpy(s->batch + len, m->request, m->request_len);
        len += m->request_len;
    }
    return len;
}

/* Sends what the lane owes, as far as there is room. */
static void send_owed(streams *s, lane *l, ledger *book) {
    if (l->rest_len) {
        size_t n = write_some(l, l->rest + l->rest_at, l->rest_len);
        l->rest_at += n;
        l->rest_len -= n;
    }
    const char *next;
    size_t len;
    while (!l->rest_len && (len = take_owed(s, l, book, &next)) > 0) {
        size_t n = write_some(l, next, len);
        if (n < len)
            keep_rest(l, next + n, len - n);
    }
    bool waits = l->rest_len > 0;
    if (waits == l->watches_to)
        return;
    l->watches_to = waits;
    if (waits) {
        s->blocked++;
        watch(s, EPOLL_CTL_ADD, l->to, EPOLLOUT, 2 * (uint64_t)(l - s->lanes) + 1);
    } else {
        s->blocked--;
        watch(s, EPOLL_CTL_DEL, l->to, 0, 0);
    }
}

/* Takes the whole lines off what was read; how many. `fresh` bytes are new. */
static size_t take_lines(lane *l, size_t fresh, ledger *book) {
    size_t start = 0, searched = l->in_len - fresh, lines = 0;
    char *newline;
    while ((newline = memchr(l->in + searched, '\n', l->in_len - searched)) != NULL) {
        *newline = '\0';
        size_t end = (size_t)(newline - l->in);
        ledger_take(book, l->in + start, end - start);
        start = searched = end + 1;
        lines++;
    }
    l->in_len -= start;
    memmove(l->in, l->in + start, l->in_len);
    return lines;
}

/* Reads once, waiting if need be, and takes the answers; how many. */
static size_t read_answers(lane *l, ledger *book) {
    if (l->in_cap - l->in_len < FIRST_ROOM / 2) {
        l->in_cap *= 2;
        l->in = must_have(realloc(l->in, l->in_cap));
    }
    ssize_t n = read(l->from, l->in + l->in_len, l->in_cap - l->in_len);
    if (n < 0)
        fail_errno("read");
    if (n == 0)
        fail("the other side ended after %zu of %zu answers", book->answered, book->total);
    l->in_len += (size_t)n;
    return take_lines(l, (size_t)n, book);
}

/* A lane has received answers, or has room again: what is to be sent then. */
static void go_on(streams *s, lane *l, size_t answers, ledger *book) {
    if (!s->in_turn) {
        l->owed += answers;
        send_owed(s, l, book);
        return;
    }
    for (; answers > 0; answers--) {
        lane *next = &s->lanes[s->next];
        s->next = (s->next + 1) % s->count;
        next->owed++;
        send_owed(s, next, book);
    }
}

static void wait_and_go_on(streams *s, ledger *book) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(s->epoll, events, EVENTS, -1);
    if (n < 0 && errno != EINTR)
        fail_errno("epoll_wait");
    for (int i = 0; i < n; i++) {
        lane *l = &s->lanes[events[i].data.u64 / 2];
        if (events[i].data.u64 % 2)
            send_owed(s, l, book);
        else
            go_on(s, l, read_answers(l, book), book);
    }
}

void streams_run(streams *s, const traffic *t) {
    ledger book;
    ledger_open(&book, t->message, t->count, t->sessions);
    if (s->gathers && s->batch_cap < BATCH + t->message->request_len) {
        s->batch_cap = BATCH + t->message->request_len;
        s->batch = must_have(realloc(s->batch, s->batch_cap));
    }
    s->in_turn = t->in_flight < s->count;
    for (size_t i = 0; i < t->in_flight; i++)
        s->lanes[i % s->count].owed++;
    s->next = t->in_flight % s->count;
    for (size_t i = 0; i < s->count; i++)
        send_owed(s, &s->lanes[i], &book);
    while (book.answered < book.total) {
        if (s->count == 1 && !s->blocked)
            go_on(s, &s->lanes[0], read_answers(&s->lanes[0], &book), &book);
        else
            wait_and_go_on(s, &book);
    }
    for (size_t i = 0; i < s->count; i++)
        s->lanes[i].owed = 0;
    ledger_close(&book);
}
