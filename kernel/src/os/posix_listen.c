/* posix_listen.c: TCP and Unix listeners. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"
#include "posix.h"

int sb_address_listen(const sb_address_list *a, sb_source *s, char *endpoint, size_t room) {
    int fd;
    int error = sb_fd_socket(a->ai_family, &fd);
    if (error)
        return error;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        error = errno;
        close(fd);
        return error;
    }
    sb_address_format((struct sockaddr *)&bound, endpoint, room);
    *s = SB_SOURCE_CLOSED;
    s->handle = fd;
    s->is_socket = true;
    return 0;
}

int sb_addresses_find(const char *host, const char *service, const sb_address_list *hints,
                      sb_address_list **list, char *why, size_t len) {
    int rc = getaddrinfo(host, service, hints, list);
    if (rc == 0)
        return 0;
    snprintf(why, len, "cannot resolve '%s': %s", host,
             rc == EAI_SYSTEM ? "system error" : gai_strerror(rc));
    return SB_NO_ADDRESS;
}

void sb_addresses_free(sb_address_list *list) {
    freeaddrinfo(list);
}

/* Says whether the path may be bound: nothing is there, or the socket of a dead process, which
 * is removed. */
static int clear_path(const char *path, const struct sockaddr_un *address, char *why, size_t len) {
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : sb_listen_fail(errno, why, len, "listen on", path);
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(why, len, "cannot listen on '%s': it exists and is not a socket", path);
        return EEXIST;
    }
    int probe;
    int error = sb_fd_socket(AF_UNIX, &probe);
    if (error)
        return sb_listen_fail(error, why, len, "listen on", path);
    error = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    close(probe);
    if (error == ECONNREFUSED)
        return unlink(path) == 0 || errno == ENOENT
                   ? 0
                   : sb_listen_fail(errno, why, len, "replace", path);
    if (error == 0 || error == EAGAIN || error == EINPROGRESS) {
        snprintf(why, len, "cannot listen on '%s': another process listens there", path);
        return EADDRINUSE;
    }
    return sb_listen_fail(error, why, len, "listen on", path);
}

/* Between bind and listen a socket looks like that of a dead process, and so does one that was
 * looked at just before another process took its place. So one process at a time clears and takes
 * a path: the one that holds the lock on an empty file beside it. */
typedef struct path_lock {
    char name[sizeof(struct sockaddr_un) + 8];
    int fd;
} path_lock;

static int lock_path(const char *path, path_lock *lock) {
    snprintf(lock->name, sizeof lock->name, "%s.lock", path);
    for (;;) {
        lock->fd = open(lock->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (lock->fd < 0)
            return errno;
        int rc;
        do
            rc = flock(lock->fd, LOCK_EX);
        while (rc != 0 && errno == EINTR);
        struct stat held, there;
        int error = rc != 0 || fstat(lock->fd, &held) != 0 ? errno : 0;
        if (!error && (!S_ISREG(held.st_mode) || held.st_size > 0))
            error = EEXIST; /* somebody's file that happens to have this name */
        if (!error && lstat(lock->name, &there) == 0 && there.st_ino == held.st_ino &&
            there.st_dev == held.st_dev)
            return 0;
        close(lock->fd);
        if (error)
            return error;
        /* Whoever held the lock has removed the file: the next one counts. */
    }
}

static void unlock_path(const path_lock *lock) {
    unlink(lock->name);
    close(lock->fd);
}

static int take_path(const char *path, sb_source *s, sb_socket_file *file, char *why,
                     size_t why_len) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int error = clear_path(path, &address, why, why_len);
    if (error)
        return error;
    int fd;
    error = sb_fd_socket(AF_UNIX, &fd);
    if (error)
        return sb_listen_fail(error, why, why_len, "listen on", path);
    /* Nobody can connect between bind and listen, so the mode is in place in time. */
    bool bound = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    struct stat st;
    if (!bound || chmod(path, 0600) != 0 || lstat(path, &st) != 0 || listen(fd, 128) != 0) {
        error = errno;
        close(fd);
        if (bound)
            unlink(path);
        return sb_listen_fail(error, why, why_len, "listen on", path);
    }
    file->device = (uint64_t)st.st_dev;
    file->inode = (uint64_t)st.st_ino;
    *s = SB_SOURCE_CLOSED;
    s->handle = fd;
    s->is_socket = true;
    return 0;
}

int sb_listen_unix(const char *path, sb_source *s, sb_socket_file *file, char *why,
                   size_t why_len) {
    size_t longest = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (!sb_listen_fits(path, longest, why, why_len))
        return ENAMETOOLONG;
    path_lock lock;
    int error = lock_path(path, &lock);
    if (error)
        return sb_listen_fail(error, why, why_len, "lock", lock.name);
    error = take_path(path, s, file, why, why_len);
    unlock_path(&lock);
    return error;
}

void sb_unlink_unix(const char *path, const sb_socket_file *file) {
    struct stat st;
    if (lstat(path, &st) == 0 && (uint64_t)st.st_dev == file->device &&
        (uint64_t)st.st_ino == file->inode)
        unlink(path);
}

/* For a Unix peer: its user must be ours. */
static bool unix_peer_allowed(int fd, char *peer, size_t room) {
    uid_t user;
    pid_t pid;
    if (!sb_fd_peer(fd, &user, &pid)) {
        snprintf(peer, room, "unix: unknown user");
        return false;
    }
    snprintf(peer, room, "unix:pid=%ld,uid=%lu", (long)pid, (unsigned long)user);
    return user == geteuid();
}

sb_accept_result sb_accept(sb_source *listener, sb_source *out, char *peer, size_t room) {
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    int fd;
    do
        fd = sb_fd_accept(sb_fd(listener), (struct sockaddr *)&address, &len);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0) {
        bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return exhausted ? SB_ACCEPT_EXHAUSTED : SB_ACCEPT_NONE;
    }
    if (address.ss_family == AF_INET || address.ss_family == AF_INET6) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sb_address_format((struct sockaddr *)&address, peer, room);
    } else if (!unix_peer_allowed(fd, peer, room)) { /* also for what says no family */
        close(fd);
        return SB_ACCEPT_REFUSED;
    }
    *out = SB_SOURCE_CLOSED;
    out->handle = fd;
    out->is_socket = true;
    return SB_ACCEPT_OK;
}
