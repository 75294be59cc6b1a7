#include "bus_fixture.h"

#include <algorithm>
#include <chrono>

#include "patience.h"

namespace {

using Clock = std::chrono::steady_clock;
// A condition may depend on something the bus does not see, as a process that ends.
constexpr int kSliceMs = 5;

std::string OrEmpty(const char *text) {
    return text ? text : "";
}

Bus &Of(void *user) {
    return *static_cast<Bus *>(user);
}

void Take(Bus &bus, Message message) {
    bus.messages.push_back(std::move(message));
    if (bus.on_message)
        bus.on_message(Message(bus.messages.back()));
}

} // namespace

std::string ScriptedWorker() {
    return std::string(SB_WORKER_DIR) + "/worker_scripted";
}

std::string Config(const std::vector<Pool> &pools, const std::string &limits) {
    std::string json = "{\"pools\":[";
    for (size_t i = 0; i < pools.size(); i++) {
        const Pool &pool = pools[i];
        json += std::string(i ? "," : "") + "{\"id\":" + Quote(pool.id) +
                ",\"command\":" + Quote(pool.command) +
                ",\"instances\":" + std::to_string(pool.instances) + ",\"args\":[";
        for (size_t a = 0; a < pool.args.size(); a++)
            json += (a ? "," : "") + Quote(pool.args[a]);
        json += "]" + pool.more + "}";
    }
    return json + "],\"limits\":{" + limits + "}}";
}

std::string OnePool(int instances, const std::string &limits) {
    Pool pool;
    pool.instances = instances;
    return Config(std::vector<Pool>{pool}, limits);
}

std::string Rpc(const std::string &id, const std::string &method, const std::string &params,
                const std::string &more) {
    std::string json = "{\"jsonrpc\":\"2.0\"";
    if (!id.empty())
        json += ",\"id\":" + id;
    json += ",\"method\":" + Quote(method);
    if (!params.empty())
        json += ",\"params\":" + params;
    return json + more + "}";
}

std::string Line(const std::string &line) {
    return "{\"line\":" + Quote(line) + "}";
}

std::string With(const std::string &members) {
    return "{\"with\":" + Quote(members) + "}";
}

Bus::Bus(const std::string &config) : Bus(config, Options()) {
}

Bus::Bus(const std::string &config, const Options &options) {
    stdio_bus_options_t o{};
    o.config_json = config.c_str();
    o.listener = options.listener;
    o.user_data = this;
    o.log_level = options.log_level;
    o.on_error = [](stdio_bus_t *, int code, const char *text, void *user) {
        Of(user).errors.emplace_back(code, text);
    };
    o.on_log = [](stdio_bus_t *, int level, const char *text, void *user) {
        Of(user).logs.emplace_back(level, text);
    };
    o.on_worker = [](stdio_bus_t *, int worker, const char *event, void *user) {
        Of(user).events.emplace_back(worker, event);
        if (Of(user).on_event)
            Of(user).on_event(worker, event);
    };
    o.on_client_connect = [](stdio_bus_t *, int client, const char *peer, void *user) {
        Of(user).connects.emplace_back(client, OrEmpty(peer));
    };
    o.on_client_disconnect = [](stdio_bus_t *, int client, const char *reason, void *user) {
        Of(user).disconnects.emplace_back(client, OrEmpty(reason));
    };
    if (options.handler == Handler::kVersionTwo) {
        o.on_message = [](stdio_bus_t *, const char *text, size_t len, void *user) {
            EXPECT_EQ(text[len], '\0');
            Take(Of(user), {std::string(text, len), {}, -1, false, false, "", "", 0});
        };
    }
    bus_ = stdio_bus_create(&o);
    if (!bus_) {
        for (const auto &error : errors)
            ADD_FAILURE() << "create: " << error.second;
        return;
    }
    if (options.handler == Handler::kStruct) {
        stdio_bus_set_message_handler(
            bus_,
            [](stdio_bus_t *, const stdio_bus_message_t *m, void *user) {
                EXPECT_EQ(m->size, sizeof *m);
                EXPECT_EQ(m->data[m->len], '\0');
                Take(Of(user),
                     {std::string(m->data, m->len), m->kind, m->worker_id, m->pool != nullptr,
                      m->session != nullptr, OrEmpty(m->pool), OrEmpty(m->session), m->cookie});
            },
            this);
    }
    stdio_bus_set_stderr_handler(
        bus_,
        [](stdio_bus_t *, int worker, const char *line, size_t len, void *user) {
            EXPECT_EQ(line[len], '\0');
            Of(user).stderr_lines.emplace_back(worker, std::string(line, len));
        },
        this);
    stdio_bus_set_skipped_handler(
        bus_,
        [](stdio_bus_t *, int worker, const char *reason, const char *line, size_t len,
           void *user) {
            EXPECT_EQ(line[len], '\0');
            Of(user).skipped.push_back({worker, reason, std::string(line, len)});
        },
        this);
    stdio_bus_set_settled_handler(
        bus_,
        [](stdio_bus_t *, uint64_t cookie, void *user) {
            Bus &bus = Of(user);
            bus.settled.push_back(cookie);
            if (bus.on_settled)
                bus.on_settled(cookie);
        },
        this);
}

