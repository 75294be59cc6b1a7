/* daemon.c: one wait for the bus, the signals, standard input and what could not be written yet. */
#include "daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "log.h"
#include "os/path.h"
#include "process.h"
#include "signals.h"
#include "stdio_client.h"
#include "waits.h"

typedef struct daemon_state {
    stdio_bus_t *bus;
    sbd_log log;
    sbd_stdio_client client;
    sbd_waits waits;
    bool with_client; /* --stdio */
    bool stopping;
    int64_t give_up_at; /* for output that nobody reads, once stopping; milliseconds */
    uint32_t drain_sec;
    int signals;
    int host_fd; /* ends with the host; -1: none */
} daemon_state;

enum { EXIT_DONE = 0, EXIT_FAILED = 1, AFTER_SIGNAL = 128 };

/* --- What the bus tells -------------------------------------------------------------------- */

static void on_log(stdio_bus_t *bus, int level, const char *text, void *user) {
    (void)bus;
    sbd_log_text(&((daemon_state *)user)->log, level, text, strlen(text));
}

static void on_message(stdio_bus_t *bus, const char *text, size_t len, void *user) {
    (void)bus;
    sbd_stdio_write(&((daemon_state *)user)->client, text, len);
}

static void on_worker(stdio_bus_t *bus, int id, const char *event, void *user) {
    daemon_state *d = user;
    (void)bus;
    if (d->with_client && strcmp(event, "started") == 0 && d->client.bus)
        sbd_stdio_worker_started(&d->client, id);
}

static void on_stderr(stdio_bus_t *bus, int id, const char *line, size_t len, void *user) {
    char text[8 * 1024 + 64];
    int n = snprintf(text, sizeof text, "[worker=%d] stderr: ", id);
    (void)bus;
    if (len > sizeof text - (size_t)n)
        len = sizeof text - (size_t)n;
    memcpy(text + n, line, len);
    sbd_log_text(&((daemon_state *)user)->log, STDIO_BUS_LOG_INFO, text, (size_t)n + len);
}

/* --- Start and stop ------------------------------------------------------------------------ */

/* The daemon guards its own workers. */
static void set_guard(daemon_state *d) {
    char *program = sb_path_executable();
    int code = program ? stdio_bus_set_guard(d->bus, program) : STDIO_BUS_ENOTFOUND;
    if (code != STDIO_BUS_OK)
        sbd_log_line(&d->log, STDIO_BUS_LOG_WARN,
                     "no guard: the daemon cannot tell where its program lies; what workers have "
                     "started will outlive a daemon that is killed");
    free(program);
}

/* One line on standard output: from here on clients are served. */
static void tell_host(daemon_state *d) {
    static const char ready[] = "{\"jsonrpc\":\"2.0\",\"method\":\"stdio_bus/ready\"}\n";
    ssize_t n = write(SBD_STDOUT, ready, sizeof ready - 1);
    if (n != (ssize_t)sizeof ready - 1)
        sbd_log_line(&d->log, STDIO_BUS_LOG_WARN, "standard output: the host could not be told");
}

static bool start(daemon_state *d, const sbd_arguments *arguments, const sbd_source *source,
                  const char *token) {
    stdio_bus_options_t options;
    memset(&options, 0, sizeof options);
    options.config_path = source->path;
    options.config_json = source->path ? NULL : source->text;
    options.listener = arguments->listener;
    options.on_message = d->with_client ? on_message : NULL;
    options.on_log = on_log;
    options.on_worker = on_worker;
    options.user_data = d;
    options.log_level = (int)arguments->log_level;
    d->bus = stdio_bus_create(&options);
    if (!d->bus) {
        sbd_log_line(&d->log, STDIO_BUS_LOG_ERROR, "the bus could not be created");
        return false;
    }
    d->client.bus = d->bus;
    sbd_waits_open(&d->waits, d->bus);
    stdio_bus_set_stderr_handler(d->bus, on_stderr, d);
    set_guard(d);
    int code = stdio_bus_set_access_token(d->bus, token);
    if (code == STDIO_BUS_OK)
        code = stdio_bus_start(d->bus);
    if (code != STDIO_BUS_OK) {
        sbd_log_line(&d->log, STDIO_BUS_LOG_ERROR, "the bus could not start: %s",
                     stdio_bus_strerror(code));
        return false;
    }
    if (d->host_fd >= 0)
        tell_host(d);
    const char *endpoint = stdio_bus_listen_endpoint(d->bus);
    sbd_log_line(&d->log, STDIO_BUS_LOG_INFO, "ready: %zu workers in %zu pools, clients on %s%s",
                 source->workers, source->pools, d->with_client ? "standard input" : "",
                 d->with_client ? "" : endpoint);
    return true;
}

static void begin_stop(daemon_state *d, const char *why) {
    if (d->stopping)
        return;
    d->stopping = true;
    d->client.reading = false;
    d->give_up_at = sb_clock_ms() + (int64_t)d->drain_sec * 1000;
    sbd_log_line(&d->log, STDIO_BUS_LOG_INFO, "stopping: %s", why);
    if (d->with_client)
        sb_host_fall_silent(d->bus);
    stdio_bus_stop(d->bus, 0);
}

/* Returns the exit status when the signal ends everything at once, else 0. */
static int take_signals(daemon_state *d) {
    int number;
    while ((number = sbd_signals_next(d->signals)) != 0) {
        if (d->stopping)
            return AFTER_SIGNAL + number;
        begin_stop(d, sbd_signals_name(number));
    }
    return 0;
}

