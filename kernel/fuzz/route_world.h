// route_world.h: a bus, and everybody around it as puppets: workers, clients and the host.
#ifndef ROUTE_WORLD_H
#define ROUTE_WORLD_H

#include <functional>
#include <memory>
#include <set>

#include "route_ledger.h"
#include "simulated_os.h"
#include "stdio_bus.h"

struct WorkerPuppet {
    simulated_os::Process *process;
    int number;
    bool stripped; // its pool takes the envelope off
    std::string partial = {};
    std::vector<Given> given = {};
};

inline bool CanWrite(const WorkerPuppet &worker) {
    return !worker.process->exited && worker.process->out->has_writer;
}

struct ClientPuppet {
    simulated_os::Peer *peer;
    int number;
    int id = 0; // of the bus; 0: not accepted yet
    bool raw = false, reads = true;
    bool is_gone = false; // without a right to its answers any more
    uint64_t requests = 0, answers = 0;
    uint64_t forgotten = 0; // requests that it gave up, answered or not
    Ears ears = {};
    std::string partial = {};
    std::vector<Given> given = {};
};

// Knows the groups that it would end.
struct GuardPuppet {
    simulated_os::Process *process;
    bool reads = true;
    std::set<int64_t> groups = {};
};

// How a bus is set up.
struct Setting {
    bool two_pools, standard, two_workers, greeted, small_limits;
    bool listens, token, guard, host_is_deaf, polled, quiet_exits;
    bool orderly_end, workers_answer_at_end;
};

class World {
  public:
    explicit World(const Setting &setting);
    ~World();

    Ledger ledger;
    std::vector<WorkerPuppet> workers;
    std::vector<ClientPuppet> clients;
    std::vector<GuardPuppet> guards;
    std::vector<Given> host_given;
    Ears host_ears;
    std::set<uint64_t> settled; // cookies
    bool wired = false;         // the host's lines come as the daemon's do from its standard input
    stdio_bus_t *bus = nullptr;
    int depth = 0; // of callbacks
    // A fault made it impossible that everything is answered.
    bool faulty = false;
    // Runs inside of callbacks.
    std::function<void()> on_callback;

    // A line of the host, with nothing beside it.
    int Ingest(const std::string &text);
    void Step(int timeout_ms);
    void LetTimePass(int64_t ms);
    void FindNewWorkers();
    void Register(size_t pool, bool one_handle);
    void WorkerReads(WorkerPuppet *worker);
    void ClientReads(ClientPuppet *client);
    void GuardReads(GuardPuppet *guard);
    void Connect();
    // Everything that must hold between two actions.
    void Check();
    // Lets everybody read and the bus work until there is nothing left to do at this time.
    void Settle();
    // Ends the bus as the setting says, and checks that nothing was lost.
    void End();

  private:
    Setting setting_;
    bool ended_by_script_ = false;

    static World *Of(void *user) {
        return static_cast<World *>(user);
    }
    void Callback();
    void CheckAllAnswered();
    void CheckGuard() const;
    void CheckAllReaped() const;
    void Release();
    static void OnMessage(stdio_bus_t *bus, const stdio_bus_message_t *message, void *user);
    static void OnSettled(stdio_bus_t *bus, uint64_t cookie, void *user);
    static void OnConnect(stdio_bus_t *bus, int id, const char *peer, void *user);
    static void OnDisconnect(stdio_bus_t *bus, int id, const char *reason, void *user);
};

#endif
