/* os.h: the porting contract. Everything the kernel asks of an operating system stands here:
 * poller, wake-up, pipes, child processes, exit notice, listener, clock.
 *
 * The style is readiness: wait, then read or write without blocking. A port whose system
 * completes operations instead (Windows) keeps a small private buffer per source, reads into
 * it ahead of time and reports "readable" when it holds bytes; `port` is its place for that.
 * Reads and writes therefore always go through sb_source_read() and sb_source_write().
 *
 * Functions that can fail return 0 or a system error number (errno), which
 * sb_os_error_text() turns into words.
 */
#ifndef SB_OS_H
#define SB_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_NO_HANDLE ((intptr_t)-1)

enum { SB_READ = 1u, SB_WRITE = 2u, SB_HANGUP = 4u };

/* One end of a pipe or socket, a listener, an exit notice or a wake-up. `kind` and `owner`
 * belong to the loop, the rest to the port. */
typedef struct sb_source {
    intptr_t handle; /* SB_NO_HANDLE: closed */
    void *port;      /* private to the port */
    void *owner;
    uint8_t kind;
    uint8_t interest; /* what the poller watches now */
    bool is_socket;
    int error; /* system error of the last failed read or write */
} sb_source;

#define SB_SOURCE_CLOSED ((sb_source){.handle = SB_NO_HANDLE})

static inline bool sb_source_is_open(const sb_source *s) {
    return s->handle != SB_NO_HANDLE;
}

/* --- Poller ---------------------------------------------------------------------------- */

typedef struct sb_poller sb_poller;
typedef struct sb_event {
    sb_source *source;
    unsigned ready; /* SB_READ | SB_WRITE | SB_HANGUP; a hang-up is also reported as readable */
} sb_event;

int sb_poller_open(sb_poller **out);
void sb_poller_close(sb_poller *p);
/* A descriptor that is readable while wait would return at once; SB_NO_HANDLE where the
 * system has none. */
intptr_t sb_poller_handle(const sb_poller *p);
/* Watches for `interest` and nothing else; a hang-up is reported beside whatever is watched (of a
 * socket that is read it may be told by the read alone), and alone with SB_HANGUP; 0 stops
 * watching. Level-triggered: what is not consumed is reported again. A source that can be both
 * read and written may come as two events. */
int sb_poller_watch(sb_poller *p, sb_source *s, unsigned interest);
/* Makes wait return (with no event) and the handle readable at `due_ms` of sb_clock_ms();
 * negative: never. Only the last call counts. */
void sb_poller_alarm(sb_poller *p, int64_t due_ms);
/* Waits up to timeout_ms (-1: without limit) and fills up to `room` events. Returns their number;
 * 0 also after a wake-up, an alarm or a signal. Negative: a system error, negated. */
int sb_poller_wait(sb_poller *p, int timeout_ms, sb_event *events, int room);

/* --- Wake-up: the only thing other threads touch ---------------------------------------- */

typedef struct sb_wake {
    intptr_t handle;
} sb_wake;
int sb_wake_open(sb_wake *w);
void sb_wake_close(sb_wake *w);
void sb_wake_signal(const sb_wake *w); /* any thread; ends the current or the next wait */
int sb_poller_attach(sb_poller *p, const sb_wake *w);

/* --- Reading and writing ------------------------------------------------------------------ */

enum { SB_IO_AGAIN = -1, SB_IO_FAILED = -2 };
/* Bytes read (> 0), 0 at end of file, SB_IO_AGAIN, or SB_IO_FAILED with s->error set. */
ptrdiff_t sb_source_read(sb_source *s, void *buf, size_t len);
/* Bytes written (> 0), SB_IO_AGAIN, or SB_IO_FAILED. Must stand between hold and release. */
ptrdiff_t sb_source_write(sb_source *s, const void *buf, size_t len);
/* Stops watching and closes. Harmless on a closed source. */
void sb_source_close(sb_poller *p, sb_source *s);
/* Tells the peer of a socket that nothing more will come; reading goes on. */
void sb_source_end_output(const sb_source *s);
/* Takes over a descriptor of the host and makes it non-blocking. Refuses a file or folder, which
 * cannot be waited for. */
int sb_source_adopt(intptr_t handle, sb_source *s);
/* A second handle for the same stream. */
int sb_source_duplicate(const sb_source *s, sb_source *copy);
/* Writing to a pipe nobody reads must not end the host: a signal that would is held back
 * between these two. Free where the host ignores or handles it. */
