/* windows_stream.c: reading and writing pipes and sockets.
 *
 * One read is always under way while somebody wants to read, into a buffer that is emptied before
 * the next one begins. What is written is copied, since the caller's memory need not last until
 * the system has taken it; the next write waits for the end of the one before.
 */
#include <stdlib.h>
#include <string.h>

#include "windows.h"

enum { BUFFER = 64 * 1024 };

typedef struct stream {
    sb_port port;
    HANDLE handle;
    bool is_socket;
    bool joined;
    bool done_sends_nothing; /* an operation that is done at once sends no completion */
    sb_operation read, write;
    char *in, *out; /* of BUFFER bytes, made when they are needed */
    size_t in_at, in_len;
    size_t out_at, out_len;
    bool at_end; /* the other end sends nothing more */
    int read_error, write_error;
} stream;

static stream *of_port(sb_port *port) {
    return SB_ENTRY(port, stream, port);
}

/* Ways in which the end of a pipe is told. A client that was never there is a reader's as well. */
static bool is_end(DWORD error) {
    return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF ||
           error == ERROR_PIPE_NOT_CONNECTED || error == ERROR_NO_DATA;
}

/* --- Reading -----------------------------------------------------------------------------------
 */

static void arrived(stream *s, DWORD error, DWORD bytes) {
    if (error && is_end(error))
        s->at_end = true;
    else if (error)
        s->read_error = (int)error;
    else if (bytes == 0 && s->is_socket)
        s->at_end = true; /* a pipe may carry an empty write, which means nothing */
    s->in_at = 0;
    s->in_len = error ? 0 : bytes;
}

static DWORD begin_socket_read(stream *s) {
    WSABUF buffer = {.len = BUFFER, .buf = s->in};
    DWORD flags = 0;
    return WSARecv((SOCKET)s->handle, &buffer, 1, NULL, &flags, &s->read.overlapped, NULL) == 0
               ? 0
               : (DWORD)WSAGetLastError();
}

static DWORD begin_pipe_read(stream *s) {
    return ReadFile(s->handle, s->in, BUFFER, NULL, &s->read.overlapped) ? 0 : GetLastError();
}

/* One that is done at once has filled the buffer when this returns, if it sends no completion. */
static void begin_read(stream *s) {
    while (!s->read.pending && !s->in_len && !s->at_end && !s->read_error) {
        if (!s->in)
            s->in = malloc(BUFFER);
        if (!s->in) {
            s->read_error = ERROR_NOT_ENOUGH_MEMORY;
            return;
        }
        sb_operation_begin(&s->read, &s->port, s->handle);
        DWORD error = s->is_socket ? begin_socket_read(s) : begin_pipe_read(s);
        if (error == ERROR_IO_PENDING || (error == 0 && !s->done_sends_nothing))
            return;
        sb_operation_withdraw(&s->read);
        arrived(s, error, error ? 0 : (DWORD)s->read.overlapped.InternalHigh);
    }
}

ptrdiff_t sb_source_read(sb_source *source, void *buf, size_t len) {
    sb_port *port = sb_port_of(source);
    stream *s = of_port(port);
    if (!port->poller)
        return SB_IO_AGAIN;
    if (!s->in_len) {
        begin_read(s);
        if (s->read.pending) /* what lies in the pipe is there at once, but has to be taken */
            sb_poller_collect(port->poller);
    }
    if (s->in_len) {
        size_t n = len < s->in_len ? len : s->in_len;
        memcpy(buf, s->in + s->in_at, n);
        s->in_at += n;
        s->in_len -= n;
        begin_read(s);
        sb_port_changed(port);
        return (ptrdiff_t)n;
    }
    sb_port_changed(port);
    if (s->at_end)
        return 0;
    source->error = s->read_error;
    return s->read_error ? SB_IO_FAILED : SB_IO_AGAIN;
}

/* --- Writing ------------------------------------------------------------------------------------
 */

static DWORD begin_write(stream *s) {
    char *from = s->out + s->out_at;
    DWORD len = (DWORD)s->out_len;
    sb_operation_begin(&s->write, &s->port, s->handle);
    DWORD error;
    if (s->is_socket) {
        WSABUF buffer = {.len = len, .buf = from};
        error = WSASend((SOCKET)s->handle, &buffer, 1, NULL, 0, &s->write.overlapped, NULL) == 0
                    ? 0
                    : (DWORD)WSAGetLastError();
    } else {
        error = WriteFile(s->handle, from, len, NULL, &s->write.overlapped) ? 0 : GetLastError();
    }
    if (error == ERROR_IO_PENDING || (error == 0 && !s->done_sends_nothing))
        return 0;
    sb_operation_withdraw(&s->write);
    return error;
}

