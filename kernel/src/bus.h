/* bus.h: the state of a bus, shared by the files that make up the router.
 *
 * Words: a *connection* is who sends requests to workers: the host program or a socket client. A
 * *call* is a request in flight, in either direction. A *bond* is what one connection has to do
 * with one worker. Connections, workers and calls point at each other through intrusive lists,
 * so that the end of any of them costs no search.
 */
#ifndef SB_BUS_H
#define SB_BUS_H

#include <stdatomic.h>

#include "config.h"
#include "frame.h"
#include "journal.h"
#include "json.h"
#include "list.h"
#include "os/os.h"
#include "queue.h"
#include "stderr_tail.h"
#include "stdio_bus.h"
#include "table.h"
#include "text.h"
#include "timer.h"

typedef struct sb_worker sb_worker;
typedef struct sb_pool sb_pool;
typedef struct sb_conn sb_conn;
typedef struct sb_client sb_client;
typedef struct sb_session sb_session;
typedef struct sb_call sb_call;
typedef struct sb_held sb_held;
typedef struct stdio_bus sb_bus;

/* What a poller event is about. */
enum {
    SB_ON_WORKER_OUT = 1,
    SB_ON_WORKER_IN,
    SB_ON_WORKER_ERR,
    SB_ON_WORKER_EXIT,
    SB_ON_GUARD_PIPE,
    SB_ON_GUARD_EXIT,
    SB_ON_LISTENER,
    SB_ON_CLIENT,
    SB_ON_GUEST
};

/* Why a worker is not read: the host's own bits are 0..15. */
#define SB_PAUSE_HOST_BITS   0xFFFFu
#define SB_PAUSE_SLOW_CLIENT 0x10000u
#define SB_PAUSE_DECLINED    0x20000u /* see decline.c */

typedef struct sb_bond {
    sb_conn *conn;
    sb_worker *worker;
    size_t pending;    /* calls of the connection on the worker */
    sb_link of_conn;   /* conn->bonds */
    sb_link of_worker; /* worker->bonds, once the connection has sent it something */
    sb_link busy;      /* worker->busy, while pending > 0 */
    sb_link declining; /* worker->decliners, while the connection does not want its output */
} sb_bond;

struct sb_conn {
    uint64_t id;       /* 0: the host. Clients count from 1 and never repeat */
    sb_client *client; /* NULL: the host */
    sb_bond **by_worker;
    size_t by_worker_cap;
    sb_link bonds;
    sb_link calls;  /* forward calls it made, in order */
    sb_link asked;  /* reverse calls it was given */
    sb_link ghosts; /* those of them whose worker has ended since, or took it back */
    size_t ghost_count;
    size_t pending;
    bool silent;       /* it sends no more; answers still go out to it */
    bool wired;        /* the host: what is wrong with its lines is answered, as to a client */
    size_t unread;     /* the host: bytes that wait for its reader, as the daemon says */
    sb_link annotated; /* bus->annotated, while lines to it tell where they come from */
    int log_level;     /* from which on it is told log lines */
    uint64_t log_next; /* the first line of the journal that it has not been told */
    uint64_t log_dropped;
};

/* A request in flight. A forward call was made by a connection and is answered by a worker; a
 * reverse call was made by a worker and is answered by a connection. The id goes out as it came
 * (`wire` == `id`) unless the receiver already holds the same id from somebody else. */
struct sb_call {
    sb_link of_conn, of_worker;
    sb_conn *conn;     /* NULL: given up; the entry only keeps the id from being used again */
    uint64_t asker;    /* of one given up: the connection that is told when it is over */
    sb_worker *worker; /* NULL: a forward call that waits in the pool's queue, or a reverse one
                          of which the asker is gone: it too only keeps its id */
    sb_pool *pool;
    sb_session *session;
    sb_held *held; /* where it waits, while worker is NULL */
    uint64_t cookie;
    bool reverse;
    bool pinned;                /* to this worker: never moved to another */
    bool enveloped;             /* its asker named the session at the top level */
    bool spliced;               /* wire differs from id */
    bool tells;                 /* its asker is told which worker has it */
    uint64_t begin, end;        /* its bytes in the worker's stream */
    size_t id_at, token_at;     /* where the two tokens stand in the message as written */
    char *text;                 /* the block that the next ones point into */
    sb_token id;                /* as it came */
    sb_token wire;              /* as it went out */
    sb_token token, token_wire; /* the progress token, p NULL: none */
    sb_key token_key;
    sb_key origin, goal; /* its places in the tables, under id and wire */
    sb_key progress;     /* in the table of tokens; p NULL: not there */
    sb_call *next_free;
    char alias[24], token_alias[24]; /* ids of the kernel's own making */
    char inlined[72];                /* the block, when it is small */
};

