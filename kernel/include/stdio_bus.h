/* stdio_bus.h: what version 3 of the API adds to stdio_bus_embed.h.
 *
 * Structs that the caller passes or receives begin with `size`, set by the caller to
 * sizeof(the struct) as compiled, so that later versions can append members.
 */
#ifndef STDIO_BUS_H
#define STDIO_BUS_H

#include "stdio_bus_embed.h"

#ifdef __cplusplus
extern "C" {
#endif

#define STDIO_BUS_API_VERSION 3

/* 3 for this header. Absent from libraries that only have version 2. */
STDIO_BUS_API int stdio_bus_api_version(void);
/* "major.minor.patch" of the kernel; static text. */
STDIO_BUS_API const char *stdio_bus_version(void);
/* The text of a stdio_bus_code_t; static. Unknown codes give "unknown error". */
STDIO_BUS_API const char *stdio_bus_strerror(int code);

/* --- Waking the loop from another thread ------------------------------------------- */

/* The only part of the API that any thread may use at any time. A waker is reference-counted and
 * outlives its bus: waking after stdio_bus_destroy() does nothing. Wakes are coalesced and
 * sticky: one sent while no step blocks ends the next step at once. */
typedef struct stdio_bus_waker stdio_bus_waker_t;
/* A new reference, to be released; NULL without memory. Called on the bus's thread. */
STDIO_BUS_API stdio_bus_waker_t *stdio_bus_waker(stdio_bus_t *bus);
STDIO_BUS_API void stdio_bus_waker_wake(stdio_bus_waker_t *waker);
STDIO_BUS_API void stdio_bus_waker_release(stdio_bus_waker_t *waker); /* NULL accepted */

/* --- Lending the bus to another thread ------------------------------------------------- */

/* A thread that waits for an answer may make the steps until it is there, instead of waking the
 * bus's own thread and being woken by it. The host sees to it that one thread at a time uses the
 * bus, and that what one did before is seen by the next, as a lock does. While a thread has it,
 * every entry but stdio_bus_start() and stdio_bus_destroy() may be called there, with this in the
 * place of stdio_bus_step(). It does what a step does except for what is to happen at a time: a
 * restart is such a thing, and the process would end with the thread that started it.
 * Returns what a step returns; STDIO_BUS_EAGAIN when the time of something has come: then nothing
 * was done, and the bus's own thread has to step. */
STDIO_BUS_API int stdio_bus_step_lent(stdio_bus_t *bus, int timeout_ms);

/* --- Sending beside the message ------------------------------------------------------ */

typedef struct stdio_bus_route {
    size_t size;
    const char *pool;    /* NULL: the message's own "pool", else the only pool */
    const char *session; /* NULL: the message's own, else none. Binds a new session */
    int worker_id;       /* -1: the router chooses. Otherwise exactly this worker */
    uint32_t flags;      /* STDIO_BUS_ROUTE_*, else 0 */
    uint64_t cookie;     /* returned with the response; 0: none. Unique among the pending */
} stdio_bus_route_t;

/* The message is passed on as it is, byte for byte: no envelope member is looked for, taken
 * off or put back, whatever the pool's envelope. */
#define STDIO_BUS_ROUTE_VERBATIM 1u

/* As stdio_bus_ingest(), with the routing given beside the message, which may then stay
 * plain JSON-RPC. route may be NULL. A response (no method, an id) answers a request that the
 * host was handed, under the id with which it was handed over; a worker that the route names
 * must be the one that asked. A notification that cancels a request (notifications/cancelled,
 * $/cancelRequest) goes to the worker that has it; a request that still waits for a worker is
 * taken back and answered with the error -32800; when the request is over the notification is
 * counted (dropped_notifications). The call returns 0 in each of these cases.
 * A message to the bus itself ("stdio_bus/...") is answered through the message callback before the
 * call returns. With route NULL a message may begin with its route once the host has sent
 * stdio_bus/annotate; with a route none is looked for in it. */
STDIO_BUS_API int stdio_bus_send(stdio_bus_t *bus, const stdio_bus_route_t *route, const char *msg,
                                 size_t len);

/* The caller gave up on the request sent with this cookie: its pending entry and its share
 * of the worker's load are freed; a late answer is dropped and counted (late_replies). A
 * notification that cancels the request is to be sent before: afterwards it goes through only
 * when its route names the worker.
 * Returns 0, or STDIO_BUS_ENOTFOUND when it was answered already. */
STDIO_BUS_API int stdio_bus_forget(stdio_bus_t *bus, uint64_t cookie);

/* A forgotten request is over: its worker has answered it late, or its process has ended; of more
 * than 1,024 that one worker has not answered the oldest counts as over; or no worker had it yet.
 * It comes once for every stdio_bus_forget() that returned 0, and so may come within it, but not
 * from stdio_bus_destroy(). Until then the worker may still speak of the request, in notifications
 * that name none: the host may then take them for another's. */
typedef void (*stdio_bus_settled_handler)(stdio_bus_t *bus, uint64_t cookie, void *user);
STDIO_BUS_API void stdio_bus_set_settled_handler(stdio_bus_t *bus,
                                                 stdio_bus_settled_handler handler, void *user);

/* The id of the worker that has the request sent with this cookie; STDIO_BUS_ENOTFOUND while it
 * waits for a worker of its pool, and once it was answered or forgotten. */
STDIO_BUS_API int stdio_bus_pending_worker(const stdio_bus_t *bus, uint64_t cookie);

/* --- Receiving ------------------------------------------------------------------------ */

typedef enum stdio_bus_message_kind {
    STDIO_BUS_REQUEST = 1,
    STDIO_BUS_NOTIFICATION = 2,
    STDIO_BUS_RESPONSE = 3
} stdio_bus_message_kind_t;

typedef struct stdio_bus_message {
    size_t size;
    const char *data; /* NUL-terminated JSON text of `len` bytes, without newline */
    size_t len;
    stdio_bus_message_kind_t kind;
    int worker_id;       /* who sent it; -1: the kernel made it: an error, an answer to a
                            "stdio_bus/" request, or what the host asked to be told by one */
    const char *pool;    /* of that worker; NULL when the kernel cannot tell */
    const char *session; /* the session it belongs to, as text; NULL: none known */
    uint64_t cookie;     /* of the request that a response answers; else 0 */
} stdio_bus_message_t;

typedef void (*stdio_bus_message_handler)(stdio_bus_t *bus, const stdio_bus_message_t *message,
                                          void *user);
/* Replaces on_message. Set it before stdio_bus_start(). */
STDIO_BUS_API void stdio_bus_set_message_handler(stdio_bus_t *bus,
                                                 stdio_bus_message_handler handler, void *user);

/* One line a worker wrote to stderr, without newline, cut at 8 KiB. The last lines are also
 * kept for the message of its exit. Of more than 10,000 lines a second the rest is only
 * counted, in the log. */
typedef void (*stdio_bus_stderr_handler)(stdio_bus_t *bus, int worker_id, const char *line,
                                         size_t len, void *user);
STDIO_BUS_API void stdio_bus_set_stderr_handler(stdio_bus_t *bus, stdio_bus_stderr_handler handler,
                                                void *user);

/* The first line that a worker's process writes to stdout and that is no message: a banner, a
 * forgotten print. It was skipped, as are those after it, of which no more is told than the
 * counters (invalid_lines) and the log do. `reason` says what is wrong with it ("not valid JSON"),
 * `line` has its first 200 bytes. */
typedef void (*stdio_bus_skipped_handler)(stdio_bus_t *bus, int worker_id, const char *reason,
                                          const char *line, size_t len, void *user);
STDIO_BUS_API void stdio_bus_set_skipped_handler(stdio_bus_t *bus,
                                                 stdio_bus_skipped_handler handler, void *user);

/* --- Back-pressure -------------------------------------------------------------------- */

/* Stops and resumes reading one worker's stdout. Its exit and its stderr are still seen.
 * Reasons are bits and OR-ed: reading goes on when none is left. Bits 0..15 are the host's,
 * the others the kernel's own (16: a client is slow; 17: stdio_bus/pause). A restart or stop
 * clears the host's bits.
 * Returns 0, STDIO_BUS_ENOTFOUND for an unknown worker, STDIO_BUS_EINVAL for a foreign bit. */
STDIO_BUS_API int stdio_bus_pause_worker(stdio_bus_t *bus, int worker_id, uint32_t reasons);
STDIO_BUS_API int stdio_bus_resume_worker(stdio_bus_t *bus, int worker_id, uint32_t reasons);

/* --- Workers -------------------------------------------------------------------------- */

typedef enum stdio_bus_worker_state {
    STDIO_BUS_WORKER_STARTING = 0, /* has not answered its pool's handshake yet */
    STDIO_BUS_WORKER_RUNNING = 1,
    STDIO_BUS_WORKER_RESTARTING = 2, /* exited, waits for its back-off */
    STDIO_BUS_WORKER_STOPPING = 3,
    STDIO_BUS_WORKER_STOPPED = 4,
    STDIO_BUS_WORKER_FAILED = 5,   /* max_restarts reached */
    STDIO_BUS_WORKER_SUSPENDED = 6 /* stopped by a terminal or SIGSTOP */
} stdio_bus_worker_state_t;

typedef struct stdio_bus_worker_info {
    size_t size;
    int id;
    const char *pool; /* valid until the bus is destroyed */
    int64_t pid;      /* 0: none */
    stdio_bus_worker_state_t state;
    int64_t started_at_ms; /* Unix time of the last start; 0: never */
    uint64_t restarts;
    uint64_t sessions;                  /* bound to it now */
    uint64_t pending;                   /* requests in flight there */
    uint64_t messages_in, messages_out; /* from the worker, to the worker */
    uint64_t bytes_in, bytes_out;
    uint64_t invalid_lines;  /* lines on its stdout that were not JSON-RPC */
    uint64_t queued_bytes;   /* waiting to be written to it */
    uint32_t paused;         /* reason bits */
    int has_exited;          /* whether the next two mean anything */
    int last_exit_code;      /* -1: ended by a signal, or unknown */
    int last_exit_signal;    /* 0: none */
    const char *last_reason; /* "" or a sentence; valid until the next call */
    /* Last lines of stderr, '\n' between; after a restart those of the process before until the
     * new one writes a line. Valid until the next call. */
    const char *stderr_tail;
    /* What the process answered to the first request of its pool's handshake: the result as JSON
     * text. NULL: nothing yet, or one that nests deeper than 64 levels. Valid until the next call.
     */
    const char *handshake;
} stdio_bus_worker_info_t;

/* All workers, in id order from 0, running or not. */
STDIO_BUS_API int stdio_bus_worker_total(const stdio_bus_t *bus);
/* Fills `info` for the worker at `index` (0 .. total-1). STDIO_BUS_ENOTFOUND past the end. */
STDIO_BUS_API int stdio_bus_worker_at(stdio_bus_t *bus, int index, stdio_bus_worker_info_t *info);
/* Ends one worker as stop does (force: at once by SIGKILL); restart then starts it anew, and
 * also revives one that failed or was stopped. Its requests get -32002. */
STDIO_BUS_API int stdio_bus_restart_worker(stdio_bus_t *bus, int worker_id, int force);
STDIO_BUS_API int stdio_bus_stop_worker(stdio_bus_t *bus, int worker_id, int force);

/* --- The guard ------------------------------------------------------------------------ */

/* A host that is ended by SIGKILL, a crash or the end of memory cannot end its workers. They end
 * with it all the same (on Linux the parent-death signal sees to that), but what they have started
 * in turn would live on. With a guard it does not: `path` names the daemon's program
 * (`stdio_bus`), and with its first worker the bus starts it as `path --guard`. That process is
 * told of every worker's process group and, when the host is gone, sends each SIGTERM and two
 * seconds later, if there is still somebody in it, SIGKILL.
 *
 * What has left its worker's process group (setsid, setpgid: shells do that for the jobs of an
 * interactive session, daemons for themselves) is not reached. Nor is anything as long as a copy of
 * the host that was made by fork() without exec lives on, for the guard then does not see the end.
 * Embedded workers have no group; a bus with no other workers starts no guard.
 *
 * The guard has a session of its own, ignores SIGTERM, SIGINT and SIGHUP, holds one end of a pipe
 * and the null device, never writes anything and costs nothing while nothing ends. It is no worker:
 * it is not counted or listed. It ends with the bus. One that dies before is replaced, at once and
 * then after longer and longer times; that, and a path that cannot be executed, is a warning in the
 * log and never fails a start or a request.
 *
 * Before stdio_bus_start() only. `path` is copied; a relative one is resolved against the current
 * folder now and never looked up on PATH. NULL, which is the default, means no guard. On Windows,
 * where a job object does all of this, the call has no effect. Does not block.
 * Returns 0, STDIO_BUS_EINVAL for an empty path or no bus, STDIO_BUS_ERR_STATE after the start,
 * STDIO_BUS_ERR without memory. */
STDIO_BUS_API int stdio_bus_set_guard(stdio_bus_t *bus, const char *path);

/* --- More of the bus -------------------------------------------------------------------- */

typedef struct stdio_bus_counters {
    size_t size;
    uint64_t late_replies;          /* answers to requests given up or unknown */
    uint64_t invalid_lines;         /* lines of workers that were not JSON-RPC */
    uint64_t dropped_notifications; /* that had no receiver, or met a full queue */
    uint64_t requeued;              /* requests moved from a dead worker to another */
    uint64_t sessions_evicted;      /* forgotten at max_sessions */
    uint64_t backpressure;          /* times a queue limit made a sender wait or fail */
} stdio_bus_counters_t;
STDIO_BUS_API void stdio_bus_get_counters(const stdio_bus_t *bus, stdio_bus_counters_t *counters);

#define STDIO_BUS_ACCESS_TOKEN_MAX 1024 /* bytes */

/* The token that clients of a TCP listener must show: 1 to 1,024 bytes of UTF-8, copied; NULL: none
 * (the default). With a token the listener may be on any address, without one on a loopback
 * address only. Each connection then has three seconds for its first line, which must be
 *   {"jsonrpc":"2.0","id":1,"method":"stdio_bus/auth","params":{"token":"..."}}
 * It is answered with a result, or with error -32600 "Not authorized" and closed. Unix sockets need
 * no token: their peers are of the same user. Valid before stdio_bus_start().
 * Returns 0, STDIO_BUS_ERR_STATE later, STDIO_BUS_EINVAL for an empty or too long token. */
STDIO_BUS_API int stdio_bus_set_access_token(stdio_bus_t *bus, const char *token);

/* Where the listener listens: "127.0.0.1:9000", "[::1]:9000" or the path; "" without one. */
STDIO_BUS_API const char *stdio_bus_listen_endpoint(const stdio_bus_t *bus);

/* Checks a configuration without starting anything and reports every problem with its JSON
 * path ("$.pools[0].command"). Returns the number of errors; warnings do not count. */
typedef void (*stdio_bus_config_report)(void *user, int is_warning, const char *path,
                                        const char *message);
STDIO_BUS_API int stdio_bus_config_check(const char *json, size_t len,
                                         stdio_bus_config_report report, void *user);

#ifdef __cplusplus
}
#endif
#endif
