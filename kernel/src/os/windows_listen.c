/* windows_listen.c: TCP and Unix listeners. The next client is accepted ahead of time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windows.h"
/* */
#include <afunix.h>
#include <mswsock.h>

#include "listen.h"

#ifndef SIO_AF_UNIX_GETPEERPID
#define SIO_AF_UNIX_GETPEERPID _WSAIOR(IOC_VENDOR, 256)
#endif

enum { BACKLOG = 128, ADDRESS = sizeof(struct sockaddr_storage) + 16 /* as AcceptEx() wants it */ };

typedef struct listener {
    sb_port port;
    SOCKET socket;
    int family;
    sb_operation accept;
    SOCKET next;   /* the socket of the next client */
    bool accepted; /* it is there */
    bool starved;  /* there was no socket to accept it with */
    char addresses[2 * ADDRESS];
} listener;

static listener *of_port(sb_port *port) {
    return SB_ENTRY(port, listener, port);
}

static SOCKET new_socket(int family) {
    return WSASocketW(family, SOCK_STREAM, 0, NULL, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

static void forget_next(listener *l) {
    if (l->next != INVALID_SOCKET)
        closesocket(l->next);
    l->next = INVALID_SOCKET;
    l->accepted = false;
}

/* --- The port -----------------------------------------------------------------------------------
 */

static void begin(sb_port *port) {
    listener *l = of_port(port);
    while (!l->accept.pending && !l->accepted) {
        l->next = new_socket(l->family);
        l->starved = l->next == INVALID_SOCKET;
        if (l->starved)
            return;
        DWORD received;
        sb_operation_begin(&l->accept, port, (HANDLE)l->socket);
        if (AcceptEx(l->socket, l->next, l->addresses, 0, ADDRESS, ADDRESS, &received,
                     &l->accept.overlapped))
            return;
        int error = WSAGetLastError();
        if (error == ERROR_IO_PENDING)
            return;
        sb_operation_withdraw(&l->accept);
        forget_next(l);
        /* A client that has gone again; the next one may be there. */
        l->starved = error != WSAECONNRESET;
        if (l->starved)
            return;
    }
}

static void complete(sb_operation *op, DWORD error, DWORD bytes) {
    listener *l = of_port(op->port);
    (void)bytes;
    l->accepted = error == 0;
    if (error) {
        forget_next(l);
        begin(op->port);
    }
}

static unsigned ready(const sb_port *port) {
    const listener *l = SB_ENTRY(port, const listener, port);
    return l->accepted || l->starved ? SB_READ : 0;
}

static int join(sb_port *port) {
    HANDLE handle = (HANDLE)of_port(port)->socket;
    return CreateIoCompletionPort(handle, sb_poller_completions(port->poller), 0, 0)
               ? 0
               : (int)GetLastError();
}

static void cancel(sb_port *port, bool at_once) {
    listener *l = of_port(port);
    (void)at_once;
    if (l->accept.pending)
        CancelIoEx((HANDLE)l->socket, &l->accept.overlapped);
}

static void release(sb_port *port) {
    listener *l = of_port(port);
    forget_next(l);
    closesocket(l->socket);
    free(l);
}

/* For a Unix peer: its user must be ours. */
static bool unix_peer_allowed(SOCKET s, char *peer, size_t room) {
    ULONG pid = 0;
    DWORD bytes;
    if (WSAIoctl(s, SIO_AF_UNIX_GETPEERPID, NULL, 0, &pid, sizeof pid, &bytes, NULL, NULL) != 0) {
        snprintf(peer, room, "unix: unknown process");
        return false;
    }
    snprintf(peer, room, "unix:pid=%lu", (unsigned long)pid);
    return sb_user_owns_process(pid);
}

static sb_accept_result hand_over(listener *l, sb_source *out, char *peer, size_t room) {
    SOCKET s = l->next;
    l->next = INVALID_SOCKET;
    l->accepted = false;
    /* Until this is said such a socket does not know its own addresses. */
    setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&l->socket, sizeof l->socket);
    if (l->family == AF_UNIX) {
        if (!unix_peer_allowed(s, peer, room)) {
            closesocket(s);
            return SB_ACCEPT_REFUSED;
        }
    } else {
        struct sockaddr_storage address = {0};
        int len = sizeof address, on = 1;
        getpeername(s, (struct sockaddr *)&address, &len);
        sb_address_format((const struct sockaddr *)&address, peer, room);
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
    }
    return sb_stream_open((HANDLE)s, SB_STREAM_SOCKET, out) == 0 ? SB_ACCEPT_OK
                                                                 : SB_ACCEPT_EXHAUSTED;
}

static sb_accept_result accept_next(sb_port *port, sb_source *out, char *peer, size_t room) {
    listener *l = of_port(port);
    sb_accept_result result = l->starved ? SB_ACCEPT_EXHAUSTED : SB_ACCEPT_NONE;
    l->starved = false;
    if (result == SB_ACCEPT_NONE) {
        begin(port);
        if (l->accept.pending) /* who waits already is accepted at once, but has to be taken */
            sb_poller_collect(port->poller);
        if (l->accepted)
            result = hand_over(l, out, peer, room);
    }
    sb_port_changed(port);
    return result;
}

static const sb_port_class listener_class = {.complete = complete,
                                             .ready = ready,
                                             .join = join,
                                             .begin = begin,
                                             .accept = accept_next,
                                             .cancel = cancel,
                                             .release = release};

sb_accept_result sb_accept(sb_source *listener, sb_source *out, char *peer, size_t room) {
    sb_port *port = sb_port_of(listener);
    return port->class->accept(port, out, peer, room);
}

static int open_listener(SOCKET socket, int family, sb_source *s) {
    listener *l = calloc(1, sizeof *l);
    if (!l) {
        closesocket(socket);
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    sb_port_init(&l->port, &listener_class);
    l->socket = socket;
    l->family = family;
    l->next = INVALID_SOCKET;
    sb_port_give(&l->port, s);
    s->is_socket = true;
    return 0;
}

/* --- TCP ----------------------------------------------------------------------------------------
 */

/* SO_REUSEADDR would let two processes listen at one address here. */
int sb_address_listen(const sb_address_list *a, sb_source *s, char *endpoint, size_t room) {
    SOCKET socket = new_socket(a->ai_family);
    if (socket == INVALID_SOCKET)
        return WSAGetLastError();
    int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&on, sizeof on);
    struct sockaddr_storage bound;
    int len = sizeof bound;
    if (bind(socket, a->ai_addr, (int)a->ai_addrlen) != 0 || listen(socket, BACKLOG) != 0 ||
        getsockname(socket, (struct sockaddr *)&bound, &len) != 0) {
        int error = WSAGetLastError();
        closesocket(socket);
        return error;
    }
    sb_address_format((const struct sockaddr *)&bound, endpoint, room);
    return open_listener(socket, a->ai_family, s);
}

int sb_addresses_find(const char *host, const char *service, const sb_address_list *hints,
                      sb_address_list **list, char *why, size_t len) {
    wchar_t *name = sb_wide(host), *number = sb_wide(service);
    int error = name && number ? GetAddrInfoW(name, number, hints, list) : WSAEINVAL;
    free(name);
    free(number);
    if (error) {
        sb_listen_fail(error, why, len, "resolve", host);
        return SB_NO_ADDRESS;
    }
    return 0;
}

void sb_addresses_free(sb_address_list *list) {
    FreeAddrInfoW(list);
}

/* --- Unix ---------------------------------------------------------------------------------------
 */

/* Which file a path leads to, without following it: a socket is a reparse point. */
static int identify(const wchar_t *path, sb_socket_file *file) {
    HANDLE handle =
        CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return (int)GetLastError();
    BY_HANDLE_FILE_INFORMATION info;
    int error = GetFileInformationByHandle(handle, &info) ? 0 : (int)GetLastError();
    CloseHandle(handle);
    if (!error) {
        file->device = info.dwVolumeSerialNumber;
        file->inode = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
        if (!(info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT))
            error = ERROR_FILE_EXISTS;
    }
    return error;
}

/* Says whether the path may be bound: nothing is there, or the socket of a dead process, which is
 * removed. */
static int clear_path(const char *path, const wchar_t *wide, const struct sockaddr_un *address,
                      char *why, size_t len) {
    sb_socket_file there;
    int error = identify(wide, &there);
    if (error == ERROR_FILE_NOT_FOUND)
        return 0;
    if (error == ERROR_FILE_EXISTS) {
        snprintf(why, len, "cannot listen on '%s': it exists and is not a socket", path);
        return error;
    }
    SOCKET probe = error ? INVALID_SOCKET : new_socket(AF_UNIX);
    if (probe == INVALID_SOCKET)
        return sb_listen_fail(error ? error : WSAGetLastError(), why, len, "listen on", path);
    bool lives = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    error = lives ? WSAEADDRINUSE : WSAGetLastError();
    closesocket(probe);
    if (error == WSAECONNREFUSED)
        return DeleteFileW(wide) ? 0
                                 : sb_listen_fail((int)GetLastError(), why, len, "replace", path);
    if (lives) {
        snprintf(why, len, "cannot listen on '%s': another process listens there", path);
        return error;
    }
    return sb_listen_fail(error, why, len, "listen on", path);
}

static int take_path(const char *path, const wchar_t *wide, sb_source *s, sb_socket_file *file,
                     char *why, size_t why_len) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int error = clear_path(path, wide, &address, why, why_len);
    if (error)
        return error;
    SOCKET socket = new_socket(AF_UNIX);
    if (socket == INVALID_SOCKET)
        return sb_listen_fail(WSAGetLastError(), why, why_len, "listen on", path);
    bool bound = bind(socket, (const struct sockaddr *)&address, sizeof address) == 0;
    error = bound ? 0 : WSAGetLastError();
    if (!error)
        error = identify(wide, file);
    if (!error && listen(socket, BACKLOG) != 0)
        error = WSAGetLastError();
    if (error) {
        closesocket(socket);
        if (bound)
            DeleteFileW(wide);
        return sb_listen_fail(error, why, why_len, "listen on", path);
    }
    error = open_listener(socket, AF_UNIX, s);
    return error ? sb_listen_fail(error, why, why_len, "listen on", path) : 0;
}

