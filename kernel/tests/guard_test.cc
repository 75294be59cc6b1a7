// The guard as the kernel keeps it: started, told of every group, ended. Guards that fail are in
// guard_failures_test.cc, the death of the host in killed_host_test.cc, the program itself in
// guard_program_test.cc.
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "daemon_process.h"
#include "guard_fixture.h"

extern "C" {
#include "os/os.h"
}

namespace {

// --- Setting it ------------------------------------------------------------------------------

TEST(Guard, IsSetBeforeTheStartOnly) {
    EXPECT_EQ(stdio_bus_set_guard(nullptr, SB_DAEMON), STDIO_BUS_EINVAL);
    Bus bus(OnePool());
    EXPECT_EQ(stdio_bus_set_guard(bus.get(), ""), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_set_guard(bus.get(), SB_DAEMON), STDIO_BUS_OK);
    EXPECT_EQ(stdio_bus_set_guard(bus.get(), nullptr), STDIO_BUS_OK) << "off again";
    bus.Start();
    EXPECT_EQ(GuardOf(getpid()), 0);
    EXPECT_EQ(stdio_bus_set_guard(bus.get(), SB_DAEMON), STDIO_BUS_ERR_STATE);
    EXPECT_EQ(stdio_bus_set_guard(bus.get(), nullptr), STDIO_BUS_ERR_STATE);
}

TEST(Guard, ARelativePathIsSeenFromTheFolderInWhichItWasSet) {
    TempFolder folder;
    std::string before = std::string(4096, '\0');
    ASSERT_NE(getcwd(before.data(), before.size()), nullptr);
    ASSERT_EQ(symlink(SB_DAEMON, folder.Path("elsewhere").c_str()), 0);
    ASSERT_EQ(chdir(folder.Path(".").c_str()), 0);
    Bus bus(OnePool());
    EXPECT_EQ(stdio_bus_set_guard(bus.get(), "elsewhere"), STDIO_BUS_OK);
    ASSERT_EQ(chdir(before.c_str()), 0);
    bus.Start();
    EXPECT_GT(GuardOf(getpid()), 0);
}

TEST(Guard, IsNoWorker) {
    Bus bus(OnePool(2));
    SetGuard(bus, SB_DAEMON);
    bus.Start();
    pid_t guard = GuardOf(getpid());
    ASSERT_GT(guard, 0);
    EXPECT_EQ(bus.Running(), 2);
    EXPECT_EQ(stdio_bus_worker_total(bus.get()), 2);
    EXPECT_EQ(Groups(bus, 2).count(guard), 0u);
    ASSERT_EQ(kill(guard, SIGKILL), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.HasLogged("was ended by SIGKILL"); }, "it is missed"));
    EXPECT_EQ(bus.Stats().worker_restarts, 0u);
    EXPECT_EQ(bus.EventsOf(0, "restarting") + bus.EventsOf(1, "restarting"), 0u);
}

TEST(Guard, ABusOfEmbeddedWorkersStartsNone) {
    Bus bus(Config({{"p", 1, {}, "cat"}}));
    SetGuard(bus, SB_DAEMON);
    bus.Start();
    int64_t cat = bus.Worker(0).pid;
    EXPECT_GT(GuardOf(getpid()), 0) << "for the process";
    int in[2], out[2];
    ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    EXPECT_EQ(stdio_bus_register_embedded_worker(bus.get(), in[1], out[0], "p"), 1);
    EXPECT_EQ(bus.Worker(1).pid, 0) << "nothing to guard";
    EXPECT_EQ(bus.Worker(0).pid, cat);
    bus.Stop();
    close(in[0]);
    close(out[1]);
}

// --- Descriptors and signals -----------------------------------------------------------------