/* A message that waits for a worker of its pool. */
struct sb_held {
    sb_link link;
    sb_call *call; /* NULL: a notification */
    sb_session *session;
    size_t len;
    char data[];
};

struct sb_session {
    sb_link lru;       /* bus->idle_sessions, while nothing is pending */
    sb_link of_worker; /* while bound */
    sb_pool *pool;
    sb_worker *worker; /* NULL: binds at next use */
    uint64_t owner;    /* id of the connection that receives what belongs to it */
    size_t pending;
    bool owned;
    bool enveloped; /* its owner names it at the top level, so it is put back there */
    size_t len;
    char name[]; /* decoded, NUL-terminated */
};

/* Two orders in which the workers of a pool can be asked for: for a new session (pending, then
 * sessions, then who was chosen longest ago), and without a session (pending, then who was
 * chosen longest ago). */
enum { SB_BY_SESSIONS, SB_BY_TURN, SB_ORDERS };

struct sb_pool {
    sb_bus *bus;
    const sb_pool_config *config;
    size_t index;
    sb_worker **order[SB_ORDERS]; /* heaps of the running workers, least loaded first */
    size_t running, capacity;
    uint64_t turn;
    sb_link held;
    size_t held_bytes;
    const sb_worker *last_lost; /* of those that will not come back; NULL: none yet */
};

struct sb_worker {
    sb_bus *bus;
    sb_pool *pool;
    int id;
    stdio_bus_worker_state_t state;
    bool embedded;
    bool reading;      /* inside its read loop: nothing may be freed under it */
    bool backlog;      /* lines wait in the frame, on bus->backlog */
    bool dirty;        /* output waits to be flushed, on bus->dirty_workers */
    bool blocked;      /* its pipe is full; the poller watches for room */
    bool close_input;  /* once the queue is flushed */
    bool closing;      /* embedded: to be closed after the read loop */
    bool broken;       /* cannot be written to any more */
    bool awaits_id;    /* inside an answer that is too long, and did not begin with its id */
    bool has_answered; /* the first request of its handshake */
    bool has_skipped;  /* a line of this process was no message, which was told */
    bool wants_restart;
    bool terminated, killed; /* the stop ladder's rungs taken */
    sb_child child;
    sb_frame frame;
    sb_queue out;
    sb_stderr_tail tail;
    sb_text annotation; /* what its lines to annotated connections begin with */
    sb_text skipped;    /* what those are told of the first line that was no message */
    sb_text answer;     /* of this process to the first request of the handshake: its result */
    sb_link backlog_link, dirty_link;
    size_t greeted;          /* messages of the handshake that it was sent */
    uint64_t greeting_end;   /* where these end in its stream */
    size_t place[SB_ORDERS]; /* in the pool's heaps, from 1; 0: not there */
    size_t pending, session_count, ghost_count;
    uint64_t turn;
    sb_link calls, asked, ghosts, sessions, bonds, busy, decliners;
    uint32_t paused;
    size_t stderr_lines; /* in the second that began at stderr_since */
    int64_t stderr_since;
    size_t slow_clients;
    sb_timer timer;  /* back-off, handshake, stop ladder or the watch over a broken pipe */
    sb_timer stall;  /* how long it has not read */
    sb_timer watch;  /* asks for the exit where the system has no notice */
    int64_t stop_at; /* deadline of its stop ladder */
    int64_t started_at_ms;
    int64_t ready_at; /* of sb_clock_ms: when a process of it last began to run */
    int64_t *starts;  /* times of restarts within the window */
    size_t start_count, start_cap;
    uint64_t restarts, messages_in, messages_out, bytes_in, bytes_out, invalid_lines;
    bool has_exited;
    sb_exit last_exit;
    char failure[256];  /* what was wrong with its handshake */
    char reason[256];   /* of the last exit, or why it is being ended */
    char suspended[96]; /* by what, when it was last looked at */
    const char *ending; /* why the kernel ends it; NULL: it does not */
};

/* Where a connection to the listener stands. Only an admitted one is a client to anybody else. */
typedef enum sb_client_stage {
    SB_CLIENT_STRANGER, /* has to show the access token first */
    SB_CLIENT_ADMITTED,
    SB_CLIENT_DISMISSED /* was told why; nothing it sends counts any more */
} sb_client_stage;

