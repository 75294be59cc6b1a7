// Workers as processes: what they inherit, who belongs to them, and that the host's own children
// are left alone.
#include "socket_client.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Descriptors and signals of the worker as it sees them.
void ExpectCleanBirth(Bus &bus, int worker) {
    Json seen = bus.Ask("inherited", "", {nullptr, nullptr, worker})["result"];
    EXPECT_EQ(seen["descriptors"].Raw(), "[0,1,2]") << "worker " << worker;
    EXPECT_EQ(seen["signals"].Text(), std::string(32, '0')) << "blocked and ignored";
    EXPECT_EQ(seen["group_is_own"].Raw(), "true");
}

// --- Birth ----------------------------------------------------------------------------------

TEST(Processes, AWorkerHasItsThreeStreamsAndNothingElse_L32) {
    // Descriptors that a careless host leaves inheritable.
    int leaky[2];
    ASSERT_EQ(pipe(leaky), 0);
    int high = fcntl(leaky[0], F_DUPFD, 200);
    ListeningBus bus(OnePool(3));
    SocketClient client(bus.endpoint);
    client.Ask(bus, Rpc("1", "echo"));
    for (int worker : {0, 1, 2})
        ExpectCleanBirth(bus, worker);
    bus.Ask("exit", "", {nullptr, nullptr, 1});
    ASSERT_TRUE(bus.Until([&] { return bus.Running() == 3; }, "it is replaced"));
    ExpectCleanBirth(bus, 1);
    for (int fd : {leaky[0], leaky[1], high})
        close(fd);
}

TEST(Processes, SignalsThatTheHostBlocksOrIgnoresAreDefaultInAWorker) {
    sigset_t set, saved;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, &saved);
    auto pipe_before = signal(SIGPIPE, SIG_IGN);
    auto hup_before = signal(SIGHUP, SIG_IGN);
    {
        Bus bus(OnePool());
        bus.Start();
        ExpectCleanBirth(bus, 0);
    }
    sigset_t after;
    sigprocmask(SIG_SETMASK, &saved, &after);
    EXPECT_EQ(sigismember(&after, SIGTERM), 1) << "the host's own mask is as it was";
    EXPECT_EQ(sigismember(&after, SIGINT), 0);
    signal(SIGPIPE, pipe_before);
    signal(SIGHUP, hup_before);
}

TEST(Processes, EnvironmentAndFolderOfThePoolReachItsWorkers) {
    TempFolder folder;
    ASSERT_EQ(setenv("SB_TEST_INHERITED", "from the host", 1), 0);
    ASSERT_EQ(setenv("SB_TEST_REPLACED", "from the host", 1), 0);
    Pool pool;
    pool.more = ",\"cwd\":" + Quote(folder.Path(".")) +
                R"(,"env":{"SB_TEST_REPLACED":"from the pool","SB_TEST_NEW":"a=b c"})";
    Bus bus(Config({pool}));
    bus.Start();
    auto value = [&](const std::string &name) {
        return bus.Ask("surroundings", "{\"name\":" + Quote(name) + "}")["result"]["value"].Raw();
    };
    EXPECT_EQ(value("SB_TEST_INHERITED"), "\"from the host\"");
    EXPECT_EQ(value("SB_TEST_REPLACED"), "\"from the pool\"");
    EXPECT_EQ(value("SB_TEST_NEW"), "\"a=b c\"");
    EXPECT_EQ(value("SB_TEST_ABSENT"), "null");
    struct stat here {
    }, there{};
    std::string cwd = bus.Ask("surroundings")["result"]["cwd"].Text();
    ASSERT_EQ(stat(cwd.c_str(), &there), 0);
    ASSERT_EQ(stat(folder.Path(".").c_str(), &here), 0);
    EXPECT_EQ(here.st_ino, there.st_ino);
    unsetenv("SB_TEST_INHERITED");
    unsetenv("SB_TEST_REPLACED");
}

TEST(Processes, APoolMayBeginWithAnEmptyEnvironment) {
    ASSERT_EQ(setenv("SB_TEST_INHERITED", "from the host", 1), 0);
    Pool pool;
    pool.more = R"(,"inherit_env":false,"env":{"SB_TEST_NEW":"from the pool"})";
    Bus bus(Config({pool}));
    bus.Start();
    auto value = [&](const std::string &name) {
        return bus.Ask("surroundings", "{\"name\":" + Quote(name) + "}")["result"]["value"].Raw();
    };
    EXPECT_EQ(value("SB_TEST_NEW"), "\"from the pool\"");
    EXPECT_EQ(value("SB_TEST_INHERITED"), "null");
    EXPECT_EQ(value("PATH"), "null");
    unsetenv("SB_TEST_INHERITED");
}