typedef struct sb_pipe_signal {
    bool held, was_pending;
    uint64_t saved[16];
} sb_pipe_signal;
void sb_pipe_signal_hold(sb_pipe_signal *held);
void sb_pipe_signal_release(sb_pipe_signal *held);

/* --- Children ----------------------------------------------------------------------------- */

typedef struct sb_command {
    const char *file;  /* with a separator: this file; else looked up on the PATH of `env` */
    char *const *args; /* without the command itself, NULL-terminated */
    char *const *env;  /* "KEY=value", NULL-terminated, laid over the host's environment */
    bool inherit_env;  /* false: `env` is all there is */
    const char *cwd;   /* NULL: the host's */
    bool capture_stderr;
    /* Ends with its input, not with the host: it gets a session of its own, so that no terminal
     * of the host reaches it, and no pipe but its stdin; stdout and stderr are the null device. */
    bool outlives_host;
    /* A pipe that is told "+PID\n" before the command runs, so that whoever reads it knows the
     * group before there can be anything in it; NULL: none. Tried once, without blocking. A
     * system where nothing can be done before the command runs leaves it out. */
    const sb_source *announce;
} sb_command;

typedef struct sb_child {
    int64_t pid;       /* 0: none */
    int64_t announced; /* the pid under which it may have been announced, also when it then could
                          not become the command */
    sb_source in, out, err;
    sb_source exit; /* readable at exit; closed where the system has no such notice:
                       then sb_child_reap() is to be asked now and then */
} sb_child;

typedef struct sb_exit {
    bool known; /* false: somebody else reaped it */
    int code;   /* -1: ended by a signal, or unknown */
    int signal; /* 0: none */
} sb_exit;

/* Starts a process with three pipes (two, and the host's stderr, without capture_stderr) and no
 * other descriptor, default signals, in a process group of its own that dies with the calling
 * thread (but see outlives_host). On failure the text of what was tried stands in `why`. */
int sb_spawn(const sb_command *command, sb_child *child, char *why, size_t why_len);
/* False while the leader lives. Otherwise kills what is left of its group, reaps it by its
 * pid and closes the exit notice (the pipes stay). */
bool sb_child_reap(sb_poller *p, sb_child *child, sb_exit *out);
void sb_child_terminate(const sb_child *child); /* the polite signal, to the whole group */
void sb_child_kill(const sb_child *child);      /* at once, the whole group */
/* Waits up to timeout_ms for the exit; used only when a bus is destroyed. */
void sb_child_wait(const sb_child *child, int timeout_ms);
/* Whether it was stopped by a terminal or a signal; *signal names which. */
bool sb_child_is_suspended(const sb_child *child, int *signal);
/* "SIGKILL"; NULL when the number has no name. */
const char *sb_signal_name(int signal);
/* Whether the system itself ends a child's whole group when the host dies, however it dies; else
 * that takes a guard (guard.h). */
bool sb_children_end_with_host(void);

/* --- Listener ------------------------------------------------------------------------------- */

typedef struct sb_socket_file {
    uint64_t device, inode;
} sb_socket_file;

/* Opens a TCP listener; host may be an IPv4 or IPv6 address or a name, of a loopback address unless
 * `exposed` allows any. The chosen address stands in `endpoint`, or the reason of the failure in
 * `why`. */
int sb_listen_tcp(const char *host, uint16_t port, bool exposed, sb_source *s, char *endpoint,
                  size_t room, char *why, size_t why_len);
/* Opens a Unix socket of mode 0600. Replaces the socket of a dead process, refuses anything else
 * that stands at the path. Of several processes that try at once one succeeds; while they do, an
 * empty file "PATH.lock" stands beside it. */
int sb_listen_unix(const char *path, sb_source *s, sb_socket_file *file, char *why, size_t why_len);
/* Removes the file, if it is still the one that was made. */
void sb_unlink_unix(const char *path, const sb_socket_file *file);

typedef enum sb_accept_result {
    SB_ACCEPT_OK,
    SB_ACCEPT_NONE,      /* nobody waits */
    SB_ACCEPT_REFUSED,   /* another user; closed again. `peer` says who */
    SB_ACCEPT_EXHAUSTED, /* no descriptor or memory left: try later */
} sb_accept_result;
sb_accept_result sb_accept(sb_source *listener, sb_source *out, char *peer, size_t room);

/* --- Clock, chance, words ------------------------------------------------------------------- */

int64_t sb_clock_ms(void);      /* monotonic */
int64_t sb_clock_unix_ms(void); /* since 1970 */
uint64_t sb_random(void);
/* The system's words for an error number, in `buf`. */
const char *sb_os_error_text(int error, char *buf, size_t len);

#endif
