#include "simulated_handles.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

#include "require.h"

namespace simulated_os {

namespace {

struct Poller {
    std::map<intptr_t, sb_source *> watched;
    int64_t alarm = -1;
    bool woken = false;
    size_t turn = 0;
};

System system_now;
std::map<intptr_t, Handle> handles;
Poller poller;
intptr_t next_handle;
uint64_t random_state;
int held_signals;

void Close(intptr_t number) {
    Handle handle = Find(number);
    handles.erase(number);
    the->open_handles--;
    the->activity++;
    // A duplicate keeps the stream open.
    for (const auto &other : handles) {
        if (other.second.in == handle.in)
            handle.in = nullptr;
        if (other.second.out == handle.out)
            handle.out = nullptr;
    }
    if (handle.in)
        handle.in->has_reader = false;
    if (handle.out)
        handle.out->has_writer = false;
    if (handle.what == What::kListener)
        the->listening = false;
}

bool HasRoom(const Pipe *pipe) {
    return pipe->bytes.size() + pipe->whole <= pipe->capacity;
}

// As epoll has it: a hang-up is reported whatever is asked for.
unsigned Ready(const Handle &h, unsigned interest) {
    bool readable = false, writable = false, hangup = false;
    switch (h.what) {
    case What::kReader:
        readable = !h.in->bytes.empty();
        hangup = !h.in->has_writer;
        break;
    case What::kWriter:
        writable = HasRoom(h.out);
        hangup = !h.out->has_reader;
        break;
    case What::kSocket:
        readable = !h.in->bytes.empty() || !h.in->has_writer;
        writable = HasRoom(h.out) || !h.out->has_reader;
        hangup = !h.in->has_writer && !h.out->has_reader;
        break;
    case What::kListener:
        readable = !the->waiting.empty();
        break;
    case What::kExit:
        readable = h.process->exited;
        break;
    default:
        break;
    }
    unsigned ready = 0;
    if (hangup || (readable && (interest & SB_READ)))
        ready |= SB_READ;
    if ((writable && (interest & SB_WRITE)) || (hangup && h.what == What::kWriter))
        ready |= SB_WRITE;
    return hangup ? ready | SB_HANGUP : ready;
}

bool AlarmIsDue() {
    return poller.alarm >= 0 && poller.alarm <= the->now;
}

int Collect(sb_event *events, int room) {
    std::vector<sb_event> found;
    for (const auto &entry : poller.watched) {
        unsigned ready = Ready(Find(entry.first), entry.second->interest);
        if (ready)
            found.push_back({entry.second, ready});
    }
    if (!found.empty()) // nobody is always first
        std::rotate(found.begin(), found.begin() + static_cast<long>(poller.turn++ % found.size()),
                    found.end());
    int count = std::min(room, static_cast<int>(found.size()));
    std::copy_n(found.begin(), count, events);
    return count;
}

} // namespace

System *the = &system_now;

intptr_t Open(Handle handle) {
    handles[++next_handle] = handle;
    the->open_handles++;
    return next_handle;
}

Handle &Find(intptr_t number) {
    auto found = handles.find(number);
    REQUIRE(found != handles.end());
    return found->second;
}

void Reset() {
    system_now = System();
    handles.clear();
    poller = Poller();
    next_handle = 100;
    random_state = 1;
    held_signals = 0;
    FailAllocations(0, 0);
}

bool PollerIsReady() {
    sb_event event;
    size_t turn = poller.turn;
    bool ready = poller.woken || AlarmIsDue() || Collect(&event, 1) > 0;
    poller.turn = turn;
    return ready;
}

void CloseHandle(int handle) {
    Close(handle);
}

} // namespace simulated_os

using namespace simulated_os;

