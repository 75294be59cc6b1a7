// The daemon under attack: clients that show no token, send garbage, flood it, never read, come in
// thousands or are another user. Whatever they do, the daemon lives and a client that behaves is
// served.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <memory>
#include <random>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bus_fixture.h"
#include "connection.h"
#include "daemon_config.h"
#include "daemon_process.h"

namespace {

const char kToken[] = "the token of the test";

std::string Auth(const std::string &token) {
    return Rpc("0", "stdio_bus/auth", "{\"token\":\"" + token + "\"}");
}

// A client that behaves, beside those that do not: every request of its is answered.
class Witness {
  public:
    explicit Witness(const std::string &endpoint, bool with_token = false) : client_(endpoint) {
        if (with_token) {
            EXPECT_TRUE(client_.Ask(Auth(kToken))["result"].Has("version"));
        }
    }

    void IsServed(int times = 1) {
        for (int i = 0; i < times && !testing::Test::HasFailure(); i++) {
            std::string n = std::to_string(++asked_);
            Json answer = client_.Ask(Rpc(n, "echo", "[" + n + "]"));
            EXPECT_EQ(answer["id"].Raw(), n);
            EXPECT_EQ(answer["result"]["params"].Raw(), "[" + n + "]") << answer.Raw();
        }
    }

    Json Ask(const std::string &request) {
        return client_.Ask(request);
    }
    int asked() const {
        return asked_;
    }

  private:
    Connection client_;
    int asked_ = 0;
};

// A daemon that listens, which has to end in order after all that was done to it.
class Target {
  public:
    explicit Target(const std::string &config) : config_(config) {
        Start({"--tcp", "127.0.0.1:0"});
    }
    // On TCP with kToken, or on a Unix socket.
    Target(const std::string &config, bool with_token) : config_(config) {
        if (with_token) {
            std::ofstream(config_.Beside("token")) << kToken << "\n";
            Start({"--tcp", "127.0.0.1:0", "--token-file", config_.Beside("token")});
        } else {
            Start({"--unix", config_.Beside("bus.sock")});
        }
    }
    ~Target() {
        if (!ended_)
            End();
    }
    void End() {
        ended_ = true;
        daemon->Signal(SIGTERM);
        EXPECT_EQ(daemon->Wait(), 0) << daemon->log;
        EXPECT_EQ(daemon->log.find(kToken), std::string::npos);
    }

    std::unique_ptr<Daemon> daemon;
    std::string endpoint;

  private:
    void Start(std::vector<std::string> listener) {
        listener.insert(listener.begin(), {"--config", config_.Path()});
        daemon = std::make_unique<Daemon>(listener);
        endpoint = daemon->Endpoint();
    }
    ConfigFile config_;
    bool ended_ = false;
};

// How many descriptors this process, and the daemons it starts, may have meanwhile.
class DescriptorLimit {
  public:
    explicit DescriptorLimit(rlim_t wanted) {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit limit{wanted, before_.rlim_max};
        is_set = wanted <= before_.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0;
    }
    ~DescriptorLimit() {
        setrlimit(RLIMIT_NOFILE, &before_);
    }
    bool is_set;

