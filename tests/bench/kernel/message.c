#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum { ID_DIGITS = 10, SESSION_DIGITS = 5 };

#define FIRST_ID 1000000000ull

static const char id_zeros[] = "0000000000";
static const char session_zeros[] = "00000";

static void put_digits(char *at, uint64_t number, int digits) {
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
}

void message_make(message *m, size_t size, bool with_session) {
    memset(m, 0, sizeof *m);
    m->has_session = with_session;
    m->request = must_have(malloc(size + 1));
    m->answer = must_have(malloc(size + 1));
    char head[128];
    const char *session = with_session ? ",\"sessionId\":\"s-00000\"" : "";
    int head_len =
        snprintf(head, sizeof head, "{\"jsonrpc\":\"2.0\",\"id\":%s%s,\"method\":\"echo\",%s",
                 id_zeros, session, "\"params\":{\"message\":\"");
    static const char tail[] = "\"}}";
    size_t around = (size_t)head_len + sizeof tail - 1 + 1;
    if (size < around + ID_DIGITS)
        fail("a request takes at least %zu bytes", around + ID_DIGITS);
    size_t text_len = size - around;

    char *at = m->request;
    memcpy(at, head, (size_t)head_len);
    m->request_text = (size_t)head_len;
    memset(at + head_len, 'x', text_len);
    memcpy(at + head_len + text_len, "\"}}\n", sizeof "\"}}\n");
    m->request_len = size;
    m->request_id = (size_t)(strstr(at, id_zeros) - at);
    if (with_session)
        m->request_session = (size_t)(strstr(at + m->request_id + ID_DIGITS, session_zeros) - at);

    at = m->answer;
    int answer_head =
        sprintf(at, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"message\":\"", id_zeros);
    m->answer_id = (size_t)(strstr(at, id_zeros) - at);
    m->answer_text = (size_t)answer_head;
    memset(at + answer_head, 'x', text_len);
    memcpy(at + answer_head + text_len, tail, sizeof tail);
    m->answer_len = (size_t)answer_head + text_len + sizeof tail - 1;
}

void message_free(message *m) {
    free(m->request);
    free(m->answer);
    memset(m, 0, sizeof *m);
}

void ledger_open(ledger *l, message *m, size_t total, size_t sessions) {
    *l = (ledger){.message = m, .total = total, .sessions = sessions};
    l->seen = must_have(calloc(total, 1));
}

void ledger_close(ledger *l) {
    for (size_t i = 0; i < l->total; i++)
        if (!l->seen[i])
            fail("request %zu of %zu was never answered", i, l->total);
    free(l->seen);
    l->seen = NULL;
}

bool ledger_next(ledger *l) {
    message *m = l->message;
    if (l->sent == l->total)
        return false;
    put_digits(m->request + m->request_id, FIRST_ID + l->sent, ID_DIGITS);
    put_digits(m->request + m->request_text, FIRST_ID + l->sent, ID_DIGITS);
    if (m->has_session)
        put_digits(m->request + m->request_session, l->sent % l->sessions, SESSION_DIGITS);
    l->sent++;
    return true;
}

void ledger_take(ledger *l, const char *line, size_t len) {
    message *m = l->message;
    uint64_t id = 0;
    if (len != m->answer_len)
        fail("an answer of %zu bytes instead of %zu: %.200s", len, m->answer_len, line);
    for (int i = 0; i < ID_DIGITS; i++)
        id = id * 10 + (uint64_t)(line[m->answer_id + (size_t)i] - '0');
    uint64_t number = id - FIRST_ID;
    if (id < FIRST_ID || number >= l->sent)
        fail("an answer to a request that was not sent: %.200s", line);
    if (l->seen[number])
        fail("a second answer to request %llu", (unsigned long long)number);
    memcpy(m->answer + m->answer_id, line + m->answer_id, ID_DIGITS);
    memcpy(m->answer + m->answer_text, line + m->answer_id, ID_DIGITS);
    if (memcmp(line, m->answer, len) != 0)
        fail("the answer to request %llu is not what was expected: %.200s",
             (unsigned long long)number, line);
    l->seen[number] = 1;
    l->answered++;
}
