/* control.c: what the bus does for those that ask it. Its requests are for the host, the same user
 * on a Unix socket and clients that have shown the access token: they end workers, and the answers
 * hold process ids and what workers wrote to stderr. */
#include "control.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "call.h"
#include "decline.h"
#include "members.h"
#include "reply.h"
#include "worker.h"

enum { DEFAULT_LAST = 100 };

static const char prefix[] = "stdio_bus/";

/* The handshake with an agent is for the agent, whose extensions it tells. */
static const char hello[] = "stdio_bus/hello";

bool sb_control_is_meant(sb_bus *bus, sb_token method) {
    size_t len = sizeof prefix - 1;
    if (method.len < len + 2 || (method.p[1] != 's' && method.p[1] != '\\'))
        return false;
    if (sb_json_is(method, hello))
        return false;
    if (sb_json_is_plain(method))
        return memcmp(method.p + 1, prefix, len) == 0;
    sb_text_clear(&bus->name);
    char *decoded = sb_text_extend(&bus->name, method.len);
    return decoded && sb_json_decode(method, decoded) >= len && memcmp(decoded, prefix, len) == 0;
}

bool sb_control_reserves(const char *method) {
    return strncmp(method, prefix, sizeof prefix - 1) == 0 && strcmp(method, hello) != 0;
}

/* --- Params --------------------------------------------------------------------------------- */

/* What the params of the requests say; each request has some of these. */
typedef struct question {
    int worker; /* -1: not given */
    bool force;
    const sb_value *id;
    int level;
    int last;
} question;

/* In the order of read_params(). ANY: they are not looked at. */
enum { ANY = 0, WORKER = 1, NEEDS_WORKER = 2, FORCE = 4, ID = 8, LOG = 16, LEVEL = 32, LAST = 64 };

static bool read_params(sb_incoming *in, unsigned fields, question *q, sb_value_tree *tree,
                        int *code) {
    const sb_member all[] = {
        {.name = "worker", .kind = SB_MEMBER_NUMBER, .into = &q->worker, .max = INT_MAX},
        {.name = "worker",
         .kind = SB_MEMBER_NUMBER,
         .required = true,
         .into = &q->worker,
         .max = INT_MAX},
        {.name = "force", .kind = SB_MEMBER_FLAG, .into = &q->force},
        {.name = "id", .kind = SB_MEMBER_ID, .required = true, .into = &q->id},
        {.name = "log", .kind = SB_MEMBER_WORD, .into = &q->level, .words = sb_log_levels},
        {.name = "level", .kind = SB_MEMBER_WORD, .into = &q->level, .words = sb_log_levels},
        {.name = "last",
         .kind = SB_MEMBER_NUMBER,
         .into = &q->last,
         .min = 1,
         .max = SB_JOURNAL_LINES},
    };
    enum { FIELDS = sizeof all / sizeof *all };
    sb_member members[FIELDS];
    size_t count = 0;
    for (size_t i = 0; i < FIELDS; i++)
        if (fields & 1u << i)
            members[count++] = all[i];
    char fault[SB_MEMBERS_FAULT];
    switch (sb_members_read(tree, "params", in->scan.params, members, count, fault)) {
    case SB_MEMBERS_READ:
        break;
    case SB_MEMBERS_WRONG:
        *code = sb_refuse(in, SB_BAD_PARAMS, "Invalid params", fault, NULL);
        return false;
    case SB_MEMBERS_NO_MEMORY:
        *code = sb_refuse(in, SB_QUEUE_FULL, "Table full", fault, NULL);
        return false;
    }
    if (q->worker >= 0 && (size_t)q->worker >= in->bus->worker_count) {
        snprintf(fault, sizeof fault, "params.worker: there is no worker %d, they are 0 to %zu",
                 q->worker, in->bus->worker_count - 1);
        *code = sb_refuse(in, SB_BAD_PARAMS, "Invalid params", fault, NULL);
        return false;
    }
    return true;
}

/* --- Answers -------------------------------------------------------------------------------- */

static void answer(sb_incoming *in, const sb_text *result) {
    if (in->is_request)
        sb_reply_result(in->bus, in->conn, in->route, in->scan.id, result);
}

static int answer_with(sb_incoming *in, void (*put)(sb_text *, sb_bus *)) {
    sb_text result = {0};
    put(&result, in->bus);
    answer(in, &result);
    sb_text_free(&result);
    return STDIO_BUS_OK;
}

static void answer_done(sb_incoming *in) {
    char empty[] = "{}";
    sb_text result = {.p = empty, .len = 2};
    answer(in, &result);
}

static int tell_workers(sb_incoming *in, const question *q) {
    (void)q;
    return answer_with(in, sb_control_put_workers);
}

static int tell_stats(sb_incoming *in, const question *q) {
    (void)q;
    return answer_with(in, sb_control_put_stats);
}

/* Whoever may ask anything needs no token any more. */
static int tell_version(sb_incoming *in, const question *q) {
    (void)q;
    sb_access_answer(in->bus, in->conn, in->route, in->scan.id);
    return STDIO_BUS_OK;
}

static int tell_log(sb_incoming *in, const question *q) {
    sb_log_query query = {.last = q->last ? q->last : DEFAULT_LAST,
                          .worker = q->worker,
                          .level = q->level == SB_JOURNAL_NO_LEVEL ? 0 : q->level};
    sb_text result = {0};
    sb_journal_put(&result, in->bus, &query);
    answer(in, &result);
    sb_text_free(&result);
    return STDIO_BUS_OK;
}