/* --- The loop ------------------------------------------------------------------------------ */

static void what_to_wait_for(daemon_state *d) {
    sbd_waits *w = &d->waits;
    const sbd_outlet *out = &d->client.out;
    sbd_waits_set(w, SBD_ON_SIGNAL, d->signals, SB_READ);
    sbd_waits_set(w, SBD_ON_LOG, d->log.outlet.fd, sbd_log_waits(&d->log) ? SB_WRITE : 0);
    if (d->host_fd >= 0)
        sbd_waits_set(w, SBD_ON_INPUT, d->host_fd, d->stopping ? 0 : SB_READ);
    if (!d->with_client)
        return;
    sbd_waits_set(w, SBD_ON_INPUT, SBD_STDIN, sbd_stdio_wants_input(&d->client) ? SB_READ : 0);
    /* The hang-up is the news that nobody reads any more. */
    unsigned output = SB_HANGUP | (sbd_outlet_waiting(out) ? SB_WRITE : 0);
    sbd_waits_set(w, SBD_ON_OUTPUT, out->fd, out->error ? 0 : output);
}

static void serve_client(daemon_state *d) {
    if (sbd_waits_ready(&d->waits, SBD_ON_INPUT) && d->client.reading) {
        sbd_stdio_read(&d->client);
        if (!d->client.reading)
            begin_stop(d, "standard input has ended");
    }
    if (sbd_waits_ready(&d->waits, SBD_ON_OUTPUT) & SB_HANGUP && !d->client.out.error)
        d->client.out.error = EPIPE;
}

/* What comes there after the configuration means nothing; its end does. */
static void watch_host(daemon_state *d) {
    char ignored[512];
    if (!sbd_waits_ready(&d->waits, SBD_ON_INPUT) || d->stopping)
        return;
    ssize_t n = read(d->host_fd, ignored, sizeof ignored);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        begin_stop(d, "the host has gone");
}

static void flush(daemon_state *d) {
    if (d->with_client) {
        sbd_stdio_flush(&d->client);
        if (d->client.out.error)
            begin_stop(d, "standard output was closed by its reader");
    }
    sbd_log_flush(&d->log);
}

/* Whether the client still has to be given something. */
static bool output_waits(const daemon_state *d) {
    return d->with_client && !d->client.out.error && sbd_outlet_waiting(&d->client.out) > 0;
}

static int run(daemon_state *d) {
    for (;;) {
        int timeout = -1, code;
        if (stdio_bus_get_state(d->bus) == STDIO_BUS_STATE_STOPPED) {
            int64_t left = d->give_up_at - sb_clock_ms();
            if (!output_waits(d) || left <= 0)
                return EXIT_DONE;
            timeout = (int)left;
        }
        what_to_wait_for(d);
        switch (sbd_wait(&d->waits, timeout, &code)) {
        case SBD_WAIT_OK:
            break;
        case SBD_WAIT_SYSTEM:
            sbd_log_line(&d->log, STDIO_BUS_LOG_ERROR, "poll: %s", strerror(code));
            return EXIT_FAILED;
        case SBD_WAIT_BUS:
            sbd_log_line(&d->log, STDIO_BUS_LOG_ERROR, "the bus failed: %s",
                         stdio_bus_strerror(code));
            return EXIT_FAILED;
        }
        int status = sbd_waits_ready(&d->waits, SBD_ON_SIGNAL) ? take_signals(d) : 0;
        if (status)
            return status;
        if (d->with_client)
            serve_client(d);
        else if (d->host_fd >= 0)
            watch_host(d);
        flush(d);
    }
}

/* The last answers, made as the bus ended, still go out. Messages that could not be written are
 * an error, also after an orderly end. */
static int finish_output(daemon_state *d, int status) {
    if (!d->with_client)
        return status;
    sbd_outlet_finish(&d->client.out);
    if (sbd_outlet_waiting(&d->client.out) == 0 && d->client.lost == 0)
        return status;
    sbd_log_line(&d->log, STDIO_BUS_LOG_ERROR,
                 "standard output: %s; %zu bytes and %" PRIu64 " further messages were not written",
                 d->client.out.error ? strerror(d->client.out.error) : "not read in time",
                 sbd_outlet_waiting(&d->client.out), d->client.lost);
    return status ? status : EXIT_FAILED;
}

int sbd_daemon_run(const sbd_arguments *arguments, const sbd_source *source, const char *token) {
    daemon_state d;
    memset(&d, 0, sizeof d);
    sbd_log_open(&d.log, SBD_STDERR, (int)arguments->log_level);
    d.with_client = arguments->listener.mode == STDIO_BUS_LISTEN_NONE;
    d.host_fd = arguments->host_fd;
    d.drain_sec = source->limits.drain_timeout_sec;
    if (d.with_client)
        sbd_stdio_open(&d.client, &d.log, &source->limits);
    int status = EXIT_FAILED;
    d.signals = sbd_signals_open(d.host_fd < 0);
    if (d.signals < 0)
        sbd_log_line(&d.log, STDIO_BUS_LOG_ERROR, "signals: %s", strerror(errno));
    else if (start(&d, arguments, source, token))
        status = run(&d);
    stdio_bus_destroy(d.bus);
    if (d.bus)
        status = finish_output(&d, status);
    if (d.with_client)
        sbd_stdio_close(&d.client);
    sbd_log_flush(&d.log);
    sbd_outlet_finish(&d.log.outlet);
    sbd_log_close(&d.log);
    return status;
}
