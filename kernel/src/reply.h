/* reply.h: the JSON-RPC errors that the kernel makes. */
#ifndef SB_REPLY_H
#define SB_REPLY_H

#include "bus.h"

#define SB_PARSE_ERROR      (-32700)
#define SB_INVALID_REQUEST  (-32600)
#define SB_METHOD_NOT_FOUND (-32601)
#define SB_BAD_POOL         (-32602)
#define SB_BAD_PARAMS       (-32602)
#define SB_CANCELLED        (-32800) /* as the Language Server Protocol has it */
#define SB_NO_WORKER        (-32001)
#define SB_WORKER_EXITED    (-32002)
#define SB_QUEUE_FULL       (-32003)
#define SB_SHUTTING_DOWN    (-32004)
#define SB_NOT_AUTHORIZED   SB_INVALID_REQUEST

typedef struct sb_fault {
    int code;
    const char *message;
    const sb_pool *pool; /* NULL: not told */
    int worker;          /* -1: not told */
    const char *reason;  /* a sentence */
    /* For SB_WORKER_EXITED and SB_NO_WORKER: */
    const sb_exit *exit;
    const char *stderr_tail;
    int written; /* 1: the request had reached the worker; 0: with SB_WORKER_EXITED, it had not */
    /* More members of data as JSON text, each after a comma; NULL: none. */
    const char *more;
} sb_fault;

/* The members that tell of a limit that was met, for `more`; `which` is a name of the
 * configuration. */
typedef struct sb_limit_members {
    char text[80];
} sb_limit_members;
sb_limit_members sb_tell_limit(const char *which, uint64_t limit);

/* Whom an error answers. */
typedef struct sb_asker {
    sb_conn *conn;
    sb_token id; /* p NULL: null */
    uint64_t cookie;
    const char *session; /* decoded, or NULL */
    bool restore;        /* put the session at the top level */
} sb_asker;

void sb_reply_error(sb_bus *bus, const sb_asker *asker, const sb_fault *fault);
/* Answers with a result of the kernel's own, given as JSON text. route: of the request, or NULL. */
void sb_reply_result(sb_bus *bus, sb_conn *conn, const stdio_bus_route_t *route, sb_token id,
                     const sb_text *result);
/* Answers a worker's own request. */
void sb_reply_error_to_worker(sb_worker *w, sb_token id, const sb_fault *fault);

#endif
