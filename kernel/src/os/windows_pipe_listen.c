/* windows_pipe_listen.c: a named pipe that takes clients, for the same user only.
 *
 * Each client has an instance of the pipe. Some wait, so that clients that come at once need not
 * try again, and there is always at least one: a name without an instance could be taken by
 * another process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windows.h"

enum { INSTANCES = 4, QUOTA = 64 * 1024 };

typedef struct instance {
    sb_operation connect;
    HANDLE pipe; /* INVALID_HANDLE_VALUE: none could be made */
    bool connected;
} instance;

typedef struct pipe_listener {
    sb_port port;
    wchar_t *name;
    SECURITY_ATTRIBUTES security;
    instance instances[INSTANCES];
} pipe_listener;

static pipe_listener *of_port(sb_port *port) {
    return SB_ENTRY(port, pipe_listener, port);
}

static HANDLE new_instance(pipe_listener *l, DWORD first) {
    return CreateNamedPipeW(l->name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
                            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
                            PIPE_UNLIMITED_INSTANCES, QUOTA, QUOTA, 0, &l->security);
}

static int join_instance(pipe_listener *l, const instance *i) {
    return CreateIoCompletionPort(i->pipe, sb_poller_completions(l->port.poller), 0, 0)
               ? 0
               : (int)GetLastError();
}

static void close_instance(instance *i) {
    if (i->pipe != INVALID_HANDLE_VALUE)
        CloseHandle(i->pipe);
    i->pipe = INVALID_HANDLE_VALUE;
    i->connected = false;
}

/* --- The port -----------------------------------------------------------------------------------
 */

static void begin_one(pipe_listener *l, instance *i) {
    if (i->connect.pending || i->connected)
        return;
    if (i->pipe == INVALID_HANDLE_VALUE) {
        i->pipe = new_instance(l, 0);
        if (i->pipe == INVALID_HANDLE_VALUE)
            return;
        if (join_instance(l, i) != 0) {
            close_instance(i);
            return;
        }
    }
    sb_operation_begin(&i->connect, &l->port, i->pipe);
    if (ConnectNamedPipe(i->pipe, &i->connect.overlapped))
        return;
    DWORD error = GetLastError();
    if (error == ERROR_IO_PENDING)
        return;
    sb_operation_withdraw(&i->connect);
    if (error == ERROR_PIPE_CONNECTED)
        i->connected = true;
    else
        close_instance(i); /* a client that has come and gone */
}

static void begin(sb_port *port) {
    pipe_listener *l = of_port(port);
    for (int i = 0; i < INSTANCES; i++)
        begin_one(l, &l->instances[i]);
}

static void complete(sb_operation *op, DWORD error, DWORD bytes) {
    pipe_listener *l = of_port(op->port);
    instance *i = SB_ENTRY(op, instance, connect);
    (void)bytes;
    i->connected = error == 0;
    if (error) {
        close_instance(i);
        begin_one(l, i);
    }
}

/* Also when not one instance could be made, which sb_accept() then tells. */
static unsigned ready(const sb_port *port) {
    const pipe_listener *l = SB_ENTRY(port, const pipe_listener, port);
    bool connected = false, waits = false;
    for (int i = 0; i < INSTANCES; i++) {
        connected = connected || l->instances[i].connected;
        waits = waits || l->instances[i].connect.pending;
    }
    return connected || !waits ? SB_READ : 0;
}

static int join(sb_port *port) {
    pipe_listener *l = of_port(port);
    return join_instance(l, &l->instances[0]);
}

static void cancel(sb_port *port, bool at_once) {
    pipe_listener *l = of_port(port);
    (void)at_once;
    for (int i = 0; i < INSTANCES; i++)
        if (l->instances[i].connect.pending)
            CancelIoEx(l->instances[i].pipe, &l->instances[i].connect.overlapped);
}

static void release(sb_port *port) {
    pipe_listener *l = of_port(port);
    for (int i = 0; i < INSTANCES; i++)
        close_instance(&l->instances[i]);
    LocalFree(l->security.lpSecurityDescriptor);
    free(l->name);
    free(l);
}

static sb_accept_result hand_over(pipe_listener *l, instance *i, sb_source *out, char *peer,
                                  size_t room) {
    HANDLE pipe = i->pipe;
    ULONG pid = 0;
    i->pipe = INVALID_HANDLE_VALUE;
    i->connected = false;
    begin_one(l, i); /* while this one still keeps the name */
    GetNamedPipeClientProcessId(pipe, &pid);
    snprintf(peer, room, "pipe:pid=%lu", (unsigned long)pid);
    return sb_stream_open(pipe, SB_STREAM_JOINED_PIPE, out) == 0 ? SB_ACCEPT_OK
                                                                 : SB_ACCEPT_EXHAUSTED;
}

static sb_accept_result accept_next(sb_port *port, sb_source *out, char *peer, size_t room) {
    pipe_listener *l = of_port(port);
    sb_accept_result result = SB_ACCEPT_NONE;
    bool waits = false;
    begin(port);
    sb_poller_collect(port->poller);
    for (int i = 0; i < INSTANCES && result == SB_ACCEPT_NONE; i++) {
        waits = waits || l->instances[i].connect.pending;
        if (l->instances[i].connected)
            result = hand_over(l, &l->instances[i], out, peer, room);
    }
    if (result == SB_ACCEPT_NONE && !waits)
        result = SB_ACCEPT_EXHAUSTED;
    sb_port_changed(port);
    return result;
}

static const sb_port_class pipe_listener_class = {.complete = complete,
                                                  .ready = ready,
                                                  .join = join,
                                                  .begin = begin,
                                                  .accept = accept_next,
                                                  .cancel = cancel,
                                                  .release = release};

/* --- Opening ------------------------------------------------------------------------------------
 */

bool sb_pipe_is_name(const char *path) {
    return strncmp(path, "\\\\.\\pipe\\", 9) == 0;
}

int sb_pipe_listen(const char *name, sb_source *s, char *why, size_t why_len) {
    char text[256];
    pipe_listener *l = calloc(1, sizeof *l);
    if (!l) {
        snprintf(why, why_len, "cannot listen on '%s': out of memory", name);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    for (int i = 0; i < INSTANCES; i++)
        l->instances[i].pipe = INVALID_HANDLE_VALUE;
    sb_port_init(&l->port, &pipe_listener_class);
    l->name = sb_wide(name);
    int error = l->name ? sb_user_only(&l->security) : ERROR_NO_UNICODE_TRANSLATION;
    if (!error) {
        l->instances[0].pipe = new_instance(l, FILE_FLAG_FIRST_PIPE_INSTANCE);
        error = l->instances[0].pipe == INVALID_HANDLE_VALUE ? (int)GetLastError() : 0;
    }
    if (!error) {
        sb_port_give(&l->port, s);
        return 0;
    }
    /* The first instance is refused in these words when there is one already. */
    bool taken = error == ERROR_ACCESS_DENIED || error == ERROR_PIPE_BUSY;
    snprintf(why, why_len, "cannot listen on '%s': %s", name,
             taken ? "another process listens there" : sb_os_error_text(error, text, sizeof text));
    release(&l->port);
    return error;
}
