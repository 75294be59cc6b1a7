// Guards that cannot be started, die, do not read or do not end.
#include <csignal>
#include <unistd.h>

#include "daemon_process.h"
#include "guard_fixture.h"

namespace {

TEST(FailingGuard, OneThatCannotBeStartedIsAWarningAndNoFailure) {
    for (const char *path : {"/nowhere/stdio_bus", "/"}) {
        Bus bus(OnePool(3));
        SetGuard(bus, path);
        bus.Start();
        EXPECT_TRUE(bus.Ask("echo").Has("result"));
        Restart(bus, 0);
        size_t warnings = 0;
        for (const auto &line : bus.logs)
            warnings +=
                line.first == STDIO_BUS_LOG_WARN &&
                line.second.find(std::string("no guard: cannot execute '") + path + "'") == 0;
        EXPECT_EQ(warnings, 1u) << "however many workers are started";
        EXPECT_TRUE(bus.errors.empty());
    }
}

TEST(FailingGuard, OneThatCouldNotBeStartedIsTriedAgainSoon) {
    TempFolder folder;
    std::string path = folder.Path("guard");
    Bus bus(OnePool());
    SetGuard(bus, path);
    bus.Start();
    ASSERT_EQ(symlink(SB_DAEMON, path.c_str()), 0);
    EXPECT_TRUE(bus.Until([&] { return bus.HasLogged("guard started"); }, "it is there now"));
}

TEST(FailingGuard, OneThatDiesIsReplacedWithoutBeingAskedFor) {
    Bus bus(OnePool(2));
    SetGuard(bus, SB_DAEMON);
    bus.Start();
    pid_t first = GuardOf(getpid());
    ASSERT_GT(first, 0);
    ASSERT_EQ(kill(first, SIGKILL), 0);
    pid_t second = 0;
    ASSERT_TRUE(bus.Until(
        [&] { return bus.HasLogged("SIGKILL") && (second = GuardOf(getpid())) > 0; }, "the next"));
    EXPECT_NE(second, first);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    bus.Stop();
    EXPECT_TRUE(Children().empty());
}

TEST(FailingGuard, ItsSuccessorGetsTheWholeList) {
    ScriptedGuard recorder("exec cat >> heard"); // what both hear, one after the other
    Bus bus(OnePool(3));
    SetGuard(bus, recorder.Path());
    bus.Start();
    std::set<pid_t> now = Groups(bus, 3);
    bus.Until([&] { return recorder.Listed() == now; }, "the first has heard of all");
    ASSERT_EQ(kill(GuardBeside(bus, 3), SIGKILL), 0);
    size_t before = 0, after = 0;
    recorder.Listed(&before);
    bus.Until([&] { return (recorder.Listed(&after), after >= before + 3); },
              "the second has heard of all again");
    bus.Stop();
    EXPECT_EQ(recorder.Listed(), std::set<pid_t>());
}

TEST(FailingGuard, OneThatEndsByItselfIsNotStartedOverAndOver) {
    Bus bus(OnePool());
    SetGuard(bus, "/bin/true");
    bus.Start();
    ASSERT_TRUE(bus.Until([&] { return bus.HasLogged("replaced in 0 ms"); }, "once at once"));
    ASSERT_TRUE(bus.Until([&] { return bus.HasLogged("replaced in 1000 ms"); }, "then later"));
    EXPECT_TRUE(bus.HasLogged("exited with code 0"));
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    bus.Stop();
    EXPECT_TRUE(Children().empty());
}

TEST(FailingGuard, OneThatDoesNotReadHoldsUpNobodyAndIsReplaced) {
    Bus bus(OnePool());
    SetGuard(bus, SB_DAEMON);
    bus.Start();
    pid_t guard = GuardOf(getpid());
    ASSERT_GT(guard, 0);
    Daemon::UntilAsleep(guard);
    NarrowPipe(guard);
    ASSERT_EQ(kill(guard, SIGSTOP), 0);
    for (int i = 0; i < 5000 && !bus.HasLogged("does not read"); i++)
        Restart(bus, 0);
    EXPECT_TRUE(bus.HasLogged("does not read"));
    pid_t next = 0;
    bus.Until([&] { return (next = GuardOf(getpid())) > 0 && next != guard; }, "the next");
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

TEST(FailingGuard, OneThatReadsLateHasMissedNothing) {
    ScriptedGuard recorder("exec cat > heard");
    Bus bus(OnePool(2));
    SetGuard(bus, recorder.Path());
    bus.Start();
    bus.Until([&] { return recorder.Listed().size() == 2; }, "it reads");
    pid_t guard = GuardBeside(bus, 2);
    NarrowPipe(guard);
    ASSERT_EQ(kill(guard, SIGSTOP), 0);
    for (int i = 0; i < 300; i++) // more than the pipe takes, less than what makes it be given up
        Restart(bus, i % 2);
    ASSERT_EQ(kill(guard, SIGCONT), 0);
    std::set<pid_t> now = Groups(bus, 2);
    bus.Until([&] { return recorder.Listed() == now; }, "the list is right again");
    EXPECT_FALSE(bus.HasLogged("does not read"));
}

TEST(FailingGuard, OneThatDoesNotEndIsKilledAtTheEndOfTheBus) {
    ScriptedGuard stubborn("trap '' TERM INT; exec sleep 300");
    for (bool orderly : {true, false}) {
        Bus bus(OnePool());
        SetGuard(bus, stubborn.Path());
        bus.Start();
        EXPECT_EQ(Children().size(), 2u);
        if (orderly) {
            bus.Stop();
            EXPECT_TRUE(Children().empty());
        }
        bus.Destroy();
        EXPECT_TRUE(Children().empty());
    }
}

} // namespace
