#include "faulty_calls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern "C" {
ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __real_sb_fd_write(int fd, const void *buf, size_t len);
ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
int __real_accept4(int fd, sockaddr *address, socklen_t *len, int flags);
int __real_epoll_ctl(int epoll, int op, int fd, epoll_event *event);
int __real_epoll_wait(int epoll, epoll_event *events, int room, int timeout);
int __real_poll(pollfd *fds, nfds_t count, int timeout);
int __real_clock_gettime(clockid_t id, timespec *now);
int __real_timerfd_settime(int fd, int flags, const itimerspec *when, itimerspec *former);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
char *__real_strdup(const char *text);
}

namespace {

// Smaller ones are wake-ups, reports between parent and child, and signals passed through a pipe:
// the system takes them whole or not at all.
constexpr size_t kSmallestDisturbed = 64;

FaultControl own_control;

FaultControl *FindControl() {
    const char *path = std::getenv(kFaultControlVariable);
    if (!path)
        return &own_control;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *shared =
        fd < 0 ? MAP_FAILED
               : mmap(nullptr, sizeof(FaultControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    unsetenv(kFaultControlVariable);
    if (shared == MAP_FAILED)
        abort();
    return static_cast<FaultControl *>(shared);
}

uint64_t Draw() {
    uint64_t z = Faults().lot.fetch_add(0x9E3779B97F4A7C15u) + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

bool Strikes(const std::atomic<unsigned> &chance) {
    return Faults().armed && chance && Draw() % 1024 < chance;
}

bool IsSocket(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

// Only one that never waits may say EAGAIN.
bool NeverWaits(int fd) {
    return IsSocket(fd) || (fcntl(fd, F_GETFL) & O_NONBLOCK);
}

int Fail(int error) {
    errno = error;
    return -1;
}

void NoteBreak(int fd) {
    Faults().breaks++;
    if (IsSocket(fd))
        Faults().socket_breaks++;
}

// The error with which a read or a write fails, or 0. Shortens *len.
int Disturb(int fd, size_t *len, int hard_error) {
    if (*len < kSmallestDisturbed)
        return 0;
    FaultControl &c = Faults();
    if (Strikes(c.interrupted)) {
        c.interruptions++;
        return EINTR;
    }
    if (Strikes(c.again) && NeverWaits(fd)) {
        c.agains++;
        return EAGAIN;
    }
    if (Strikes(c.broken) && fd > STDERR_FILENO) {
        NoteBreak(fd);
        return hard_error;
    }
    if (Strikes(c.shortened)) {
        c.shortenings++;
        // Mostly very few bytes: those cut names, numbers and characters in the middle.
        *len = Draw() % 4 ? 1 + Draw() % 16 : 1 + Draw() % *len;
    }
    return 0;
}

// --- Timers follow a clock that leaps -----------------------------------------------------------

struct Timer {
    int fd = -1;
    itimerspec when{};
};
std::array<Timer, 16> timers;
int64_t leap_of_timers = 0;

timespec Moved(timespec t, int64_t ms) {
    int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    if (t.tv_nsec < 0) {
        t.tv_sec--;
        t.tv_nsec += 1000000000;
    }
    return t;
}

int SetTimer(int fd, const itimerspec &when) {
    itimerspec real = when;
    if (when.it_value.tv_sec != 0 || when.it_value.tv_nsec != 0) {
        real.it_value = Moved(when.it_value, -Faults().leap_ms);
        if (real.it_value.tv_sec < 0 || (real.it_value.tv_sec == 0 && real.it_value.tv_nsec == 0))
            real.it_value = {0, 1};
    }
    return __real_timerfd_settime(fd, TFD_TIMER_ABSTIME, &real, nullptr);
}

// The system would do this by itself.
void FollowLeap() {
    if (leap_of_timers == Faults().leap_ms)
        return;
    leap_of_timers = Faults().leap_ms;
    for (const Timer &timer : timers)
        if (timer.fd >= 0)
            SetTimer(timer.fd, timer.when);
}

// --- The heap -----------------------------------------------------------------------------------

void *Taken(void *block) {
    if (block) {
        Faults().heap_bytes += static_cast<int64_t>(malloc_usable_size(block));
        Faults().heap_blocks++;
    }
    return block;
}

void GivenBack(void *block) {
    if (block) {
        Faults().heap_bytes -= static_cast<int64_t>(malloc_usable_size(block));
        Faults().heap_blocks--;
    }
}

} // namespace

FaultControl &Faults() {
    static FaultControl *control = FindControl();
    return *control;
}

extern "C" {

ssize_t __wrap_read(int fd, void *buf, size_t len) {
    int error = Disturb(fd, &len, IsSocket(fd) ? ECONNRESET : EIO);
    return error ? Fail(error) : __real_read(fd, buf, len);
}

ssize_t __wrap_write(int fd, const void *buf, size_t len) {
    int error = Disturb(fd, &len, ENOSPC);
    return error ? Fail(error) : __real_write(fd, buf, len);
}

// The kernel's own, which may pass by the C library.
ssize_t __wrap_sb_fd_write(int fd, const void *buf, size_t len) {
    int error = Disturb(fd, &len, ENOSPC);
    return error ? Fail(error) : __real_sb_fd_write(fd, buf, len);
}

ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags) {
    int error = Disturb(fd, &len, ENOBUFS);
    return error ? Fail(error) : __real_send(fd, buf, len, flags);
}

int __wrap_accept4(int fd, sockaddr *address, socklen_t *len, int flags) {
    static const int errors[] = {EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    if (Strikes(Faults().refused)) {
        Faults().refusals++;
        return Fail(errors[Draw() % std::size(errors)]);
    }
    return __real_accept4(fd, address, len, flags);
}

int __wrap_epoll_ctl(int epoll, int op, int fd, epoll_event *event) {
    if (op == EPOLL_CTL_ADD && Strikes(Faults().unwatched)) {
        NoteBreak(fd);
        return Fail(ENOSPC); // max_user_watches is reached
    }
    return __real_epoll_ctl(epoll, op, fd, event);
}

int __wrap_epoll_wait(int epoll, epoll_event *events, int room, int timeout) {
    FollowLeap();
    if (Strikes(Faults().interrupted)) {
        Faults().interruptions++;
        return Fail(EINTR);
    }
    if (Strikes(Faults().shortened))
        room = 1 + static_cast<int>(Draw() % static_cast<uint64_t>(room));
    return __real_epoll_wait(epoll, events, room, timeout);
}

int __wrap_poll(pollfd *fds, nfds_t count, int timeout) {
    FollowLeap();
    if (Strikes(Faults().interrupted)) {
        Faults().interruptions++;
        return Fail(EINTR);
    }
    return __real_poll(fds, count, timeout);
}

int __wrap_clock_gettime(clockid_t id, timespec *now) {
    int result = __real_clock_gettime(id, now);
    if (result == 0 && id == CLOCK_MONOTONIC)
        *now = Moved(*now, Faults().leap_ms);
    if (result == 0 && id == CLOCK_REALTIME)
        *now = Moved(*now, Faults().wall_ms);
    return result;
}

int __wrap_timerfd_settime(int fd, int flags, const itimerspec *when, itimerspec *former) {
    if (!(flags & TFD_TIMER_ABSTIME) || former)
        abort(); // the kernel does neither
    auto timer = std::find_if(timers.begin(), timers.end(),
                              [fd](const Timer &t) { return t.fd == fd || t.fd < 0; });
    if (timer == timers.end())
        abort();
    *timer = {fd, *when};
    return SetTimer(fd, *when);
}

void *__wrap_malloc(size_t size) {
    return Taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return Taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size) {
    GivenBack(block);
    void *moved = __real_realloc(block, size);
    Taken(moved || size == 0 ? moved : block);
    return moved;
}

void __wrap_free(void *block) {
    GivenBack(block);
    __real_free(block);
}

char *__wrap_strdup(const char *text) {
    return static_cast<char *>(Taken(__real_strdup(text)));
}

} // extern "C"
