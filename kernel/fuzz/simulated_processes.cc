// simulated_processes.cc: the children of the simulated system, and who connects to it.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "require.h"
#include "simulated_handles.h"

namespace simulated_os {

Pipe *NewPipe(size_t capacity) {
    the->pipes.emplace_back();
    the->pipes.back().capacity = capacity;
    return &the->pipes.back();
}

Peer *Connect() {
    if (!the->listening)
        return nullptr;
    the->peers.emplace_back();
    Peer *peer = &the->peers.back();
    peer->name = "peer " + std::to_string(the->peers.size());
    peer->to_kernel = NewPipe(SIZE_MAX);
    peer->from_kernel = NewPipe(the->pipe_capacity);
    the->waiting.push_back(peer);
    return peer;
}

Process *NewEmbedded(bool one_handle, int *to_worker, int *from_worker) {
    the->processes.emplace_back();
    Process *p = &the->processes.back();
    p->in = NewPipe(the->pipe_capacity);
    p->out = NewPipe(SIZE_MAX);
    if (one_handle) {
        *to_worker = *from_worker = static_cast<int>(Open({What::kSocket, p->out, p->in}));
    } else {
        *to_worker = static_cast<int>(Open({What::kWriter, nullptr, p->in}));
        *from_worker = static_cast<int>(Open({What::kReader, p->out, nullptr}));
    }
    return p;
}

void Exit(Process *process, int code, int signal) {
    if (process->exited)
        return;
    process->exited = true;
    process->code = signal ? -1 : code;
    process->signal = signal;
    if (process->pipes_outlive_it)
        return;
    process->in->has_reader = false;
    if (process->out)
        process->out->has_writer = false;
    if (process->err)
        process->err->has_writer = false;
}

} // namespace simulated_os

using namespace simulated_os;

extern "C" {

// --- Children --------------------------------------------------------------------------------

static Process *ProcessOf(const sb_child *child) {
    for (auto *all : {&the->processes, &the->guards})
        for (Process &p : *all)
            if (p.pid == child->pid && !p.reaped)
                return &p;
    REQUIRE(!"a process that was reaped is left alone");
    return nullptr;
}

static void TakeSource(sb_source *s, Handle handle) {
    std::memset(s, 0, sizeof *s);
    s->handle = Open(handle);
}

static void Announce(const sb_source *to, int64_t pid) {
    std::string line = "+" + std::to_string(pid) + "\n";
    Pipe *pipe = to ? Find(to->handle).out : nullptr;
    if (pipe && pipe->has_reader && pipe->bytes.size() + line.size() <= pipe->capacity)
        pipe->bytes += line;
}

int sb_spawn(const sb_command *command, sb_child *child, char *why, size_t why_len) {
    std::memset(child, 0, sizeof *child);
    child->in.handle = child->out.handle = child->err.handle = child->exit.handle = SB_NO_HANDLE;
    the->activity++;
    if (the->failing_spawns > 0) {
        the->failing_spawns--;
        std::snprintf(why, why_len, "cannot execute '%s': as the script says", command->file);
        return EAGAIN;
    }
    auto &family = command->outlives_host ? the->guards : the->processes;
    family.emplace_back();
    Process *p = &family.back();
    p->pid = static_cast<int64_t>(1000 + the->processes.size() + the->guards.size());
    p->command = command->file;
    p->in = NewPipe(the->pipe_capacity);
    child->pid = child->announced = p->pid;
    TakeSource(&child->in, {What::kWriter, nullptr, p->in});
    if (command->outlives_host) {
        p->in->whole = 32;
        p->in->capacity = std::max(p->in->capacity, p->in->whole);
    } else {
        p->out = NewPipe(SIZE_MAX);
        TakeSource(&child->out, {What::kReader, p->out, nullptr});
    }
    Announce(command->announce, p->pid);
    if (command->capture_stderr) {
        p->err = NewPipe(SIZE_MAX);
        TakeSource(&child->err, {What::kReader, p->err, nullptr});
    }
    if (the->exit_notices)
        TakeSource(&child->exit, {What::kExit, nullptr, nullptr, p});
    return 0;
}

bool sb_child_reap(sb_poller *p, sb_child *child, sb_exit *out) {
    *out = {false, -1, 0};
    if (child->pid <= 0)
        return true;
    Process *process = ProcessOf(child);
    if (!process->exited)
        return false;
    process->reaped = true;
    *out = {true, process->code, process->signal};
    sb_source_close(p, &child->exit);
    child->pid = 0;
    the->activity++;
    return true;
}

void sb_child_terminate(const sb_child *child) {
    if (child->pid <= 0)
        return;
    Process *process = ProcessOf(child);
    the->activity++;
    if (!process->ignores_term && !process->hangs)
        Exit(process, 0, SIGTERM);
}

void sb_child_kill(const sb_child *child) {
    if (child->pid <= 0)
        return;
    Process *process = ProcessOf(child);
    the->activity++;
    process->pipes_outlive_it = false;
    if (!process->hangs)
        Exit(process, 0, SIGKILL);
}

void sb_child_wait(const sb_child *child, int timeout_ms) {
    if (child->pid > 0 && !ProcessOf(child)->exited)
        the->now += timeout_ms;
}

bool sb_children_end_with_host(void) {
    return false;
}

bool sb_child_is_suspended(const sb_child *child, int *signal) {
    if (child->pid <= 0 || !ProcessOf(child)->stopped_by)
        return false;
    *signal = ProcessOf(child)->stopped_by;
    return true;
}

const char *sb_signal_name(int signal) {
    return signal == SIGKILL   ? "SIGKILL"
           : signal == SIGTERM ? "SIGTERM"
           : signal == SIGTTIN ? "SIGTTIN"
                               : nullptr;
}

// --- Listener --------------------------------------------------------------------------------

static int Listen(sb_source *s) {
    TakeSource(s, {What::kListener});
    s->is_socket = true;
    the->listening = true;
    return 0;
}

int sb_listen_tcp(const char *, uint16_t, bool, sb_source *s, char *endpoint, size_t room, char *,
                  size_t) {
    std::snprintf(endpoint, room, "127.0.0.1:1");
    return Listen(s);
}

int sb_listen_unix(const char *, sb_source *s, sb_socket_file *, char *, size_t) {
    return Listen(s);
}

void sb_unlink_unix(const char *, const sb_socket_file *) {
}

sb_accept_result sb_accept(sb_source *, sb_source *out, char *peer, size_t room) {
    if (the->waiting.empty())
        return SB_ACCEPT_NONE;
    the->activity++;
    if (the->failing_accepts > 0) {
        the->failing_accepts--;
        return SB_ACCEPT_EXHAUSTED;
    }
    Peer *waiting = the->waiting.front();
    the->waiting.pop_front();
    std::snprintf(peer, room, "%s", waiting->name.c_str());
    if (the->refuses_next_peer) {
        the->refuses_next_peer = false;
        waiting->to_kernel->has_reader = waiting->from_kernel->has_writer = false;
        return SB_ACCEPT_REFUSED;
    }
    TakeSource(out, {What::kSocket, waiting->to_kernel, waiting->from_kernel});
    out->is_socket = true;
    return SB_ACCEPT_OK;
}

} // extern "C"