Bus::~Bus() {
    Destroy();
}

void Bus::Destroy() {
    if (!bus_)
        return;
    NotePids();
    stdio_bus_destroy(bus_);
    bus_ = nullptr;
    for (pid_t pid : pids_)
        EXPECT_TRUE(IsGone(pid)) << "process " << pid << " of a worker outlived its bus";
}

void Bus::NotePids() {
    stdio_bus_worker_info_t info{};
    info.size = sizeof info;
    for (int i = 0; stdio_bus_worker_at(bus_, i, &info) == STDIO_BUS_OK; i++) {
        auto pid = static_cast<pid_t>(info.pid);
        if (pid > 0 && std::find(pids_.begin(), pids_.end(), pid) == pids_.end())
            pids_.push_back(pid);
    }
}

void Bus::Start() {
    ASSERT_NE(bus_, nullptr);
    int code = stdio_bus_start(bus_);
    ASSERT_EQ(code, STDIO_BUS_OK) << (errors.empty() ? "" : errors.back().second);
    NotePids();
}

bool Bus::Until(const std::function<bool()> &reached, const std::string &what) {
    auto end = Clock::now() + kPatience;
    while (!reached()) {
        if (Clock::now() > end) {
            ADD_FAILURE() << "waited in vain until " << what;
            return false;
        }
        int handled = stdio_bus_step(bus_, kSliceMs);
        if (handled < 0 && !reached()) {
            ADD_FAILURE() << "step said " << stdio_bus_strerror(handled) << " before " << what;
            return false;
        }
    }
    NotePids();
    return true;
}

void Bus::Settle() {
    while (stdio_bus_step(bus_, 0) > 0)
        continue;
}

int64_t Bus::Stop(int timeout_sec) {
    NotePids();
    auto start = Clock::now();
    EXPECT_EQ(stdio_bus_stop(bus_, timeout_sec), STDIO_BUS_OK);
    Until([&] { return State() == STDIO_BUS_STATE_STOPPED; }, "the bus has stopped");
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

int Bus::Ingest(const std::string &message) {
    return stdio_bus_ingest(bus_, message.data(), message.size());
}

int Bus::Send(const std::string &message, const Route &route) {
    stdio_bus_route_t r{};
    r.size = sizeof r;
    r.pool = route.pool;
    r.session = route.session;
    r.worker_id = route.worker;
    r.flags = route.flags;
    r.cookie = route.cookie;
    return stdio_bus_send(bus_, &r, message.data(), message.size());
}

void Bus::LoseWorkerForAWhile() {
    for (int i = 0; i < 4; i++)
        ExpectError(Ask("exit"), -32002);
}

Json Bus::Ask(const std::string &method, const std::string &params, Route route) {
    route.cookie = Cookie();
    EXPECT_EQ(Send(Rpc(std::to_string(route.cookie), method, params), route), STDIO_BUS_OK);
    return Answer(route.cookie);
}

pid_t Bus::PidOf(Route route) {
    return static_cast<pid_t>(Ask("echo", "", route)["result"]["pid"].Number());
}

Json Bus::Answer(uint64_t cookie) {
    size_t looked_at = 0;
    const Message *found = nullptr;
    Until(
        [&] {
            for (; !found && looked_at < messages.size(); looked_at++)
                if (messages[looked_at].kind == STDIO_BUS_RESPONSE &&
                    messages[looked_at].cookie == cookie)
                    found = &messages[looked_at];
            return found != nullptr;
        },
        "request " + std::to_string(cookie) + " is answered");
    return found ? found->Tree() : Json();
}

Message Bus::Next() {
    Message none{};
    if (!Until([&] { return messages.size() > seen_; }, "another message arrives"))
        return none;
    return messages[seen_++];
}

stdio_bus_worker_info_t Bus::Worker(int id) {
    stdio_bus_worker_info_t info{};
    info.size = sizeof info;
    EXPECT_EQ(stdio_bus_worker_at(bus_, id, &info), STDIO_BUS_OK);
    return info;
}

stdio_bus_stats_t Bus::Stats() const {
    stdio_bus_stats_t stats{};
    stdio_bus_get_stats(bus_, &stats);
    return stats;
}

stdio_bus_counters_t Bus::Counters() const {
    stdio_bus_counters_t counters{};
    counters.size = sizeof counters;
    stdio_bus_get_counters(bus_, &counters);
    return counters;
}

size_t Bus::EventsOf(int worker, const std::string &event) const {
    return static_cast<size_t>(
        std::count(events.begin(), events.end(), std::make_pair(worker, event)));
}

bool Bus::HasLogged(const std::string &part) const {
    return std::any_of(logs.begin(), logs.end(), [&](const auto &line) {
        return line.second.find(part) != std::string::npos;
    });
}

void ExpectError(const Json &answer, int code) {
    EXPECT_EQ(answer["error"]["code"].Raw(), std::to_string(code)) << answer.Raw();
    EXPECT_FALSE(answer.Has("result")) << answer.Raw();
}
