/* message.h: the request of a benchmark, its answer, and the book of what was sent and answered.
 * Every request has an id of its own, repeated in its text, so that each answer can be told apart
 * and compared byte by byte with the one expected. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct message {
    char *request; /* with its newline */
    size_t request_len;
    char *answer; /* without */
    size_t answer_len;
    size_t request_id, request_text, request_session; /* where the changing digits stand */
    size_t answer_id, answer_text;
    bool has_session;
} message;

/* A request of `size` bytes, its newline included. */
void message_make(message *m, size_t size, bool with_session);
void message_free(message *m);

/* The book of one round. */
typedef struct ledger {
    message *message;
    size_t total, sent, answered;
    size_t sessions; /* the requests take turns over these */
    unsigned char *seen;
} ledger;

void ledger_open(ledger *l, message *m, size_t total, size_t sessions);
/* Ends the program unless each request was answered exactly once. */
void ledger_close(ledger *l);
/* Writes the next request into message->request; false when all are sent. */
bool ledger_next(ledger *l);
/* Checks an answer (its newline taken off) and counts it. */
void ledger_take(ledger *l, const char *line, size_t len);

#endif