TEST(Processes, ACommandWithoutASeparatorIsLookedUpOnPath) {
    Bus bus(Config({{"p", 1, {}, "cat"}}));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("", "n")), 0);
    EXPECT_EQ(bus.Next().text, Rpc("", "n"));
}

TEST(Processes, ASlowStarterHoldsUpNobodyAndGetsItsRequestsWhenItReads_L17) {
    TempFolder folder;
    std::string gate = folder.Path("gate");
    ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
    Pool slow{"slow"}, quick{"quick"};
    slow.args = {"--gate", gate};
    Bus bus(Config({slow, quick}));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {"slow", nullptr, -1, 0, 1}), 0);
    EXPECT_TRUE(bus.Ask("echo", "", {"quick"}).Has("result"));
    EXPECT_EQ(bus.Pending(), 1);
    int opened = -1; // succeeds once the worker waits at the other end
    ASSERT_TRUE(bus.Until(
        [&] { return (opened = open(gate.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; },
        "the worker waits at its gate"));
    EXPECT_TRUE(bus.Answer(1).Has("result"));
    close(opened);
}

TEST(Processes, AScriptIsRunByItsInterpreterAndArgumentsPassAsTheyAre) {
    TempFolder folder;
    std::string path = folder.Path("worker with space.sh");
    std::ofstream(path) << "#!/bin/sh\nprintf '{\"jsonrpc\":\"2.0\",\"method\":\"%s\"}\\n' \"$1\"\n"
                           "exec cat\n";
    ASSERT_EQ(chmod(path.c_str(), 0700), 0);
    Bus bus(Config({{"p", 1, {"a  b$HOME'*"}, path}}));
    bus.Start();
    EXPECT_EQ(bus.Next().Tree()["method"].Text(), "a  b$HOME'*");
}

// --- A start that fails ---------------------------------------------------------------------

struct Failing {
    const char *command, *reason;
};

class BadCommand : public testing::TestWithParam<Failing> {};

TEST_P(BadCommand, IsNamedWithItsReasonAndNothingIsLeftRunning) {
    std::vector<pid_t> children_before = Children();
    std::vector<int> open_before = OpenDescriptors();
    {
        Bus bus(Config({{"good", 2}, {"bad", 1, {}, GetParam().command}}));
        EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
        ASSERT_FALSE(bus.errors.empty());
        const std::string &text = bus.errors.back().second;
        EXPECT_EQ(bus.errors.back().first, STDIO_BUS_ERR_WORKER);
        EXPECT_NE(text.find(GetParam().command), std::string::npos) << text;
        EXPECT_NE(text.find(GetParam().reason), std::string::npos) << text;
        EXPECT_NE(text.find("bad"), std::string::npos) << text;
        EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
        EXPECT_EQ(bus.Running(), 0);
        EXPECT_EQ(Children(), children_before) << "after start, before destroy";
    }
    EXPECT_EQ(OpenDescriptors(), open_before);
}

INSTANTIATE_TEST_SUITE_P(Processes, BadCommand,
                         testing::Values(Failing{"/no/such/program", "No such file"},
                                         Failing{"no-such-program-on-path", "No such file"},
                                         Failing{"/etc/passwd", "ermission denied"},
                                         Failing{"/tmp", "ermission denied"}));

TEST(Processes, AFolderThatCannotBeEnteredIsNamed) {
    Pool pool;
    pool.more = R"(,"cwd":"/no/such/folder")";
    Bus bus(Config({pool}));
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
    ASSERT_FALSE(bus.errors.empty());
    EXPECT_NE(bus.errors.back().second.find("/no/such/folder"), std::string::npos);
}

TEST(Processes, ACommandThatVanishesIsARestartThatFailsNotACrash) {
    TempFolder folder;
    std::string path = folder.Path("worker");
    std::ofstream(path) << "#!/bin/sh\nexec cat\n";
    ASSERT_EQ(chmod(path.c_str(), 0700), 0);
    Bus bus(Config({{"p", 1, {}, path}}, R"("max_restarts":1)"));
    bus.Start();
    ASSERT_EQ(unlink(path.c_str()), 0);
    ASSERT_EQ(kill(static_cast<pid_t>(bus.Worker(0).pid), SIGKILL), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "failed") == 1; }, "it has failed"));
    ExpectError(bus.Ask("echo"), -32001);
}

// --- The whole family -----------------------------------------------------------------------