TEST(Guard, HoldsItsPipeAndTheNullDeviceAndNobodyElseHoldsThePipe_L32) {
    int leaky[2]; // as a careless host leaves them
    ASSERT_EQ(pipe(leaky), 0);
    Bus bus(OnePool(2));
    SetGuard(bus, SB_DAEMON);
    bus.Start();
    Restart(bus, 1); // born when the pipe was there already
    pid_t guard = GuardOf(getpid());
    ASSERT_GT(guard, 0);
    Daemon::UntilAsleep(guard); // its program is loaded and waits
    EXPECT_EQ(DescriptorsOf(guard), (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(Referent(guard, 1), "/dev/null");
    EXPECT_EQ(Referent(guard, 2), "/dev/null");
    std::string pipe = Referent(guard, 0);
    EXPECT_EQ(pipe.substr(0, 5), "pipe:");

    // A child of the host's own, started as any host starts one.
    FILE *own = popen("exec sleep 60", "r");
    size_t holders = 0, others = 0;
    for (pid_t child : Children()) {
        others += child != guard;
        for (int fd : DescriptorsOf(child))
            EXPECT_TRUE(child == guard || Referent(child, fd) != pipe) << "process " << child;
    }
    EXPECT_EQ(others, 3u);
    for (int fd : OpenDescriptors()) {
        if (Referent(getpid(), fd) != pipe)
            continue;
        holders++;
        EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
        EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
        EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    EXPECT_EQ(holders, 1u);
    for (pid_t child : Children())
        if (child != guard && Groups(bus, 2).count(child) == 0)
            kill(child, SIGKILL);
    pclose(own);
    close(leaky[0]);
    close(leaky[1]);
}

TEST(Guard, LivesInASessionOfItsOwnAndIsNotEndedByTheUsualSignals) {
    Bus bus(OnePool());
    SetGuard(bus, SB_DAEMON);
    bus.Start();
    pid_t guard = GuardOf(getpid());
    ASSERT_GT(guard, 0);
    EXPECT_EQ(getsid(guard), guard);
    EXPECT_EQ(getpgid(guard), guard);
    Daemon::UntilAsleep(guard);
    for (int number : {SIGTERM, SIGINT, SIGHUP})
        ASSERT_EQ(kill(guard, number), 0);
    Daemon::UntilAsleep(guard);
    EXPECT_FALSE(IsGone(guard));
}

// --- The list --------------------------------------------------------------------------------

TEST(Guard, KnowsAGroupBeforeTheWorkerRuns) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    sb_source pipe{};
    pipe.handle = ends[1];
    sb_command command{};
    command.file = "/nowhere/to/be/found";
    command.announce = &pipe;
    sb_child child;
    char why[256], line[64];
    EXPECT_EQ(sb_spawn(&command, &child, why, sizeof why), ENOENT);
    EXPECT_EQ(child.pid, 0);
    EXPECT_GT(child.announced, 0) << "so that it can be taken back";
    ssize_t n = read(ends[0], line, sizeof line);
    ASSERT_GT(n, 0) << "it spoke before it tried to become the command";
    EXPECT_EQ(std::string(line, size_t(n)), "+" + std::to_string(child.announced) + "\n");
    close(ends[0]);
    close(ends[1]);
}

TEST(Guard, AWorkerIsStartedAlsoWhenTheGuardHasJustDied) {
    ASSERT_EQ(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    close(ends[0]);
    sb_source pipe{};
    pipe.handle = ends[1];
    char *args[] = {nullptr};
    sb_command command{};
    command.file = "cat";
    command.args = args;
    command.inherit_env = true;
    command.announce = &pipe;
    sb_child child;
    char why[256] = "";
    ASSERT_EQ(sb_spawn(&command, &child, why, sizeof why), 0) << why;
    auto pid = static_cast<pid_t>(child.pid);
    Daemon::UntilAsleep(pid);
    EXPECT_FALSE(IsGone(pid)) << "the signal of the broken pipe did not follow it";
    sb_poller *poller = nullptr;
    ASSERT_EQ(sb_poller_open(&poller), 0);
    sb_exit how;
    sb_child_kill(&child);
    sb_child_wait(&child, 30000);
    EXPECT_TRUE(sb_child_reap(poller, &child, &how));
    sb_source_close(poller, &child.in);
    sb_source_close(poller, &child.out);
    sb_poller_close(poller);
    close(ends[1]);
}

TEST(Guard, IsToldOfEveryGroupAndOfItsEnd) {
    ScriptedGuard recorder("exec cat > heard");
    Pool broken{"broken"};
    broken.args = {"--exit", "1"};
    {
        Bus bus(Config({{"p", 3}, broken}, R"("max_restarts":2)"));
        SetGuard(bus, recorder.Path());
        bus.Start();
        Restart(bus, 1);
        bus.Ask("exit", "", {"p", nullptr, 2});
        ASSERT_TRUE(bus.Until(
            [&] { return bus.EventsOf(3, "failed") == 1 && bus.EventsOf(2, "started") == 2; },
            "one has ended for good and one runs again"));
        bus.Stop();
        EXPECT_EQ(recorder.Listed(), std::set<pid_t>());
    }
    size_t lines = 0;
    EXPECT_EQ(recorder.Listed(&lines), std::set<pid_t>());
    EXPECT_GE(lines, 16u) << "eight starts and their ends";
}

TEST(Guard, ACommandThatCannotBeRunAgainIsNotOnTheList) {
    ScriptedGuard recorder("exec cat > heard");
    TempFolder folder;
    std::string worker = folder.Path("worker");
    ASSERT_EQ(symlink(ScriptedWorker().c_str(), worker.c_str()), 0);
    Bus bus(Config({{"p", 1, {}, worker}}, R"("max_restarts":1)"));
    SetGuard(bus, recorder.Path());
    bus.Start();
    ASSERT_EQ(unlink(worker.c_str()), 0);
    bus.Ask("exit");
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "failed") == 1; }, "it has failed"));
    bus.Stop();
    EXPECT_EQ(recorder.Listed(), std::set<pid_t>());
}

TEST(Guard, AThousandRestartsLeaveNothingBehind) {
    ScriptedGuard recorder("exec cat > heard");
    Bus bus(OnePool(2));
    SetGuard(bus, recorder.Path());
    bus.Start();
    for (int i = 0; i < 1000 && !testing::Test::HasFailure(); i++)
        Restart(bus, i % 2);
    std::set<pid_t> now = Groups(bus, 2);
    EXPECT_EQ(now.size(), 2u);
    bus.Until([&] { return recorder.Listed() == now; }, "two of all of them are on the list");
    bus.Stop();
    EXPECT_EQ(recorder.Listed(), std::set<pid_t>());
}

// --- The end ---------------------------------------------------------------------------------

TEST(Guard, EndsWithTheBus_A21) {
    for (bool orderly : {true, false}) {
        std::vector<int> open_before = OpenDescriptors();
        Bus bus(OnePool(2));
        SetGuard(bus, SB_DAEMON);
        bus.Start();
        bus.Ask("grandchild", R"({"ignore_term":1})");
        ASSERT_GT(GuardOf(getpid()), 0);
        if (orderly) {
            bus.Stop();
            EXPECT_TRUE(Children().empty()) << "gone and reaped once the bus is STOPPED";
        }
        bus.Destroy();
        EXPECT_TRUE(Children().empty());
        EXPECT_EQ(OpenDescriptors(), open_before);
    }
}

TEST(Guard, EndsWithAStartThatFails) {
    Bus bus(Config({{"p", 2}, {"q", 1, {}, "/nowhere/worker"}}));
    SetGuard(bus, SB_DAEMON);
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
    EXPECT_TRUE(Children().empty());
}

} // namespace
