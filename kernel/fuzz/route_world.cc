#include "route_world.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "require.h"

extern "C" {
#include "guest.h"
}

using simulated_os::the;

namespace {

// Cuts whole lines off the front of `text`.
template <typename Each> void TakeLines(std::string *text, Each each) {
    size_t start = 0;
    for (size_t end; (end = text->find('\n', start)) != std::string::npos; start = end + 1)
        each(std::string_view(*text).substr(start, end - start));
    text->erase(0, start);
}

// TRACE=1 in the environment shows what a finding is about.
bool Traces() {
    static const bool traces = std::getenv("TRACE") != nullptr;
    return traces;
}

std::string Configuration(const Setting &s) {
    std::string pool = s.two_workers ? ",\"instances\":2" : ",\"instances\":1";
    if (s.standard)
        pool += ",\"envelope\":\"standard\"";
    if (s.greeted)
        pool += ",\"handshake\":[{\"id\":\"hi\",\"method\":\"hello\"},{\"method\":\"there\"},"
                "{\"id\":7,\"method\":\"again\",\"params\":[]}]";
    std::string text = "{\"pools\":[{\"id\":\"a\",\"command\":\"a\"" + pool + "}";
    if (s.two_pools)
        text += ",{\"id\":\"b\",\"command\":\"b\",\"instances\":1,\"stderr\":\"inherit\"}";
    text += "],\"limits\":{\"drain_timeout_sec\":4,\"backpressure_timeout_sec\":3,"
            "\"startup_timeout_sec\":2,\"max_restarts\":3";
    if (s.small_limits)
        text += ",\"max_input_buffer\":400,\"max_output_queue\":900,\"max_sessions\":2,"
                "\"max_pending\":5,\"max_pending_per_client\":3,\"max_clients\":2";
    return text + "}}";
}

} // namespace

World::World(const Setting &setting) : setting_(setting) {
    simulated_os::Reset();
    the->exit_notices = !setting.quiet_exits;
    std::string config = Configuration(setting);
    stdio_bus_options_t options = {};
    options.config_json = config.c_str();
    options.log_level = STDIO_BUS_LOG_DEBUG;
    options.user_data = this;
    if (setting.listens) {
        options.listener.mode = setting.token ? STDIO_BUS_LISTEN_TCP : STDIO_BUS_LISTEN_UNIX;
        options.listener.unix_path = "socket";
    }
    options.on_log = [](stdio_bus_t *, int, const char *text, void *) {
        REQUIRE(text[0]);
        if (Traces())
            std::fprintf(stderr, "%8lld %s\n", static_cast<long long>(the->now), text);
    };
    options.on_error = [](stdio_bus_t *, int, const char *, void *user) { Of(user)->Callback(); };
    options.on_worker = [](stdio_bus_t *, int, const char *, void *user) { Of(user)->Callback(); };
    options.on_client_connect = OnConnect;
    options.on_client_disconnect = OnDisconnect;
    bus = stdio_bus_create(&options);
    REQUIRE(bus);
    if (setting.guard)
        REQUIRE(stdio_bus_set_guard(bus, "/guard") == STDIO_BUS_OK);
    if (setting.token)
        REQUIRE(stdio_bus_set_access_token(bus, "secret") == STDIO_BUS_OK);
    if (!setting.host_is_deaf)
        stdio_bus_set_message_handler(bus, OnMessage, this);
    stdio_bus_set_stderr_handler(
        bus, [](stdio_bus_t *, int, const char *, size_t, void *user) { Of(user)->Callback(); },
        this);
    stdio_bus_set_settled_handler(bus, OnSettled, this);
    stdio_bus_set_skipped_handler(
        bus,
        [](stdio_bus_t *, int, const char *, const char *line, size_t len, void *user) {
            REQUIRE(line[len] == '\0');
            Of(user)->Callback();
        },
        this);
    if (setting.polled)
        stdio_bus_get_poll_fd(bus);
    REQUIRE(stdio_bus_start(bus) == STDIO_BUS_OK);
    FindNewWorkers();
}

World::~World() {
    stdio_bus_destroy(bus);
    REQUIRE(the->open_handles == 0);
}

// --- Callbacks -------------------------------------------------------------------------------

void World::Callback() {
    the->activity++;
    depth++;
    if (on_callback)
        on_callback();
    depth--;
}

void World::OnMessage(stdio_bus_t *, const stdio_bus_message_t *message, void *user) {
    World *world = Of(user);
    REQUIRE(message->data[message->len] == '\0');
    Given given;
    std::string_view line(message->data, message->len);
    if (Traces())
        std::fprintf(stderr, "%8lld host gets %s\n", static_cast<long long>(the->now),
                     message->data);
    if (world->ledger.ToHost(line, &world->host_ears, message->cookie, message->kind, &given))
        world->host_given.push_back(given);
    std::string before(line);
    world->Callback();
    REQUIRE(before == line); // whatever the callback does, its message stays
}