// Starts a grandchild that ignores SIGTERM and keeps the streams of its parent.
pid_t Grandchild(Bus &bus) {
    return static_cast<pid_t>(
        bus.Ask("grandchild", R"({"ignore_term":1})")["result"]["child"].Number());
}

TEST(Processes, AfterACrashTheGrandchildrenAreKilledToo_L18) {
    Bus bus(OnePool());
    bus.Start();
    pid_t grandchild = Grandchild(bus);
    ASSERT_FALSE(IsGone(grandchild));
    ExpectError(bus.Ask("exit", R"({"code":1})"), -32002);
    ASSERT_TRUE(bus.Until([&] { return IsGone(grandchild); }, "the grandchild is gone"));
    EXPECT_GT(bus.PidOf(), 0) << "its hold on the pipes does not matter";
}

TEST(Processes, AfterStopTheGrandchildrenAreGone_L18) {
    Bus bus(OnePool());
    bus.Start();
    pid_t grandchild = Grandchild(bus);
    bus.Stop();
    EXPECT_TRUE(BecomesGone(grandchild));
}

TEST(Processes, AfterDestroyTheGrandchildrenAreGone_L18) {
    pid_t grandchild;
    {
        Bus bus(OnePool());
        bus.Start();
        grandchild = Grandchild(bus);
    }
    EXPECT_TRUE(BecomesGone(grandchild));
}

// --- The host's own children ----------------------------------------------------------------

TEST(Processes, TheHostsOwnChildrenAreNotReapedAndItsHandlerStays_L28_L38) {
    static volatile sig_atomic_t heard;
    heard = 0;
    struct sigaction mine {
    }, before{}, after{};
    mine.sa_handler = [](int) { heard = 1; };
    sigaction(SIGCHLD, &mine, &before);
    pid_t own = fork();
    if (own == 0)
        _exit(42);
    siginfo_t info{};
    int waited;
    while ((waited = waitid(P_PID, own, &info, WEXITED | WNOWAIT)) != 0 && errno == EINTR)
        continue;
    ASSERT_EQ(waited, 0);
    {
        Bus bus(OnePool(2));
        bus.Start();
        bus.Ask("exit", "", {nullptr, nullptr, 0});
        ASSERT_TRUE(bus.Until([&] { return bus.Running() == 2; }, "it is replaced"));
        bus.Stop();
    }
    int status = 0;
    EXPECT_EQ(waitpid(own, &status, 0), own) << "somebody else took it";
    EXPECT_EQ(WEXITSTATUS(status), 42);
    sigaction(SIGCHLD, &before, &after);
    EXPECT_EQ(after.sa_handler, mine.sa_handler) << "the handler was replaced";
    EXPECT_EQ(heard, 1);
}

TEST(Processes, AWorkerThatSomebodyElseReapsIsStillSeenToEnd_L28) {
    Bus bus(OnePool());
    bus.Start();
    auto pid = static_cast<pid_t>(bus.Worker(0).pid);
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    EXPECT_EQ(bus.PidOf(), pid) << "what came before has been read";
    ASSERT_EQ(kill(pid, SIGKILL), 0);
    ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
    ExpectError(bus.Answer(1), -32002);
    EXPECT_NE(bus.PidOf(), pid);
}

TEST(Processes, AHundredCyclesLeaveNothingBehind_A21) {
    { // What is made once in a process is made now.
        Bus bus(OnePool());
        bus.Start();
    }
    std::vector<int> open_before = OpenDescriptors();
    std::vector<pid_t> children_before = Children();
    for (int i = 0; i < 100; i++) {
        Bus bus(OnePool(2));
        bus.Start();
        EXPECT_TRUE(bus.Ask("echo").Has("result"));
        if (i % 2)
            bus.Stop();
    }
    EXPECT_EQ(OpenDescriptors(), open_before);
    EXPECT_EQ(Children(), children_before);
}

void WriteToADeadWorker(Bus &bus) {
    auto pid = static_cast<pid_t>(bus.Worker(0).pid);
    ASSERT_EQ(kill(pid, SIGKILL), 0);
    siginfo_t info{};
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    EXPECT_TRUE(bus.Answer(1).Has("result")) << "it had not been written";
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(Processes, AWriteToADeadWorkerDoesNotEndTheHost) {
    ASSERT_EQ(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    Bus bus(OnePool());
    bus.Start();
    WriteToADeadWorker(bus);
}

TEST(Processes, NorDoesOneAfterWritesThatSucceeded) {
    ASSERT_EQ(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    Bus bus(OnePool());
    bus.Start();
    ASSERT_TRUE(bus.Ask("echo").Has("result"));
    WriteToADeadWorker(bus);
}

} // namespace
