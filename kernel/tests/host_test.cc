// A host with a life of its own: a thousand children, a SIGCHLD handler or none, few descriptors.
// The bus disturbs none of it and is not disturbed.
#include "bus_fixture.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace {

// For as long as it lives, signals of ended children go to `handler`.
class ChildSignal {
  public:
    explicit ChildSignal(void (*handler)(int)) {
        struct sigaction mine {};
        mine.sa_handler = handler;
        mine.sa_flags = SA_RESTART;
        sigaction(SIGCHLD, &mine, &before_);
    }
    ~ChildSignal() {
        sigaction(SIGCHLD, &before_, nullptr);
    }
    ChildSignal(const ChildSignal &) = delete;

  private:
    struct sigaction before_ {};
};

// Puts the soft limit of descriptors where it is wanted, and back.
class DescriptorLimit {
  public:
    explicit DescriptorLimit(rlim_t soft) {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit wanted = before_;
        wanted.rlim_cur = soft;
        EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &wanted), 0);
    }
    ~DescriptorLimit() {
        setrlimit(RLIMIT_NOFILE, &before_);
    }
    DescriptorLimit(const DescriptorLimit &) = delete;

  private:
    rlimit before_{};
};

pid_t SpawnThatExitsWith(int code) {
    std::string program = ScriptedWorker(), number = std::to_string(code);
    char option[] = "--exit";
    char *arguments[] = {program.data(), option, number.data(), nullptr};
    pid_t pid = -1;
    EXPECT_EQ(posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ), 0);
    return pid;
}

int WaitFor(pid_t pid) {
    int status = -1;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    EXPECT_EQ(got, pid) << "somebody else took it";
    return status;
}

TEST(Host, AThousandChildrenOfItsOwnKeepTheirExitCodesWhileWorkersComeAndGo_L28) {
    Bus bus(OnePool(3, R"("max_restarts":1000,"restart_window_sec":1)"));
    bus.Start();
    uint64_t exits = 0;
    for (int round = 0; round < 20; round++) {
        std::map<pid_t, int> children;
        for (int i = 0; i < 50; i++)
            children[SpawnThatExitsWith(i)] = i;
        ExpectError(bus.Ask("exit"), -32002);
        exits++;
        EXPECT_TRUE(bus.Ask("echo").Has("result"));
        for (const auto &[pid, code] : children) {
            int status = WaitFor(pid);
            ASSERT_TRUE(WIFEXITED(status));
            ASSERT_EQ(WEXITSTATUS(status), code);
        }
    }
    ASSERT_TRUE(bus.Until([&] { return bus.Running() == 3; }, "all workers run"));
    EXPECT_EQ(bus.Stats().worker_restarts, exits);
    bus.Stop();
    EXPECT_TRUE(Children().empty());
}

TEST(Host, OneThatIgnoresSigchldLeavesNoStatusAndTheExitIsSeenNonetheless_L28) {
    ChildSignal ignored(SIG_IGN);
    Bus bus(OnePool());
    bus.Start();
    pid_t before = bus.PidOf();
    Json answer = bus.Ask("exit", R"({"code":3})");
    ExpectError(answer, -32002);
    EXPECT_FALSE(answer["error"]["data"].Has("exitCode")) << answer.Raw();
    EXPECT_FALSE(answer["error"]["data"].Has("signal"));
    EXPECT_NE(answer["error"]["data"]["reason"].Text().find("status"), std::string::npos);
    EXPECT_TRUE(bus.Worker(0).has_exited);
    EXPECT_EQ(bus.Worker(0).last_exit_code, -1);
    EXPECT_EQ(bus.Worker(0).last_exit_signal, 0);
    EXPECT_NE(bus.PidOf(), before);
    EXPECT_LT(bus.Stop(), 10000);
}

TEST(Host, OneWhoseHandlerReapsEverybodyIsEndured_L28) {
    ChildSignal reaper([](int) {
        int saved = errno;
        while (waitpid(-1, nullptr, WNOHANG) > 0)
            continue;
        errno = saved;
    });
    Bus bus(OnePool(2));
    bus.Start();
    for (int i = 0; i < 5; i++) {
        ExpectError(bus.Ask("exit", R"({"code":3})", {nullptr, nullptr, i % 2}), -32002);
        ASSERT_TRUE(bus.Until([&] { return bus.Running() == 2; }, "it is replaced"));
    }
    EXPECT_LT(bus.Stop(), 10000);
}

// --- Descriptors --------------------------------------------------------------------------------

TEST(Host, SixHundredWorkersAllAnswer_L36) {
    constexpr int kCount = 620;
    DescriptorLimit enough(8192);
    Bus bus(OnePool(kCount));
    bus.Start();
    EXPECT_EQ(bus.Running(), kCount);
    for (uint64_t i = 0; i < kCount; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "echo"),
                           {nullptr, nullptr, static_cast<int>(i), 0, i + 1}),
                  0);
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 0; }, "all have answered"));
    std::vector<int> answered;
    for (const Message &m : bus.messages) {
        EXPECT_EQ(m.cookie, static_cast<uint64_t>(m.worker) + 1);
        EXPECT_TRUE(m.Tree().Has("result"));
        answered.push_back(m.worker);
    }
    std::sort(answered.begin(), answered.end());
    for (int i = 0; i < kCount; i++)
        ASSERT_EQ(answered.at(static_cast<size_t>(i)), i);
    EXPECT_LT(bus.Stop(), 20000);
}

TEST(Host, WhatTheLimitOfDescriptorsDoesNotAllowIsAnErrorOfTheStart_L36) {
    std::vector<int> open_before = OpenDescriptors();
    {
        Bus bus(OnePool(100));
        DescriptorLimit tight(static_cast<rlim_t>(open_before.size()) + 100);
        EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
        ASSERT_FALSE(bus.errors.empty());
        EXPECT_NE(bus.errors.back().second.find("Too many open files"), std::string::npos)
            << bus.errors.back().second;
        EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
        EXPECT_TRUE(Children().empty()) << "those that had started are gone";
    }
    EXPECT_EQ(OpenDescriptors(), open_before);
}

TEST(Host, AWorkerThatCannotBeStartedAgainForLackOfDescriptorsIsTriedAgain_L36) {
    Bus bus(OnePool(1, R"("max_restarts":100)"));
    bus.Start();
    {
        DescriptorLimit none(3);
        ExpectError(bus.Ask("exit"), -32002);
        ASSERT_TRUE(bus.Until([&] { return !bus.errors.empty(); }, "a start has failed"));
        EXPECT_NE(bus.errors.back().second.find("Too many open files"), std::string::npos);
        EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RESTARTING);
    }
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

} // namespace