  private:
    rlimit before_{};
};

class Stranger : public testing::TestWithParam<std::pair<const char *, std::string>> {};

TEST_P(Stranger, IsTurnedAwayWhileAnotherIsServed) {
    Target target(OnePool(), true);
    Witness witness(target.endpoint, true);
    std::vector<std::unique_ptr<Connection>> strangers;
    for (int i = 0; i < 20; i++) {
        strangers.push_back(std::make_unique<Connection>(target.endpoint));
        strangers.back()->Push(GetParam().second);
        witness.IsServed();
    }
    for (auto &stranger : strangers)
        while (!stranger->IsEnded() && !HasFailure())
            witness.IsServed();
    Json stats = witness.Ask(Rpc("1", "stdio_bus/stats"))["result"];
    EXPECT_EQ(stats["clientConnects"].Number(), 1);
    EXPECT_EQ(stats["clients"].Number(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Attack, Stranger,
    testing::Values(std::pair{"WithAWrongToken", Auth("the token of the tes") + "\n"},
                    std::pair{"WithoutAToken", Rpc("1", "echo") + "\n"},
                    std::pair{"WithATokenTooLong", Auth(std::string(100000, 'x')) + "\n"},
                    std::pair{"WithALineThatDoesNotEnd", std::string(100000, 'x')},
                    std::pair{"WhoIsLate", Auth(kToken)}, // without the newline
                    std::pair{"WhoSaysNothing", std::string()}),
    [](const auto &info) { return std::string(info.param.first); });

TEST(Attack, GarbageReachesNoWorkerFillsNoLogAndHurtsNobody_L5) {
    Target target(OnePool(1, R"("max_input_buffer":65536,"max_output_queue":1048576)"));
    Witness witness(target.endpoint);
    Connection reads(target.endpoint), deaf(target.endpoint);
    std::mt19937 random(20260131);
    std::string deep(30000, '['), zeros(5000, '\0'), endless(1 << 20, '{');
    std::string pieces[] = {deep + "\n",
                            zeros + "\n",
                            endless + "\n",
                            "{\"id\":1,\"method\":\"\xC3",
                            "\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"\r\r\n",
                            "\"\\ud800",
                            "\xEF\xBB\xBF\xEF\xBB\xBF{}{}\n",
                            "GET / HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (int round = 0; round < 100; round++) {
        std::string bytes(20000, '\0');
        for (char &c : bytes)
            c = static_cast<char>(random());
        bytes += pieces[round % std::size(pieces)];
        Connection resets(target.endpoint);
        for (Connection *client : {&reads, &deaf, &resets})
            client->Push(bytes);
        resets.Reset();
        EXPECT_FALSE(reads.IsEnded()) << "it keeps its connection";
        witness.IsServed();
    }
    Json heard = witness.Ask(Rpc("1", "heard"))["result"]["lines"];
    EXPECT_EQ(heard.Size(), static_cast<size_t>(witness.asked()));
    reads.Write("\n" + Rpc("\"mine\"", "echo") + "\n");
    while (reads.Next()["id"].Raw() != "\"mine\"" && !HasFailure()) {
    }
    target.End();
    EXPECT_LT(std::count(target.daemon->log.begin(), target.daemon->log.end(), '\n'), 500);
}

// Keeps far more requests in flight than it may, reads all answers, until it is told to end.
int FloodsUntil(const std::string &endpoint, const std::atomic<bool> &over) {
    constexpr int kAhead = 2000;
    Connection client(endpoint);
    int sent = 0, answered = 0, refused = 0;
    auto read = [&] {
        std::string line = client.Line();
        EXPECT_NE(line, "") << "each request has an answer, if only that there are too many";
        answered++;
        refused += line.find("-32003") != std::string::npos;
        return !line.empty();
    };
    do {
        std::string requests;
        while (sent < answered + kAhead)
            requests += Rpc(std::to_string(++sent), "echo") + "\n";
        client.Write(requests);
        while (answered < sent - kAhead / 2 && read()) {
        }
    } while (!over && !testing::Test::HasFailure());
    while (answered < sent && read()) {
    }
    EXPECT_GT(refused, 0);
    return sent;
}

TEST(Attack, AFloodIsAnsweredToTheLastAndOthersAreServedMeanwhile) {
    Target target(OnePool(2, R"("max_pending_per_client":256)"));
    Witness witness(target.endpoint);
    std::atomic<bool> over{false};
    std::atomic<int> sent{0};
    std::vector<std::thread> flood;
    for (int i = 0; i < 4; i++)
        flood.emplace_back([&] { sent += FloodsUntil(target.endpoint, over); });
    witness.IsServed(100);
    over = true;
    for (std::thread &thread : flood)
        thread.join();
    witness.IsServed();
    EXPECT_GE(sent, 4 * 2000);
}

TEST(Attack, ClientsThatNeverReadTakeLittleMemoryAndAreDisconnected_L35) {
    Target target(OnePool(2, R"("max_output_queue":1048576,"backpressure_timeout_sec":1)"));
    Witness witness(target.endpoint);
    std::string requests;
    for (int i = 0; i < 500; i++)
        requests += Rpc(std::to_string(i), "big", R"({"bytes":100000})") + "\n";
    Connection deaf[] = {Connection(target.endpoint), Connection(target.endpoint),
                         Connection(target.endpoint)};
    for (Connection &client : deaf)
        client.Write(requests);
    witness.IsServed(50);
    for (int i = 0; i < 3; i++) {
        std::string line = target.daemon->Logged("did not read within backpressure_timeout_sec");
        target.daemon->log.erase(0, target.daemon->log.find(line) + line.size());
        witness.IsServed();
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(target.daemon->PeakMemory(), 32 * 1024) << "KiB, of 150 MB of answers";
#endif
    EXPECT_EQ(witness.Ask(Rpc("1", "echo"))["id"].Raw(), "1");
}

TEST(Attack, OfTwoThousandConnectionsAsManyAsMayAreServedAndTheRestIsToldWhy_L36) {
    DescriptorLimit limit(4096);
    if (!limit.is_set)
        GTEST_SKIP() << "this process may not have 4096 descriptors";
    Target target(OnePool());
    Witness witness(target.endpoint);
    std::vector<std::unique_ptr<Connection>> crowd;
    for (int i = 0; i < 2000 && !HasFailure(); i++) {
        crowd.push_back(std::make_unique<Connection>(target.endpoint));
        if (i % 20 == 0)
            witness.IsServed();
    }
    int served = 0, refused = 0;
    for (auto &client : crowd) {
        client->Push(Rpc("1", "echo") + "\n");
        std::string line = client->Line();
        if (line.find("\"pid\"") != std::string::npos)
            served++;
        else if (line.find("max_clients is reached") != std::string::npos)
            refused++;
    }
    // Those that are turned away have a moment to read why; when too many do, the oldest go.
    EXPECT_EQ(served, 1023) << "max_clients but for the witness";
    EXPECT_GT(refused, 0);
    EXPECT_LE(refused, 2000 - 1023);
    witness.IsServed();
    crowd.clear();
    while (witness.Ask(Rpc("1", "echo")).Has("result") && !HasFailure()) {
        Connection next(target.endpoint);
        next.Push(Rpc("1", "echo") + "\n");
        if (next.Line().find("\"pid\"") != std::string::npos)
            break; // the places of those that went are free
    }
}

TEST(Attack, ConnectionsBeyondTheDescriptorsWaitAndCostNobodyAnything_L36) {
    std::unique_ptr<Target> target;
    {
        DescriptorLimit few(64); // inherited by the daemon
        target = std::make_unique<Target>(OnePool(), false);
    }
    Witness witness(target->endpoint);
    std::vector<std::unique_ptr<Connection>> crowd;
    for (int i = 0; i < 100; i++) {
        crowd.push_back(std::make_unique<Connection>(target->endpoint));
        witness.IsServed();
    }
    target->daemon->Logged("no descriptor left for a new client");
    for (auto &client : crowd)
        client->Push(Rpc("1", "echo") + "\n");
    for (auto &client : crowd) { // each makes room for one that waits
        EXPECT_EQ(client->Next()["id"].Raw(), "1");
        client = nullptr;
        witness.IsServed();
    }
}

TEST(Attack, AProcessOfAnotherUserIsTurnedAway_L14) {
    if (geteuid() != 0)
        GTEST_SKIP() << "only root can become somebody else";
    Target target(OnePool(), false);
    Witness witness(target.endpoint);
    std::string folder = target.endpoint.substr(0, target.endpoint.rfind('/'));
    ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
    for (auto [mode, expected] : {std::pair{0600, int{kNotAllowed}}, {0666, int{kClosed}}}) {
        ASSERT_EQ(chmod(target.endpoint.c_str(), mode_t(mode)), 0);
        int status = 0;
        pid_t pid = StartConnectAsNobody(target.endpoint);
        while (waitpid(pid, &status, WNOHANG) == 0 && !HasFailure())
            witness.IsServed();
        EXPECT_EQ(WEXITSTATUS(status), expected);
    }
    target.daemon->Logged("refused a connection of another user");
}

} // namespace
