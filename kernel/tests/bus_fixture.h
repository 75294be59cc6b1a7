// bus_fixture.h: a bus on the test's thread, with everything it reports collected.
#ifndef BUS_FIXTURE_H
#define BUS_FIXTURE_H

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "json_tree.h"
#include "processes.h"
#include "stdio_bus.h"

// The program that does what its messages say, see workers/scripted.c.
std::string ScriptedWorker();

struct Pool {
    std::string id = "p";
    int instances = 1;
    std::vector<std::string> args = {};
    std::string command = ScriptedWorker();
    std::string more = ""; // further members, as ,"envelope":"standard"
};

// Limits are members such as "max_restarts":0.
std::string Config(const std::vector<Pool> &pools, const std::string &limits = "");
std::string OnePool(int instances = 1, const std::string &limits = "");

// {"jsonrpc":"2.0","id":ID,"method":…,"params":…}; an empty id makes a notification, empty params
// none. Further members, as ,"sessionId":"s", go at the end.
std::string Rpc(const std::string &id, const std::string &method, const std::string &params = "",
                const std::string &more = "");

// The params of the scripted worker's "say" and "answer".
std::string Line(const std::string &line);
std::string With(const std::string &members);

struct Message {
    std::string text;
    stdio_bus_message_kind_t kind;
    int worker;
    bool has_pool, has_session;
    std::string pool, session;
    uint64_t cookie;

    Json Tree() const {
        return Json::Parse(text);
    }
};

struct Route {
    const char *pool = nullptr;
    const char *session = nullptr;
    int worker = -1;
    uint32_t flags = 0;
    uint64_t cookie = 0;
};

class Bus {
  public:
    enum class Handler { kStruct, kVersionTwo, kNone };
    struct Options {
        stdio_bus_listener_t listener{};
        Handler handler = Handler::kStruct; // what receives messages for the host
        int log_level = STDIO_BUS_LOG_INFO;
    };

    explicit Bus(const std::string &config);
    Bus(const std::string &config, const Options &options);
    // Destroys the bus and expects that no worker it ever had is left.
    ~Bus();
    Bus(const Bus &) = delete;
    Bus &operator=(const Bus &) = delete;

    stdio_bus_t *get() const {
        return bus_;
    }
    // Expects success.
    void Start();
    // Steps until `reached`; fails the test and returns false after a deadline that no healthy
    // run comes near to.
    bool Until(const std::function<bool()> &reached, const std::string &what);
    // Handles what is ready now, without waiting.
    void Settle();
    // Stops and steps until STOPPED; returns how long it took, in milliseconds.
    int64_t Stop(int timeout_sec = 10);
    void Destroy();

    int Ingest(const std::string &message);
    int Send(const std::string &message, const Route &route = {});
    // Ends the only worker four times. The pause before a restart, 100 ms at first, has doubled
    // three times then: what has to be done before the next one is not a race with it.
    void LoseWorkerForAWhile();
    // Sends a request and steps until it is answered.
    Json Ask(const std::string &method, const std::string &params = "", Route route = {});
    // The pid of the process that answers there.
    pid_t PidOf(Route route = {});
    // What was answered to the request sent with this cookie; steps until it is there.
    Json Answer(uint64_t cookie);
    // Steps until a message arrived that is not in `seen`, in the order of arrival.
    Message Next();

    stdio_bus_worker_info_t Worker(int id);
    stdio_bus_stats_t Stats() const;
    stdio_bus_counters_t Counters() const;
    stdio_bus_state_t State() const {
        return stdio_bus_get_state(bus_);
    }
    int Pending() const {
        return stdio_bus_pending_count(bus_);
    }
    int Sessions() const {
        return stdio_bus_session_count(bus_);
    }
    int Running() const {
        return stdio_bus_worker_count(bus_);
    }
    uint64_t Cookie() {
        return ++last_cookie_;
    }
    size_t EventsOf(int worker, const std::string &event) const;
    bool HasLogged(const std::string &part) const;

    std::vector<Message> messages;
    std::vector<std::pair<int, std::string>> errors; // code and text
    std::vector<std::pair<int, std::string>> events; // worker and event
    std::vector<std::pair<int, std::string>> logs;   // level and text
    std::vector<std::pair<int, std::string>> stderr_lines;
    std::vector<uint64_t> settled; // cookies
    struct Skipped {
        int worker;
        std::string reason, line;
    };
    std::vector<Skipped> skipped;
    std::vector<std::pair<int, std::string>> connects, disconnects;
    std::function<void(const Message &)> on_message; // called as each one arrives
    std::function<void(uint64_t)> on_settled;
    std::function<void(int, const std::string &)> on_event; // worker and event

  private:
    void NotePids();
    stdio_bus_t *bus_ = nullptr;
    uint64_t last_cookie_ = 1000000000; // far above those that tests choose themselves
    size_t seen_ = 0;
    std::vector<pid_t> pids_;
};

// Expects a JSON-RPC error with this code; its message goes along with a failure.
void ExpectError(const Json &answer, int code);

#endif
