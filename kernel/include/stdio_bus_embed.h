/* stdio_bus_embed.h: the embedding API, version 2.
 *
 * A bus starts pools of worker processes and routes newline-delimited JSON-RPC 2.0
 * between them, the host program and (with a listener) socket clients.
 *
 * Threads: one bus belongs to one thread. Every function here is called on the thread
 * that called stdio_bus_start(); on Linux the parent-death signal of a worker follows the
 * thread that spawned it, so the thread must live as long as the bus. Other threads may call
 * a waker at any time, and use the bus while it is lent to them (both in stdio_bus.h). Different
 * buses on different threads are independent: there is no global state and no signal handler.
 *
 * Callbacks run inside stdio_bus_start(), stdio_bus_step(), stdio_bus_ingest(),
 * stdio_bus_send() and stdio_bus_destroy(), on the same thread. Text passed to a callback
 * is NUL-terminated and valid during the call only. A callback may call stdio_bus_ingest(),
 * stdio_bus_send(), stdio_bus_stop() and every query, but neither stdio_bus_step() nor
 * stdio_bus_destroy().
 */
#ifndef STDIO_BUS_EMBED_H
#define STDIO_BUS_EMBED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && defined(STDIO_BUS_SHARED)
#define STDIO_BUS_API __declspec(dllexport)
#elif defined(__GNUC__)
#define STDIO_BUS_API __attribute__((visibility("default")))
#else
#define STDIO_BUS_API
#endif

typedef struct stdio_bus stdio_bus_t;

/* Where a bus is in its life. The values only grow, and STOPPED is final. */
typedef enum stdio_bus_state {
    STDIO_BUS_STATE_CREATED = 0,
    STDIO_BUS_STATE_STARTING = 1,
    STDIO_BUS_STATE_RUNNING = 2,
    STDIO_BUS_STATE_STOPPING = 3,
    STDIO_BUS_STATE_STOPPED = 4
} stdio_bus_state_t;

typedef enum stdio_bus_listen_mode {
    STDIO_BUS_LISTEN_NONE = 0,
    STDIO_BUS_LISTEN_TCP = 1,
    STDIO_BUS_LISTEN_UNIX = 2
} stdio_bus_listen_mode_t;

/* Return codes: X(name, value, text). 0 is success, negative values are errors. */
#define STDIO_BUS_CODES(X)                                                \
    X(STDIO_BUS_OK, 0, "success")                                         \
    X(STDIO_BUS_ERR, -1, "operating system error")                        \
    X(STDIO_BUS_EAGAIN, -2, "would block, try again")                     \
    X(STDIO_BUS_EOF, -3, "end of file")                                   \
    X(STDIO_BUS_EFULL, -4, "queue or table is full")                      \
    X(STDIO_BUS_ENOTFOUND, -5, "not found")                               \
    X(STDIO_BUS_EINVAL, -6, "invalid argument")                           \
    X(STDIO_BUS_ERR_CONFIG, -10, "configuration error")                   \
    X(STDIO_BUS_ERR_WORKER, -11, "worker could not be started")           \
    X(STDIO_BUS_ERR_ROUTING, -12, "message could not be routed")          \
    X(STDIO_BUS_ERR_BUFFER, -13, "message exceeds max_input_buffer")      \
    X(STDIO_BUS_ERR_INVALID, -14, "message is not one valid JSON object") \
    X(STDIO_BUS_ERR_STATE, -15, "not allowed in this state")

#define STDIO_BUS_CODE_ENUM(name, value, text) name = (value),
typedef enum stdio_bus_code { STDIO_BUS_CODES(STDIO_BUS_CODE_ENUM) } stdio_bus_code_t;
#undef STDIO_BUS_CODE_ENUM

typedef enum stdio_bus_log_level {
    STDIO_BUS_LOG_DEBUG = 0,
    STDIO_BUS_LOG_INFO = 1,
    STDIO_BUS_LOG_WARN = 2,
    STDIO_BUS_LOG_ERROR = 3
} stdio_bus_log_level_t;

typedef struct stdio_bus_listener {
    stdio_bus_listen_mode_t mode;
    const char *tcp_host; /* IPv4, IPv6 without brackets, or a name; NULL: 127.0.0.1 */
    uint16_t tcp_port;    /* 0: the system chooses (stdio_bus_listen_endpoint tells) */
    const char *unix_path;
} stdio_bus_listener_t;

/* A line for the host: what a worker sent, or an error that the kernel made. */
typedef void (*stdio_bus_message_cb)(stdio_bus_t *bus, const char *msg, size_t len, void *user);
typedef void (*stdio_bus_error_cb)(stdio_bus_t *bus, int code, const char *msg, void *user);
typedef void (*stdio_bus_log_cb)(stdio_bus_t *bus, int level, const char *msg, void *user);
/* event: "started", "stopped", "restarting", "failed" or "stopping"; where the pool has a
 * handshake, "starting" before it and "started" once it is over. */
typedef void (*stdio_bus_worker_cb)(stdio_bus_t *bus, int worker_id, const char *event, void *user);
typedef void (*stdio_bus_client_connect_cb)(stdio_bus_t *bus, int client_id, const char *peer,
                                            void *user);
typedef void (*stdio_bus_client_disconnect_cb)(stdio_bus_t *bus, int client_id, const char *reason,
                                               void *user);

/* Exactly one of config_path and config_json must be set. Every string is copied by
 * stdio_bus_create(). A callback may be NULL. */