// Each request that the host has given up is over once, and no other.
void World::OnSettled(stdio_bus_t *, uint64_t cookie, void *user) {
    World *world = Of(user);
    REQUIRE(world->settled.insert(cookie).second);
    world->Callback();
}

void World::OnConnect(stdio_bus_t *, int id, const char *peer, void *user) {
    for (ClientPuppet &client : Of(user)->clients)
        if (client.peer->name == peer)
            client.id = id;
    Of(user)->Callback();
}

// A client that the bus gave up on, or that broke the connection, has no right to answers.
void World::OnDisconnect(stdio_bus_t *, int id, const char *reason, void *user) {
    for (ClientPuppet &client : Of(user)->clients)
        if (client.id == id && std::strcmp(reason, "the bus stopped") != 0 &&
            std::strcmp(reason, "disconnected") != 0)
            client.is_gone = true;
    Of(user)->Callback();
}

// --- What goes on ----------------------------------------------------------------------------

int World::Ingest(const std::string &text) {
    if (!wired)
        return stdio_bus_ingest(bus, text.data(), text.size());
    ::sb_host_line(bus, text.data(), text.size());
    return STDIO_BUS_OK;
}

/* A host that waits on the descriptor steps only when it is readable: then a step that it did
 * not take must have had nothing to do. */
void World::Step(int timeout_ms) {
    bool ready = simulated_os::PollerIsReady();
    uint64_t activity = the->activity;
    stdio_bus_state_t state = stdio_bus_get_state(bus);
    int handled = stdio_bus_step(bus, timeout_ms);
    REQUIRE(depth == 0 || handled == STDIO_BUS_ERR_STATE);
    if (depth == 0 && setting_.polled && !ready && timeout_ms == 0)
        REQUIRE(activity == the->activity && state == stdio_bus_get_state(bus));
    FindNewWorkers();
}

void World::LetTimePass(int64_t ms) {
    the->now += ms;
}

void World::FindNewWorkers() {
    while (workers.size() < the->processes.size()) {
        simulated_os::Process *process = &the->processes[workers.size()];
        bool stripped = setting_.standard && process->command == "a";
        workers.push_back({process, static_cast<int>(workers.size()), stripped});
    }
    while (guards.size() < the->guards.size())
        guards.push_back({&the->guards[guards.size()]});
}

void World::Register(size_t pool, bool one_handle) {
    int to_worker, from_worker;
    simulated_os::Process *process =
        simulated_os::NewEmbedded(one_handle, &to_worker, &from_worker);
    process->command = pool ? "b" : "a";
    FindNewWorkers();
    int id =
        stdio_bus_register_embedded_worker(bus, to_worker, from_worker, process->command.c_str());
    if (id >= 0)
        return;
    simulated_os::CloseHandle(to_worker);
    if (!one_handle)
        simulated_os::CloseHandle(from_worker);
}

void World::WorkerReads(WorkerPuppet *worker) {
    if (worker->process->exited)
        return;
    worker->partial += worker->process->in->bytes;
    worker->process->in->bytes.clear();
    std::string text = std::move(worker->partial);
    worker->partial.clear();
    std::vector<Given> given;
    TakeLines(&text, [&](std::string_view line) {
        Given one;
        if (ledger.ToWorker(worker->number, worker->stripped, line, &one))
            worker->given.push_back(one);
    });
    worker->partial = text;
}

void World::ClientReads(ClientPuppet *client) {
    client->partial += client->peer->from_kernel->bytes;
    client->peer->from_kernel->bytes.clear();
    TakeLines(&client->partial, [&](std::string_view line) {
        Given given;
        bool is_answer;
        if (Traces())
            std::fprintf(stderr, "%8lld client %d gets %.*s\n", static_cast<long long>(the->now),
                         client->number, static_cast<int>(line.size()), line.data());
        if (ledger.ToClient(client->number, line, &client->ears, &given, &is_answer))
            client->given.push_back(given);
        client->answers += is_answer;
    });
    // One answer more than requests: that it is one client too many.
    REQUIRE(ledger.raw || client->answers <= client->requests + 1);
}

void World::GuardReads(GuardPuppet *guard) {
    simulated_os::Process *process = guard->process;
    if (process->exited || !guard->reads)
        return;
    TakeLines(&process->in->bytes, [&](std::string_view line) {
        int64_t group = std::strtoll(std::string(line.substr(1)).c_str(), nullptr, 10);
        REQUIRE(group > 0 && (line[0] == '+' || line[0] == '-'));
        if (line[0] == '+')
            guard->groups.insert(group);
        else
            guard->groups.erase(group);
    });
    if (!process->in->has_writer)
        simulated_os::Exit(process, 0, 0);
}