/* A write that was cut short goes on with the rest. */
static void written(stream *s, DWORD error, DWORD bytes) {
    s->out_at += bytes;
    s->out_len -= bytes < s->out_len ? bytes : s->out_len;
    if (!error && s->out_len)
        error = begin_write(s);
    if (error)
        s->write_error = (int)error;
}

ptrdiff_t sb_source_write(sb_source *source, const void *buf, size_t len) {
    sb_port *port = sb_port_of(source);
    stream *s = of_port(port);
    if (!port->poller)
        return SB_IO_AGAIN; /* until it is watched for the first time nobody would hear of the end
                             */
    if (s->write.pending)
        sb_poller_collect(port->poller);
    if (!s->write.pending && !s->write_error) {
        if (!s->out)
            s->out = malloc(BUFFER);
        if (s->out) {
            s->out_at = 0;
            s->out_len = len < BUFFER ? len : BUFFER;
            len = s->out_len;
            memcpy(s->out, buf, len);
            s->write_error = (int)begin_write(s);
        } else {
            s->write_error = ERROR_NOT_ENOUGH_MEMORY;
        }
        sb_port_changed(port);
        if (!s->write_error)
            return (ptrdiff_t)len;
    }
    source->error = s->write_error;
    return s->write_error ? SB_IO_FAILED : SB_IO_AGAIN;
}

/* --- The port -----------------------------------------------------------------------------------
 */

static void complete(sb_operation *op, DWORD error, DWORD bytes) {
    stream *s = of_port(op->port);
    if (op == &s->write) {
        written(s, error, bytes);
        return;
    }
    arrived(s, error, bytes);
    if (!s->in_len)
        begin_read(s);
}

/* The end of a socket's input leaves its output alone; a pipe ends as a whole. */
static unsigned ready(const sb_port *port) {
    const stream *s = SB_ENTRY(port, const stream, port);
    bool broken = s->read_error || s->write_error || (s->at_end && !s->is_socket && !s->in_len);
    unsigned what = 0;
    if (s->in_len || s->at_end || s->read_error)
        what |= SB_READ;
    if (!s->write.pending)
        what |= SB_WRITE;
    return broken ? what | SB_WRITE | SB_HANGUP : what;
}

/* Of sockets a completion is always sent: with some network filters installed the system cannot
 * leave it out. */
static int join(sb_port *port) {
    stream *s = of_port(port);
    if (!s->joined && !CreateIoCompletionPort(s->handle, sb_poller_completions(port->poller), 0, 0))
        return (int)GetLastError();
    s->joined = true;
    s->done_sends_nothing = !s->is_socket && SetFileCompletionNotificationModes(
                                                 s->handle, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    return 0;
}

static void begin(sb_port *port) {
    begin_read(of_port(port));
}

/* What was accepted for writing is owed to the other end, and goes on unless all is to end. */
static void cancel(sb_port *port, bool at_once) {
    stream *s = of_port(port);
    if (s->read.pending)
        CancelIoEx(s->handle, &s->read.overlapped);
    if (s->write.pending && at_once)
        CancelIoEx(s->handle, &s->write.overlapped);
}

static void release(sb_port *port) {
    stream *s = of_port(port);
    if (s->is_socket)
        closesocket((SOCKET)s->handle);
    else
        CloseHandle(s->handle);
    free(s->in);
    free(s->out);
    free(s);
}

static const sb_port_class stream_class = {.complete = complete,
                                           .ready = ready,
                                           .join = join,
                                           .begin = begin,
                                           .cancel = cancel,
                                           .release = release};

int sb_stream_open(HANDLE handle, sb_stream_kind kind, sb_source *source) {
    bool is_socket = kind == SB_STREAM_SOCKET;
    stream *s = calloc(1, sizeof *s);
    if (!s) {
        if (is_socket)
            closesocket((SOCKET)handle);
        else
            CloseHandle(handle);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    sb_port_init(&s->port, &stream_class);
    s->handle = handle;
    s->is_socket = is_socket;
    s->joined = kind == SB_STREAM_JOINED_PIPE;
    sb_port_give(&s->port, source);
    source->is_socket = is_socket;
    return 0;
}

/* A pipe cannot be closed by half. Its other end sees the end when it is closed as a whole. */
void sb_source_end_output(const sb_source *source) {
    const stream *s = SB_ENTRY(sb_port_of(source), const stream, port);
    if (s->is_socket)
        shutdown((SOCKET)s->handle, SD_SEND);
}

/* Numbers of the C library, which may be another one than the host's, are no handles. */
int sb_source_adopt(intptr_t handle, sb_source *s) {
    (void)handle, (void)s;
    return ERROR_NOT_SUPPORTED;
}

int sb_source_duplicate(const sb_source *s, sb_source *copy) {
    (void)s, (void)copy;
    return ERROR_NOT_SUPPORTED;
}
