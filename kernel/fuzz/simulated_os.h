// simulated_os.h: one more port of the kernel: an operating system of plain memory. Its time
// passes only when told to, its processes are a script's puppets, and every fault that a real
// system has now and then is had here on demand. No system call is made, so that a run of the
// whole router takes microseconds and is the same each time.
//
// What the kernel does wrong towards its system ends the program: a handle used after it was
// closed, a pipe written outside of hold and release, a descriptor never closed.
#ifndef SIMULATED_OS_H
#define SIMULATED_OS_H

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

extern "C" {
#include "os/os.h"
}

namespace simulated_os {

// One direction of a stream. The kernel's writes stop at `capacity`; the script's never do.
struct Pipe {
    std::string bytes;
    size_t capacity = 0;
    size_t whole = 1; // so many bytes are written together or not at all
    bool has_reader = true, has_writer = true;
};

// A worker's process or a guard as its system sees it, or the far end of an embedded worker.
struct Process {
    int64_t pid = 0; // 0: embedded
    std::string command;
    Pipe *in = nullptr, *out = nullptr, *err = nullptr;
    bool ignores_term = false;
    bool hangs = false; // in the system, where no signal reaches it
    bool exited = false, reaped = false;
    int code = 0, signal = 0;
    int stopped_by = 0;
    bool pipes_outlive_it = false; // a grandchild holds them
};

// The far end of a client's connection.
struct Peer {
    std::string name;
    Pipe *to_kernel = nullptr, *from_kernel = nullptr;
};

struct System {
    int64_t now = 1000;
    size_t pipe_capacity = 4096;
    size_t most_read = SIZE_MAX, most_written = SIZE_MAX; // at once
    bool exit_notices = true;
    int failing_spawns = 0, failing_accepts = 0, failing_watches = 0;
    bool refuses_next_peer = false;

    std::deque<Pipe> pipes; // stable addresses
    std::deque<Process> processes, guards;
    std::deque<Peer> peers;
    std::deque<Peer *> waiting; // to be accepted
    bool listening = false;
    size_t open_handles = 0; // the kernel's
    uint64_t activity = 0;   // whatever the kernel does that the outside can see
};

extern System *the;

// Begins anew; the one before is gone.
void Reset();

Pipe *NewPipe(size_t capacity);
Peer *Connect();
// A worker that the kernel is given as a pair of handles; a socket when `one_handle`.
Process *NewEmbedded(bool one_handle, int *to_worker, int *from_worker);
void Exit(Process *process, int code, int signal);
// What the kernel did not take over is closed by who made it.
void CloseHandle(int handle);
// Whether waiting on the poller's own handle would end now.
bool PollerIsReady();

// The nth allocation of the kernel from now on fails, and those after it up to `count`.
void FailAllocations(size_t nth, size_t count);

} // namespace simulated_os

#endif