struct sb_client {
    sb_conn conn;
    sb_bus *bus;
    sb_client_stage stage;
    bool trusted; /* may ask about the bus itself, see control.c */
    char peer[80];
    sb_source source;
    sb_frame frame;
    sb_queue out;
    sb_link all, backlog_link, dirty_link;
    bool backlog, dirty, blocked;
    bool closing;       /* freed at the end of the step */
    bool slow;          /* its queue is long: it is not read, and its workers neither */
    bool out_of_memory; /* an answer is missing from its queue: it is closed at the next flush */
    int *slowed;        /* ids of the workers paused for it */
    size_t slowed_count, slowed_cap;
    sb_timer stall; /* how long it has not read, or has not shown a token, or does not go */
};

/* The process that ends the workers' groups when the host was killed; see guard.c. */
typedef struct sb_guard {
    char *path; /* absolute; NULL: there shall be none */
    sb_child child;
    sb_queue unsent; /* whole lines */
    sb_timer timer;  /* no process: the next attempt. Else: its end is due */
    int64_t started_at, retry_ms;
    int64_t kill_at; /* once `closing` */
    bool closing;    /* it is not needed any more */
    bool missing;    /* the last attempt to start it failed */
} sb_guard;

/* Where the way down to STOPPED has got to. */
typedef enum sb_stop_phase {
    SB_STOP_NONE,
    SB_STOP_DRAIN,
    SB_STOP_WORKERS,
    SB_STOP_FLUSH
} sb_stop_phase;

struct stdio_bus_waker {
    atomic_int references;
    atomic_bool signalled;
    sb_wake wake;
};

struct stdio_bus {
    stdio_bus_options_t options;
    char *tcp_host, *unix_path;
    sb_config config;
    stdio_bus_state_t state;
    sb_poller *poller;
    stdio_bus_waker_t *waker;
    bool polled; /* the host waits on the poll descriptor itself */
    int depth;   /* inside step or another entry: frees are put off */
    bool stepping;
    bool ended; /* STOPPED was delivered */

    stdio_bus_message_handler on_message;
    void *on_message_user;
    stdio_bus_stderr_handler on_stderr;
    void *on_stderr_user;
    stdio_bus_skipped_handler on_skipped;
    void *on_skipped_user;
    stdio_bus_settled_handler on_settled;
    void *on_settled_user;

    sb_pool *pools;
    sb_worker **workers;
    size_t worker_count, worker_cap;
    size_t timer_count;
    sb_timers timers;
    sb_guard guard;

    sb_conn host;
    sb_link clients, graveyard;
    sb_link annotated; /* connections */
    sb_journal journal;
    size_t client_count;
    sb_link lobby; /* connections that are no clients yet, or no more, in order of arrival */
    size_t lobby_count;
    char *access_token; /* NULL: none is asked for */
    uint64_t next_client;
    uint64_t seed;         /* of all hashes */
    sb_table client_table; /* by id */
    sb_source listener;
    sb_socket_file socket_file;
    char endpoint[300];
    sb_timer accept_again;

    sb_table origins; /* calls by who asked and the id as it came */
    sb_table goals;   /* calls by who answers and the id as it went */
    sb_table tokens;  /* forward calls by worker and progress token as it went */
    sb_table cookies;
    size_t pending; /* forward calls, given-up ones not counted */
    size_t asked;   /* reverse calls */
    sb_call *free_calls;
    size_t free_call_count;
    uint64_t next_alias;

    sb_table sessions; /* by pool and name */
    sb_link idle_sessions;

    sb_link backlog_workers, backlog_clients, dirty_workers, dirty_clients;
    sb_text message; /* composed text for the host */
    sb_text name;    /* decoded session names */
    sb_text id_key;  /* decoded ids */

    sb_stop_phase phase;
    int64_t drain_until, stop_at;
    int64_t grace_ms;      /* what the workers get once nothing is in flight */
    int64_t workers_until; /* their deadline; clients have until stop_at to read the rest */
    sb_timer stop_timer;

    stdio_bus_stats_t stats;
    stdio_bus_counters_t counters;
};

/* --- log.c ------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) void sb_log(sb_bus *bus, int level, const char *format, ...);
/* The same about a worker, which the line names. */
__attribute__((format(printf, 3, 4))) void sb_worker_log(sb_worker *w, int level,
                                                         const char *format, ...);
/* Calls on_error and logs. */
__attribute__((format(printf, 3, 4))) void sb_report(sb_bus *bus, int code, const char *format,
                                                     ...);
/* One line that the worker wrote to its stderr. */
void sb_log_stderr(sb_worker *w, const char *line, size_t len);
void sb_worker_event(sb_worker *w, const char *event);

/* --- step.c --------------------------------------------------------------------------------- */

/* There is work for the next step that the poller cannot see. */
void sb_bus_touch(sb_bus *bus);

#endif