/* --- What a connection wants ------------------------------------------------------------------ */

static int annotate(sb_incoming *in, const question *q) {
    bool begins = !sb_conn_is_annotated(in->conn);
    sb_annotation_begin(in->bus, in->conn, q->level);
    sb_text result = {0};
    sb_text_put(&result, "{");
    sb_text_string_member(&result, "version", stdio_bus_version());
    sb_text_put(&result, ",\"tells\":[\"placed\",\"settled\",\"worker\",\"skipped\",\"log\"]}");
    answer(in, &result);
    sb_text_free(&result);
    if (begins)
        sb_annotation_catch_up(in->bus, in->conn);
    return STDIO_BUS_OK;
}

static int forget(sb_incoming *in, const question *q) {
    sb_bus *bus = in->bus;
    static const char null[] = "null";
    sb_token id =
        q->id->type == SB_VALUE_NULL ? (sb_token){null, sizeof null - 1} : in->scan.params_id;
    sb_call *call = sb_call_made_by_conn(bus, in->conn, sb_id_key(bus, id));
    if (call)
        sb_call_give_up(bus, call);
    sb_bus_touch(bus); /* a stop may have waited for it */
    answer_done(in);
    return STDIO_BUS_OK;
}

static int pause_output(sb_incoming *in, const question *q) {
    sb_worker *w = in->bus->workers[q->worker];
    bool runs = sb_worker_is_up(w) && in->bus->state == STDIO_BUS_STATE_RUNNING;
    if (runs && !sb_decline_begin(in->conn, w))
        return sb_refuse(in, SB_QUEUE_FULL, "Table full", "out of memory", NULL);
    answer_done(in);
    return STDIO_BUS_OK;
}

static int resume_output(sb_incoming *in, const question *q) {
    sb_decline_end(in->conn, in->bus->workers[q->worker]);
    answer_done(in);
    return STDIO_BUS_OK;
}

/* The answer comes before what follows from it is told. */
static int end_worker(sb_incoming *in, const question *q,
                      int (*end)(stdio_bus_t *bus, int worker_id, int force)) {
    sb_bus *bus = in->bus;
    if (bus->state != STDIO_BUS_STATE_RUNNING)
        return sb_refuse(in, SB_SHUTTING_DOWN, "Shutting down", "the bus is stopping", NULL);
    if (bus->workers[q->worker]->embedded)
        return sb_refuse(in, SB_BAD_PARAMS, "Invalid params",
                         "params.worker: this one belongs to the program around the bus, which "
                         "alone can end it",
                         NULL);
    answer_done(in);
    end(bus, q->worker, q->force);
    return STDIO_BUS_OK;
}

static int restart(sb_incoming *in, const question *q) {
    return end_worker(in, q, stdio_bus_restart_worker);
}

static int stop(sb_incoming *in, const question *q) {
    return end_worker(in, q, stdio_bus_stop_worker);
}

/* --- Requests --------------------------------------------------------------------------------- */

static const struct method {
    const char *name;
    int (*handle)(sb_incoming *in, const question *q);
    unsigned fields;
    bool may_notify; /* its answer says nothing */
} methods[] = {
    {"annotate", annotate, LOG, false},
    {"auth", tell_version, ANY, false},
    {"forget", forget, ID, true},
    {"log", tell_log, LAST | WORKER | LEVEL, false},
    {"pause", pause_output, NEEDS_WORKER, true},
    {"restart", restart, NEEDS_WORKER | FORCE, true},
    {"resume", resume_output, NEEDS_WORKER, true},
    {"stats", tell_stats, ANY, false},
    {"stop", stop, NEEDS_WORKER | FORCE, true},
    {"workers", tell_workers, ANY, false},
};
enum { METHODS = sizeof methods / sizeof *methods };

static const struct method *find_method(sb_token name) {
    char full[32];
    for (size_t i = 0; i < METHODS; i++) {
        snprintf(full, sizeof full, "%s%s", prefix, methods[i].name);
        if (sb_json_is(name, full))
            return &methods[i];
    }
    return NULL;
}

static int refuse_unknown(sb_incoming *in) {
    sb_text reason = {0};
    sb_text_put(&reason, "the bus answers");
    for (size_t i = 0; i < METHODS; i++) {
        sb_text_put(&reason, i == 0 ? " " : i + 1 < METHODS ? ", " : " and ");
        sb_text_put(&reason, prefix);
        sb_text_put(&reason, methods[i].name);
    }
    int code = sb_refuse(in, SB_METHOD_NOT_FOUND, "Method not found", reason.p, NULL);
    sb_text_free(&reason);
    return code;
}

int sb_control(sb_incoming *in) {
    const sb_client *client = in->conn->client;
    const struct method *method = find_method(in->scan.method);
    if (client && !client->trusted)
        return sb_refuse(in, SB_NOT_AUTHORIZED, "Not authorized",
                         "the bus answers only on standard input, to the same user on a Unix "
                         "socket, and to clients that have shown the access token",
                         NULL);
    if (!method)
        return refuse_unknown(in);
    if (!in->is_request && !method->may_notify)
        return sb_refuse(in, SB_METHOD_NOT_FOUND, "Method not found",
                         "this is a question to the bus: send it as a request", NULL);
    question q = {.worker = -1, .level = SB_JOURNAL_NO_LEVEL};
    sb_value_tree tree = {0};
    int code;
    if (method->fields == ANY || read_params(in, method->fields, &q, &tree, &code))
        code = method->handle(in, &q);
    sb_value_free(&tree);
    return code;
}