/* Between bind and listen a socket looks like that of a dead process, and so does one that was
 * looked at just before another process took its place. So one process at a time clears and takes
 * a path. The system lets go of a mutex whose owner has died. */
int sb_listen_unix(const char *path, sb_source *s, sb_socket_file *file, char *why,
                   size_t why_len) {
    if (sb_pipe_is_name(path))
        return sb_pipe_listen(path, s, why, why_len);
    size_t longest = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (!sb_listen_fits(path, longest, why, why_len))
        return ERROR_FILENAME_EXCED_RANGE;
    wchar_t *wide = sb_wide(path);
    HANDLE lock = wide ? CreateMutexW(NULL, FALSE, L"Local\\stdio_bus.listen") : NULL;
    int error = wide ? (int)GetLastError() : ERROR_NO_UNICODE_TRANSLATION;
    if (lock) {
        WaitForSingleObject(lock, INFINITE);
        error = take_path(path, wide, s, file, why, why_len);
        ReleaseMutex(lock);
        CloseHandle(lock);
    } else {
        sb_listen_fail(error, why, why_len, "listen on", path);
    }
    free(wide);
    return error;
}

void sb_unlink_unix(const char *path, const sb_socket_file *file) {
    wchar_t *wide = sb_pipe_is_name(path) ? NULL : sb_wide(path);
    sb_socket_file there;
    if (wide && identify(wide, &there) == 0 && there.device == file->device &&
        there.inode == file->inode)
        DeleteFileW(wide);
    free(wide);
}