typedef struct stdio_bus_options {
    const char *config_path;
    const char *config_json;
    stdio_bus_listener_t listener;
    stdio_bus_message_cb on_message;
    stdio_bus_error_cb on_error;
    stdio_bus_log_cb on_log;
    stdio_bus_worker_cb on_worker;
    stdio_bus_client_connect_cb on_client_connect;
    stdio_bus_client_disconnect_cb on_client_disconnect;
    void *user_data;
    int log_level; /* messages below this level are not handed to on_log */
} stdio_bus_options_t;

typedef struct stdio_bus_stats {
    uint64_t messages_in;  /* lines read from the host, clients and workers */
    uint64_t messages_out; /* lines written or handed to the same */
    uint64_t bytes_in;     /* with the newline of each line */
    uint64_t bytes_out;
    uint64_t worker_restarts;
    uint64_t routing_errors; /* messages that found no receiver */
    uint64_t client_connects;
    uint64_t client_disconnects;
} stdio_bus_stats_t;

/* Reads and checks the configuration; starts nothing. NULL when the options or the
 * configuration are unusable: each problem is reported through on_error first. */
STDIO_BUS_API stdio_bus_t *stdio_bus_create(const stdio_bus_options_t *options);

/* Opens the listener, then starts every worker. Valid in CREATED. Returns 0;
 * STDIO_BUS_ERR_STATE in another state; STDIO_BUS_ERR when the listener cannot be opened;
 * STDIO_BUS_ERR_WORKER when a command cannot be executed (on_error names the pool, the path
 * tried and the system's reason). After a failure nothing runs and the state is STOPPED. */
STDIO_BUS_API int stdio_bus_start(stdio_bus_t *bus);

/* Handles what is ready. timeout_ms: 0 does not block, > 0 blocks at most that long, -1
 * until something happens or a waker wakes. Returns the number of events handled (0 after a
 * time-out or a wake-up) or a negative code; STDIO_BUS_ERR_STATE before start and, as soon
 * as the last event of STOPPED has been delivered, after stop. */
STDIO_BUS_API int stdio_bus_step(stdio_bus_t *bus, int timeout_ms);

/* Begins an orderly end and returns at once; stdio_bus_step() drives it until the state is
 * STOPPED. Requests in flight may finish within drain_timeout_sec, then each worker's stdin
 * is closed, then SIGTERM, then SIGKILL to its process group, all within timeout_sec (0 or
 * less: drain_timeout_sec for the requests, then three seconds for the workers). Calling it
 * again only shortens the deadline. Returns 0, also when already stopped; in CREATED the state
 * becomes STOPPED. */
STDIO_BUS_API int stdio_bus_stop(stdio_bus_t *bus, int timeout_sec);

/* Frees the bus. Workers that still run are killed with their process groups, without
 * grace. Blocks until they are reaped, which takes milliseconds. NULL is accepted. */
STDIO_BUS_API void stdio_bus_destroy(stdio_bus_t *bus);

/* Sends one message for the host, routed by its own top-level members ("sessionId", "pool").
 * msg need not end in a newline and is copied. Returns 0 when the message was queued or,
 * for a request, when it was answered with a JSON-RPC error through the message callback;
 * STDIO_BUS_ERR_INVALID (and on_error) when it is not one JSON object;
 * STDIO_BUS_ERR_BUFFER when it is longer than max_input_buffer;
 * STDIO_BUS_ERR_ROUTING (and on_error) for a notification or response nobody can take;
 * STDIO_BUS_EFULL for a notification or response whose worker's queue is full (a worker that
 * waits for the response gets an error in its place);
 * STDIO_BUS_ERR_STATE when the bus does not run. While stdio_bus_stop() lets requests finish,
 * notifications and responses still pass, new requests do not. Never blocks. */
STDIO_BUS_API int stdio_bus_ingest(stdio_bus_t *bus, const char *msg, size_t len);

/* Queries; valid in every state. NULL gives STOPPED, 0 or -1. */
STDIO_BUS_API stdio_bus_state_t stdio_bus_get_state(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_worker_count(const stdio_bus_t *bus); /* running ones */
STDIO_BUS_API int stdio_bus_session_count(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_pending_count(const stdio_bus_t *bus);
STDIO_BUS_API int stdio_bus_client_count(const stdio_bus_t *bus);
/* A descriptor that is readable when stdio_bus_step(bus, 0) has work; -1 on Windows. */
STDIO_BUS_API int stdio_bus_get_poll_fd(const stdio_bus_t *bus);
STDIO_BUS_API void stdio_bus_get_stats(const stdio_bus_t *bus, stdio_bus_stats_t *stats);

/* Adds a worker that the host provides as a pair of descriptors, which become non-blocking
 * and the kernel's own. One of a pool with a handshake is greeted first, as a process is; one that
 * refuses it is closed. Returns its worker id (0 or more), STDIO_BUS_EINVAL for bad
 * arguments or an unknown pool, STDIO_BUS_ERR_STATE when not RUNNING. */
STDIO_BUS_API int stdio_bus_register_embedded_worker(stdio_bus_t *bus, int fd_to_worker,
                                                     int fd_from_worker, const char *pool_id);
/* Closes both descriptors and answers what was pending there. Idempotent:
 * STDIO_BUS_ENOTFOUND for an id that is not an embedded worker. */
STDIO_BUS_API int stdio_bus_unregister_embedded_worker(stdio_bus_t *bus, int worker_id);

#ifdef __cplusplus
}
#endif
#endif
