// What is left of a bus whose host was killed. The host is a process of its own: a program over the
// library, or the daemon.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <unistd.h>

#include "bus_fixture.h"
#include "daemon_config.h"
#include "daemon_process.h"
#include "processes.h"

namespace {

std::unique_ptr<Daemon> Host(const std::string &guard, int workers = 1) {
    Daemon::Ends ends;
    ends.own_group = true;
    ends.program = std::string(SB_WORKER_DIR) + "/host_plain";
    return std::make_unique<Daemon>(std::vector<std::string>{guard, OnePool(workers)}, ends);
}

struct Family {
    pid_t worker, grandchild;
};

Family Ask(Daemon &host, const std::string &params = R"({"ignore_term":1})") {
    Json answer = host.Ask(Rpc("1", "grandchild", params))["result"];
    return {pid_t(answer["pid"].Number()), pid_t(answer["child"].Number())};
}

// Ends what the bus was not meant to end; it must still be there.
void EndSurvivor(pid_t pid) {
    EXPECT_FALSE(IsGone(pid));
    EXPECT_EQ(kill(pid, SIGKILL), 0);
    EXPECT_TRUE(BecomesGone(pid));
}

TEST(KilledHost, WithoutAGuardLeavesWhatItsWorkersHaveStarted) {
    auto host = Host("");
    Family family = Ask(*host);
    EXPECT_EQ(GuardOf(host->Pid()), 0);
    host->Signal(SIGKILL);
    EXPECT_EQ(host->Wait(), -SIGKILL);
    EXPECT_TRUE(BecomesGone(family.worker)) << "the parent-death signal ends the worker";
    EndSurvivor(family.grandchild);
}

TEST(KilledHost, WithAGuardLeavesNothing_A21_L18) {
    auto host = Host(DaemonProgram(), 4);
    std::vector<Family> families;
    for (int i = 0; i < 8; i++)
        families.push_back(Ask(*host, i % 2 ? R"({"ignore_term":1})" : "{}"));
    pid_t guard = GuardOf(host->Pid());
    ASSERT_GT(guard, 0);
    host->Signal(SIGKILL);
    EXPECT_EQ(host->Wait(), -SIGKILL);
    for (const Family &family : families) {
        EXPECT_TRUE(BecomesGone(family.worker));
        EXPECT_TRUE(BecomesGone(family.grandchild));
    }
    EXPECT_TRUE(BecomesGone(guard)) << "its work is done";
}

TEST(KilledHost, WhatHasLeftItsGroupIsNotReached) {
    auto host = Host(DaemonProgram());
    Family family = Ask(*host, R"({"new_session":1})");
    pid_t guard = GuardOf(host->Pid());
    host->Signal(SIGKILL);
    EXPECT_EQ(host->Wait(), -SIGKILL);
    EXPECT_TRUE(BecomesGone(family.worker));
    EXPECT_TRUE(BecomesGone(guard));
    EndSurvivor(family.grandchild);
}

TEST(KilledHost, AGuardThatTookThePlaceOfAnotherEndsItAll) {
    auto host = Host(DaemonProgram());
    Family family = Ask(*host);
    pid_t first = GuardOf(host->Pid());
    ASSERT_GT(first, 0);
    ASSERT_EQ(kill(first, SIGKILL), 0);
    host->Logged("was ended by SIGKILL");
    pid_t second;
    while ((second = GuardOf(host->Pid())) == 0)
        host->Ask(Rpc("2", "echo")); // the host goes on meanwhile
    host->Logged("guard started, pid " + std::to_string(second));
    host->Signal(SIGKILL);
    EXPECT_EQ(host->Wait(), -SIGKILL);
    EXPECT_TRUE(BecomesGone(family.worker));
    EXPECT_TRUE(BecomesGone(family.grandchild));
}

TEST(KilledHost, CtrlCEndsTheHostButNotTheGuardBeforeItsWork) {
    auto host = Host(DaemonProgram());
    Family family = Ask(*host);
    pid_t guard = GuardOf(host->Pid());
    ASSERT_GT(guard, 0);
    Daemon::UntilAsleep(guard);
    ASSERT_EQ(kill(-host->Pid(), SIGINT), 0) << "as the terminal does it";
    ASSERT_EQ(kill(guard, SIGTERM), 0) << "as the end of a session does it";
    EXPECT_EQ(host->Wait(), -SIGINT);
    EXPECT_TRUE(BecomesGone(family.worker));
    EXPECT_TRUE(BecomesGone(family.grandchild));
    EXPECT_TRUE(BecomesGone(guard));
}

TEST(KilledHost, AHostThatStopsInOrderLeavesNothingEither_A21) {
    auto host = Host(DaemonProgram(), 2);
    Family family = Ask(*host);
    pid_t guard = GuardOf(host->Pid());
    ASSERT_GT(guard, 0);
    host->CloseInput();
    EXPECT_EQ(host->Wait(), 0);
    EXPECT_TRUE(IsGone(guard)) << "before the bus was STOPPED";
    EXPECT_TRUE(IsGone(family.worker));
    EXPECT_TRUE(BecomesGone(family.grandchild));
}

TEST(KilledDaemon, LeavesNothing_A21_L18) {
    ConfigFile config(OnePool(2));
    Daemon daemon({"--config", config.Path(), "--stdio"});
    Family family = Ask(daemon);
    pid_t guard = GuardOf(daemon.Pid());
    ASSERT_GT(guard, 0) << "its own program";
    EXPECT_EQ(Referent(guard, 1), "/dev/null") << "nothing that the daemon's reader waits for";
    daemon.Signal(SIGKILL);
    EXPECT_EQ(daemon.Wait(), -SIGKILL);
    EXPECT_TRUE(BecomesGone(family.worker));
    EXPECT_TRUE(BecomesGone(family.grandchild));
    EXPECT_TRUE(BecomesGone(guard));
}

TEST(KilledDaemon, AnOrderlyEndAndASecondSignalLeaveNothingEither) {
    for (int signals : {1, 2}) {
        ConfigFile config(OnePool(2));
        Daemon daemon({"--config", config.Path(), "--stdio"});
        Family family = Ask(daemon);
        pid_t guard = GuardOf(daemon.Pid());
        ASSERT_GT(guard, 0);
        if (signals == 2)
            daemon.Send(Rpc("9", "hold"));
        daemon.Signal(SIGTERM);
        daemon.Logged("stopping");
        if (signals == 2)
            daemon.Signal(SIGTERM);
        EXPECT_EQ(daemon.Wait(), signals == 2 ? 143 : 0);
        EXPECT_TRUE(IsGone(guard));
        EXPECT_TRUE(BecomesGone(family.grandchild));
    }
}

} // namespace
