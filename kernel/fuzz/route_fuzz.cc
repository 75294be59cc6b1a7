// route_fuzz.cc: the whole router, on a simulated system, under a script of what hosts, clients,
// workers and the system do to it. What must hold is in route_ledger.h and route_world.cc.
//
// The first four characters choose the setting. Then each action is a letter with its arguments
// (see Run); blanks and other characters mean nothing.
#include <csignal>

#include "require.h"
#include "route_messages.h"
#include "route_world.h"

using simulated_os::the;

namespace {

class Play {
  public:
    Play(Script *script, World *world) : script_(script), world_(world) {
        world->on_callback = [this] {
            if (in_callbacks_ > 0) {
                in_callbacks_--;
                Run();
            }
        };
    }

    void Run();

  private:
    Script *script_;
    World *world_;
    size_t in_callbacks_ = 0; // how many of the next callbacks run an action

    WorkerPuppet *PickWorker() {
        size_t n = script_->Number(36);
        return world_->workers.empty() ? nullptr : &world_->workers[n % world_->workers.size()];
    }
    ClientPuppet *PickClient() {
        size_t n = script_->Number(36);
        return world_->clients.empty() ? nullptr : &world_->clients[n % world_->clients.size()];
    }
    bool Take(std::vector<Given> *from, Given *given) {
        size_t n = script_->Number(36);
        if (from->empty())
            return false;
        *given = (*from)[n % from->size()];
        from->erase(from->begin() + static_cast<long>(n % from->size()));
        return true;
    }