// It would end exactly the processes that there are.
void World::CheckGuard() const {
    std::set<int64_t> there;
    for (const simulated_os::Process &process : the->processes)
        if (process.hangs)
            return; // the kernel may have given it up
        else if (process.pid && !process.reaped)
            there.insert(process.pid);
    for (const GuardPuppet &guard : guards)
        if (!guard.process->exited && guard.reads && guard.process->in->has_writer)
            REQUIRE(guard.groups == there);
}

void World::Connect() {
    simulated_os::Peer *peer = simulated_os::Connect();
    if (peer)
        clients.push_back({peer, static_cast<int>(clients.size()) + 1});
}

// --- What must hold --------------------------------------------------------------------------

void World::Check() {
    size_t pending = static_cast<size_t>(stdio_bus_pending_count(bus));
    size_t open = ledger.OpenCountOfHost() + ledger.plain_requests - ledger.plain_answers;
    if (!setting_.host_is_deaf && !faulty && depth == 0)
        REQUIRE(clients.empty() ? pending == open : pending >= open);
    uint64_t given = 0, sessions = 0;
    for (int i = 0; i < stdio_bus_worker_total(bus); i++) {
        stdio_bus_worker_info_t info = {};
        info.size = sizeof info;
        REQUIRE(stdio_bus_worker_at(bus, i, &info) == STDIO_BUS_OK);
        given += info.pending;
        sessions += info.sessions;
    }
    REQUIRE(given <= pending);
    REQUIRE(sessions <= static_cast<uint64_t>(stdio_bus_session_count(bus)));
}

void World::Settle() {
    for (int round = 0; round < 500; round++) {
        uint64_t activity = the->activity;
        FindNewWorkers();
        for (WorkerPuppet &worker : workers)
            WorkerReads(&worker);
        for (ClientPuppet &client : clients)
            ClientReads(&client);
        for (GuardPuppet &guard : guards)
            GuardReads(&guard);
        int handled = stdio_bus_step(bus, 0);
        if (handled <= 0 && activity == the->activity) {
            CheckGuard();
            return;
        }
    }
    REQUIRE(!"the bus comes to rest when nothing happens around it");
}

// Nobody is left behind, not even as a zombie, unless it hangs in the system.
void World::CheckAllReaped() const {
    for (const simulated_os::Process &process : the->processes)
        REQUIRE(process.reaped || process.hangs || process.pid == 0);
    for (const simulated_os::Process &guard : the->guards)
        REQUIRE(guard.reaped || bus); // its deadline is that of the whole stop
}

void World::CheckAllAnswered() {
    if (faulty)
        return;
    if (!setting_.host_is_deaf) {
        REQUIRE(ledger.OpenCountOfHost() == 0);
        REQUIRE(ledger.plain_answers == ledger.plain_requests);
    }
    for (const ClientPuppet &client : clients)
        if (client.id && !client.raw && !client.is_gone && !ended_by_script_)
            REQUIRE(client.answers <= client.requests &&
                    client.answers + client.forgotten >= client.requests);
}

// The faults end, everybody reads.
void World::Release() {
    the->most_read = the->most_written = SIZE_MAX;
    the->pipe_capacity = SIZE_MAX;
    for (simulated_os::Pipe &pipe : the->pipes)
        pipe.capacity = SIZE_MAX;
    the->failing_spawns = the->failing_accepts = the->failing_watches = 0;
    simulated_os::FailAllocations(0, 0);
    on_callback = nullptr;
    for (GuardPuppet &guard : guards)
        guard.reads = true;
    for (int i = 0; i < stdio_bus_worker_total(bus); i++)
        stdio_bus_resume_worker(bus, i, 0xFFFF);
}

void World::End() {
    Release();
    ended_by_script_ = stdio_bus_get_state(bus) != STDIO_BUS_STATE_RUNNING;
    Settle();
    if (setting_.workers_answer_at_end) {
        for (WorkerPuppet &worker : workers)
            for (const Given &given : worker.given)
                if (CanWrite(worker))
                    worker.process->out->bytes +=
                        "{\"jsonrpc\":\"2.0\",\"id\":" + given.id +
                        ",\"result\":{\"n\":" + std::to_string(given.number) + "}}\n";
        Settle();
    }
    Check();
    if (setting_.orderly_end) {
        stdio_bus_stop(bus, 5);
        int64_t deadline = the->now + 60 * 1000;
        while (stdio_bus_get_state(bus) != STDIO_BUS_STATE_STOPPED) {
            REQUIRE(the->now < deadline);
            Settle();
            stdio_bus_step(bus, 100);
        }
        Settle();
        CheckAllAnswered();
        CheckAllReaped();
    }
    stdio_bus_destroy(bus);
    bus = nullptr;
    CheckAllReaped();
    if (!setting_.orderly_end)
        ended_by_script_ = true; // its clients are cut off in mid-sentence
    CheckAllAnswered();
}
