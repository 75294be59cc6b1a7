// handshake_pools.h: pools with a handshake, and a gate that their workers wait at.
#ifndef HANDSHAKE_POOLS_H
#define HANDSHAKE_POOLS_H

#include "bus_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

inline const char kInitialize[] = R"({"id":0,"method":"initialize","params":{"v":1}})";
inline const char kInitialized[] = R"({"method":"notifications/initialized"})";

// As the worker hears them.
inline const std::string kHeardInitialize = Rpc("0", "initialize", R"({"v":1})");
inline const std::string kHeardInitialized = Rpc("", "notifications/initialized");

inline std::string Handshake(const std::vector<std::string> &messages) {
    std::string json;
    for (const std::string &message : messages)
        json += (json.empty() ? "" : ",") + message;
    return ",\"handshake\":[" + json + "]";
}

inline std::string Greeted(const std::vector<std::string> &messages, const std::string &limits = "",
                           int instances = 1, const std::vector<std::string> &args = {}) {
    Pool pool;
    pool.instances = instances;
    pool.args = args;
    pool.more = Handshake(messages);
    return Config({pool}, limits);
}

// A request whose answer has these members.
inline std::string Answering(const std::string &members) {
    return R"({"id":"hello","method":"answer","params":)" + With(members) + "}";
}

inline const char kHold[] = R"({"id":1,"method":"hold"})";

// Workers wait at it before they read.
class Gate {
  public:
    Gate() : path_(folder_.Path("gate")) {
        EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    }
    std::vector<std::string> Args() const {
        return {"--gate", path_};
    }
    // Lets one worker through.
    void Open(Bus &bus) {
        int opened = -1;
        bus.Until(
            [&] { return (opened = open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; },
            "the worker waits at its gate");
        close(opened);
    }

  private:
    TempFolder folder_;
    std::string path_;
};

inline std::vector<std::string> Heard(Bus &bus, int worker) {
    Json lines = bus.Ask("heard", "", {nullptr, nullptr, worker})["result"]["lines"];
    std::vector<std::string> heard;
    for (size_t i = 0; i < lines.Size(); i++)
        heard.push_back(lines[i].Text());
    return heard;
}

inline bool Has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

inline void UntilRunning(Bus &bus, int count = 1) {
    bus.Until([&] { return bus.Running() == count; }, "the handshake is over");
}

// What the caller is told whose request waited for a worker that never came.
inline std::string ReasonOfNoWorker(Bus &bus) {
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32001);
    return answer["error"]["data"]["reason"].Text();
}

#endif