extern "C" {

// --- Poller ----------------------------------------------------------------------------------

int sb_poller_open(sb_poller **out) {
    Open({What::kPoller});
    *out = reinterpret_cast<sb_poller *>(&poller);
    return 0;
}

void sb_poller_close(sb_poller *p) {
    if (p)
        the->open_handles--;
}

intptr_t sb_poller_handle(const sb_poller *) {
    return 3;
}

int sb_poller_watch(sb_poller *, sb_source *s, unsigned interest) {
    if (!sb_source_is_open(s) || s->interest == interest)
        return 0;
    Find(s->handle);
    if (interest && the->failing_watches > 0) {
        the->failing_watches--;
        return ENOMEM;
    }
    if (interest)
        poller.watched[s->handle] = s;
    else
        poller.watched.erase(s->handle);
    s->interest = static_cast<uint8_t>(interest);
    return 0;
}

void sb_poller_alarm(sb_poller *, int64_t due_ms) {
    poller.alarm = due_ms < 0 ? -1 : due_ms;
}

int sb_poller_wait(sb_poller *, int timeout_ms, sb_event *events, int room) {
    REQUIRE(timeout_ms >= 0); // nothing happens by itself: this would be for ever
    int count = Collect(events, room);
    if (count == 0 && !poller.woken && !AlarmIsDue()) {
        int64_t until = the->now + timeout_ms;
        the->now = poller.alarm >= 0 ? std::min(until, poller.alarm) : until;
    }
    if (AlarmIsDue())
        poller.alarm = -1;
    poller.woken = false;
    return count;
}

int sb_wake_open(sb_wake *w) {
    w->handle = Open({What::kWake});
    return 0;
}

void sb_wake_close(sb_wake *w) {
    Close(w->handle);
    w->handle = SB_NO_HANDLE;
}

void sb_wake_signal(const sb_wake *w) {
    Find(w->handle);
    poller.woken = true;
}

int sb_poller_attach(sb_poller *, const sb_wake *) {
    return 0;
}

// --- Reading and writing ---------------------------------------------------------------------

ptrdiff_t sb_source_read(sb_source *s, void *buf, size_t len) {
    Pipe *pipe = Find(s->handle).in;
    size_t n = std::min({len, pipe->bytes.size(), the->most_read});
    if (n == 0)
        return pipe->has_writer ? SB_IO_AGAIN : 0;
    std::memcpy(buf, pipe->bytes.data(), n);
    pipe->bytes.erase(0, n);
    the->activity++;
    return static_cast<ptrdiff_t>(n);
}

ptrdiff_t sb_source_write(sb_source *s, const void *buf, size_t len) {
    Handle &handle = Find(s->handle);
    REQUIRE(s->is_socket || held_signals > 0);
    the->activity++;
    if (!handle.out->has_reader) {
        s->error = EPIPE;
        return SB_IO_FAILED;
    }
    if (!HasRoom(handle.out))
        return SB_IO_AGAIN;
    size_t most = handle.out->whole > 1 ? handle.out->whole : the->most_written;
    size_t n = std::min({len, handle.out->capacity - handle.out->bytes.size(), most});
    handle.out->bytes.append(static_cast<const char *>(buf), n);
    return static_cast<ptrdiff_t>(n);
}

void sb_source_close(sb_poller *p, sb_source *s) {
    if (!sb_source_is_open(s))
        return;
    sb_poller_watch(p, s, 0);
    Close(s->handle);
    s->handle = SB_NO_HANDLE;
}

void sb_source_end_output(const sb_source *s) {
    Find(s->handle).out->has_writer = false;
}

int sb_source_adopt(intptr_t handle, sb_source *s) {
    std::memset(s, 0, sizeof *s);
    s->is_socket = Find(handle).what == What::kSocket;
    s->handle = handle;
    return 0;
}

int sb_source_duplicate(const sb_source *s, sb_source *copy) {
    return sb_source_adopt(Open(Find(s->handle)), copy);
}

void sb_pipe_signal_hold(sb_pipe_signal *) {
    held_signals++;
}

void sb_pipe_signal_release(sb_pipe_signal *) {
    REQUIRE(held_signals-- > 0);
}

// --- Clock, chance, words --------------------------------------------------------------------

int64_t sb_clock_ms(void) {
    return the->now;
}

int64_t sb_clock_unix_ms(void) {
    return 1700000000000 + the->now;
}

uint64_t sb_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 20;
}

const char *sb_os_error_text(int error, char *buf, size_t len) {
    std::snprintf(buf, len, "error %d", error);
    return buf;
}

} // extern "C"