    void HostSends();
    void HostAsksBus();
    void ClientAsksBus(ClientPuppet *client);
    void ClientForgets(ClientPuppet *client);
    void ClientSends(ClientPuppet *client);
    void WorkerAsks(WorkerPuppet *worker);
    void WorkerNotifies(WorkerPuppet *worker);
    void HostAnswers();
    void ChangeSystem();
    void EndWorker(WorkerPuppet *worker);
};

void Play::HostSends() {
    static const char *const pools[] = {nullptr, nullptr, "a", "b", "none"};
    static const char *const sessions[] = {nullptr, nullptr, "s", "t", ""};
    Message message;
    message.text = ComposeMessage(script_, world_->ledger.Next(), &message);
    size_t how = script_->Number(4); // 0: the simplest
    stdio_bus_route_t route = {};
    route.size = sizeof route;
    route.worker_id = -1;
    if (how >= 2) {
        route.pool = script_->One(pools);
        route.session = script_->One(sessions);
        route.worker_id = static_cast<int>(script_->Number(5)) - 1;
        route.flags = how == 3 ? STDIO_BUS_ROUTE_VERBATIM : 0;
    }
    message.verbatim = how == 3;
    if (message.is_request && how >= 1)
        route.cookie = message.cookie = world_->ledger.Next();
    bool plain = message.is_request && how == 0;
    bool wrong = false;
    if (how == 0 && script_->Number(3) == 1)
        wrong = PutBeside(script_, world_->host_ears.asked, &message);
    // What is wrong with a line on a wire is answered, whatever the line is.
    world_->ledger.plain_requests += wrong && !plain && world_->wired;
    uint64_t number = world_->ledger.Next();
    // Registered before, since the answer may come before the call returns.
    std::string text = message.text;
    world_->ledger.Add(message);
    world_->ledger.plain_requests += plain;
    int code = how == 0 ? world_->Ingest(text)
                        : stdio_bus_send(world_->bus, &route, text.data(), text.size());
    if (code != STDIO_BUS_OK && message.is_request) {
        Message *refused = world_->ledger.Find(number);
        REQUIRE(!refused->answered);
        refused->forgotten = true;
        world_->ledger.plain_requests -= plain;
    }
}

// In the way of one who does not think much: annotates first, then all sorts of things.
void Play::HostAsksBus() {
    static const char *const logs[] = {"{}", "{\"log\":\"debug\"}", "{\"log\":\"error\"}"};
    bool asked_before = world_->host_ears.asked;
    size_t what = script_->Number(4);
    Message message;
    if (what == 0) {
        message.is_request = true;
        message.id = "\"ann\"";
        message.text =
            std::string("{\"id\":\"ann\",\"method\":\"stdio_bus/annotate\",\"params\":") +
            script_->One(logs) + "}";
        world_->host_ears.asked = true;
    } else if (what == 1) {
        Message *open = world_->ledger.OpenOfHost(script_->Number(36));
        if (!open)
            return;
        int pending = stdio_bus_pending_count(world_->bus);
        world_->Ingest("{\"method\":\"stdio_bus/forget\",\"params\":{\"id\":" + open->id + "}}");
        open->forgotten = stdio_bus_pending_count(world_->bus) < pending;
        return;
    } else {
        message.text = ComposeBusRequest(script_, &message);
    }
    bool plain = message.is_request;
    world_->ledger.Add(message);
    world_->ledger.plain_requests += plain;
    if (world_->Ingest(message.text) != STDIO_BUS_OK && plain) {
        world_->ledger.plain_requests--;
        world_->host_ears.asked = asked_before;
    }
}

void Play::ClientAsksBus(ClientPuppet *client) {
    static const char *const logs[] = {"{}", "{\"log\":\"debug\"}", "{\"log\":\"error\"}"};
    size_t what = script_->Number(3);
    Message message;
    if (what == 0) {
        message.is_request = true;
        message.id = "\"ann\"";
        message.text =
            std::string("{\"id\":\"ann\",\"method\":\"stdio_bus/annotate\",\"params\":") +
            script_->One(logs) + "}";
    } else {
        message.text = ComposeBusRequest(script_, &message);
    }
    if (!client || !client->peer->to_kernel->has_writer)
        return;
    message.asker = client->number;
    client->ears.asked = client->ears.asked || what == 0;
    client->requests += message.is_request;
    client->peer->to_kernel->bytes += message.text + "\n";
    world_->ledger.Add(message);
}

// It may have been answered already when the bus reads that.
void Play::ClientForgets(ClientPuppet *client) {
    Message *open = client ? world_->ledger.OpenOf(client->number, script_->Number(36)) : nullptr;
    if (!open || !client->peer->to_kernel->has_writer)
        return;
    client->forgotten++;
    client->peer->to_kernel->bytes +=
        "{\"method\":\"stdio_bus/forget\",\"params\":{\"id\":" + open->id + "}}\n";
}

void Play::ClientSends(ClientPuppet *client) {
    Message message;
    message.text = ComposeMessage(script_, world_->ledger.Next(), &message);
    bool wrong = false;
    if (script_->Number(3) == 1)
        wrong = PutBeside(script_, client && client->ears.asked, &message);
    if (!client || !client->peer->to_kernel->has_writer)
        return;
    message.asker = client->number;
    for (char &c : message.text)
        c = c == '\n' ? ' ' : c;
    client->requests += message.is_request || wrong;
    client->peer->to_kernel->bytes += message.text + (script_->Number(4) == 1 ? "\r\n" : "\n");
    world_->ledger.Add(message);
}

void Play::WorkerAsks(WorkerPuppet *worker) {
    Message message;
    message.text = ComposeMessage(script_, world_->ledger.Next(), &message);
    if (!worker || !CanWrite(*worker))
        return;
    message.asker = worker->number;
    message.from_worker = true;
    for (char &c : message.text)
        c = c == '\n' ? ' ' : c;
    worker->process->out->bytes += message.text + "\n";
    world_->ledger.Add(message);
}

// About a request it was given: progress, or a notification of the session.
void Play::WorkerNotifies(WorkerPuppet *worker) {
    size_t n = script_->Number(36);
    if (!worker || !CanWrite(*worker) || worker->given.empty())
        return;
    const Given &given = worker->given[n % worker->given.size()];
    std::string about =
        given.token.empty() ? "\"requestId\":" + given.id : "\"progressToken\":" + given.token;
    worker->process->out->bytes +=
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{" + about +
        ",\"n\":" + std::to_string(given.number) + "}}\n";
}

void Play::HostAnswers() {
    Given given;
    size_t shape = script_->Number(4);
    if (!Take(&world_->host_given, &given))
        return;
    std::string text = AnswerTo(given, shape);
    world_->Ingest(text);
}

void Play::EndWorker(WorkerPuppet *worker) {
    size_t how = script_->Number(9);
    if (!worker)
        return;
    simulated_os::Process *process = worker->process;
    if (process->pid == 0 && (how == 0 || how == 1 || how > 5))
        how = 2;
    switch (how) {
    case 0:
        simulated_os::Exit(process, 0, 0);
        break;
    case 1:
        simulated_os::Exit(process, 0, SIGKILL);
        break;
    case 2:
        process->out->has_writer = false;
        break;
    case 3:
        process->in->has_reader = false;
        process->in->bytes.clear();
        break;
    case 4:
        process->ignores_term = true;
        break;
    case 5:
        process->stopped_by = process->stopped_by ? 0 : SIGTTIN;
        break;
    case 6:
        process->pipes_outlive_it = true;
        simulated_os::Exit(process, 3, 0);
        break;
    case 7:
        if (process->err)
            process->err->has_writer = false;
        break;
    default:
        process->hangs = true;
        break;
    }
}

void Play::ChangeSystem() {
    size_t what = script_->Number(8), value = script_->Number(36);
    switch (what) {
    case 0:
        the->most_read = value + 1;
        break;
    case 1:
        the->most_written = value + 1;
        break;
    case 2:
        the->pipe_capacity = value * 8 + 1;
        break;
    case 3:
        the->failing_spawns = static_cast<int>(value);
        break;
    case 4:
        the->failing_accepts = static_cast<int>(value);
        break;
    case 5:
        the->failing_watches = static_cast<int>(value % 4);
        world_->faulty = world_->ledger.faulty = true;
        break;
    case 6:
        the->refuses_next_peer = true;
        break;
    default:
        simulated_os::FailAllocations(value + 1, script_->Number(36) + 1);
        world_->faulty = world_->ledger.faulty = true;
        break;
    }
}

void Play::Run() {
    stdio_bus_t *bus = world_->bus;
    World &w = *world_;
    WorkerPuppet *worker;
    ClientPuppet *client;
    Given given;
    switch (script_->Letter()) {
    case 'H': // the host sends
        HostSends();
        break;
    case 'h': // answers a worker
        HostAnswers();
        break;
    case 'f': { // gives up on a request
        Message *open = w.ledger.OpenOfHost(script_->Number(36));
        if (open && stdio_bus_forget(bus, open->cookie) == STDIO_BUS_OK)
            open->forgotten = true;
        break;
    }
    case 'I': { // sends something that was not made with care
        std::string text = script_->Rest();
        w.ledger.raw = w.faulty = true;
        w.Ingest(text);
        break;
    }
    case 'n': // asks the bus itself
        HostAsksBus();
        break;
    case 'W': // and is from now on at the other end of a wire
        w.wired = true;
        break;
    case 'b': // a client asks the bus itself
        ClientAsksBus(PickClient());
        break;
    case 'F': // gives up on a request
        ClientForgets(PickClient());
        break;
    case 'C': // a client connects
        w.Connect();
        break;
    case 'c': // sends
        ClientSends(PickClient());
        break;
    case 'k': // shows a token
        if ((client = PickClient()) && client->peer->to_kernel->has_writer) {
            client->requests++;
            client->peer->to_kernel->bytes +=
                "{\"id\":\"k\",\"method\":\"stdio_bus/auth\",\"params\":{\"token\":\"" +
                std::string(script_->Number(2) ? "wrong" : "secret") + "\"}}\n";
        }
        break;
    case 'r': // reads
        if ((client = PickClient()))
            w.ClientReads(client);
        break;
    case 'a': { // answers a worker
        client = PickClient();
        size_t shape = script_->Number(4);
        if (client && Take(&client->given, &given) && client->peer->to_kernel->has_writer)
            client->peer->to_kernel->bytes += AnswerTo(given, shape) + "\n";
        break;
    }
    case 'x': // sends bytes
        if ((client = PickClient()) && client->peer->to_kernel->has_writer) {
            client->raw = w.ledger.raw = true;
            client->peer->to_kernel->bytes += script_->Rest() + "\n";
        }
        break;
    case 'y': // half a line
        if ((client = PickClient()) && client->peer->to_kernel->has_writer) {
            client->raw = w.ledger.raw = true;
            client->peer->to_kernel->bytes += script_->Rest();
        }
        break;
    case 'd': // sends no more
        if ((client = PickClient()))
            client->peer->to_kernel->has_writer = false;
        break;
    case 'D': // goes
        if ((client = PickClient())) {
            client->is_gone = true;
            client->peer->to_kernel->has_writer = client->peer->from_kernel->has_reader = false;
        }
        break;
    case 'w': // a worker reads
        if ((worker = PickWorker()))
            w.WorkerReads(worker);
        break;
    case 'A': { // answers
        worker = PickWorker();
        size_t shape = script_->Number(4);
        if (worker && CanWrite(*worker) && Take(&worker->given, &given))
            worker->process->out->bytes += AnswerTo(given, shape) + "\n";
        break;
    }
    case 'Q': // asks
        WorkerAsks(PickWorker());
        break;
    case 'N': // notifies
        WorkerNotifies(PickWorker());
        break;
    case 'X': // writes bytes
        if ((worker = PickWorker()) && CanWrite(*worker)) {
            w.ledger.raw = true;
            worker->process->out->bytes += script_->Rest() + "\n";
        }
        break;
    case 'E': // writes to its stderr
        if ((worker = PickWorker()) && worker->process->err)
            worker->process->err->bytes += script_->Rest() + "\n";
        break;
    case 'T': // ends, in one of many ways
        EndWorker(PickWorker());
        break;
    case 'G': { // a guard ends, or reads no more, or closes its input
        size_t how = script_->Number(3);
        if (w.guards.empty())
            break;
        GuardPuppet &guard = w.guards.back();
        if (how == 0)
            simulated_os::Exit(guard.process, 1, 0);
        else if (how == 1)
            guard.reads = false;
        else
            guard.process->in->has_reader = false;
        break;
    }
    case 'g': // a guard reads
        if (!w.guards.empty())
            w.GuardReads(&w.guards.back());
        break;
    case 'M': { // the host provides a worker
        size_t how = script_->Number(4);
        w.Register(how / 2, how % 2);
        break;
    }
    case 'm': // and takes one back
        stdio_bus_unregister_embedded_worker(bus, static_cast<int>(script_->Number(6)));
        break;
    case 'P':
        stdio_bus_pause_worker(bus, static_cast<int>(script_->Number(6)), 1u << script_->Number(3));
        break;
    case 'p':
        stdio_bus_resume_worker(bus, static_cast<int>(script_->Number(6)),
                                1u << script_->Number(3));
        break;
    case 'B': {
        size_t how = script_->Number(4);
        int id = static_cast<int>(script_->Number(6));
        if (how & 1)
            stdio_bus_restart_worker(bus, id, how / 2);
        else
            stdio_bus_stop_worker(bus, id, how / 2);
        break;
    }
    case 'S':
        stdio_bus_stop(bus, static_cast<int>(script_->Number(10)));
        break;
    case '.':
        w.Step(0);
        break;
    case '+':
        w.Step(static_cast<int>(script_->Number(36) * 50));
        break;
    case '*': // the host is late
        w.LetTimePass(static_cast<int64_t>(script_->Number(36)) * 250);
        break;
    case '!': // the next callbacks act
        in_callbacks_ = script_->Number(10);
        break;
    case 'z':
        ChangeSystem();
        break;
    default:
        break;
    }
    w.Check();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Script script(data, size);
    size_t bits[4];
    for (size_t &b : bits)
        b = script.Number(16);
    Setting setting = {};
    setting.two_pools = bits[0] & 1;
    setting.standard = bits[0] & 2;
    setting.two_workers = bits[0] & 4;
    setting.greeted = bits[0] & 8;
    setting.listens = bits[1] & 1;
    setting.token = (bits[1] & 5) == 5;
    setting.guard = bits[2] & 4;
    setting.host_is_deaf = bits[3] & 4;
    setting.small_limits = bits[1] & 2;
    setting.polled = bits[2] & 1;
    setting.quiet_exits = bits[2] & 2;
    setting.orderly_end = bits[3] & 1;
    setting.workers_answer_at_end = bits[3] & 2;
    World world(setting);
    Play play(&script, &world);
    for (int actions = 0; !script.IsOver() && actions < 2000; actions++)
        play.Run();
    world.End();
    return 0;
}
