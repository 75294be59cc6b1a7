// What happens when a worker ends by itself: to its callers, its sessions, and to the worker.
#include "bus_fixture.h"

#include <csignal>

namespace {

Pool Exiting(const std::string &code) {
    Pool pool;
    pool.args = {"--exit", code};
    return pool;
}

// --- Callers --------------------------------------------------------------------------------

TEST(Restart, AnExitIsToldToItsCallersAtOnceWithCodeAndLastWords_L7) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("complain", R"({"line":"out of cheese"})");
    Json answer = bus.Ask("exit", R"({"code":3})");
    ExpectError(answer, -32002);
    const Json &data = answer["error"]["data"];
    EXPECT_EQ(data["pool"].Text(), "p");
    EXPECT_EQ(data["worker"].Number(), 0);
    EXPECT_EQ(data["exitCode"].Number(), 3);
    EXPECT_FALSE(data.Has("signal"));
    EXPECT_NE(data["stderr"].Raw().find("out of cheese"), std::string::npos);
    EXPECT_EQ(data["written"].Raw(), "true");
    EXPECT_FALSE(data["reason"].Text().empty());
    EXPECT_EQ(bus.messages.back().kind, STDIO_BUS_RESPONSE);
    stdio_bus_worker_info_t worker = bus.Worker(0);
    EXPECT_TRUE(worker.has_exited);
    EXPECT_EQ(worker.last_exit_code, 3);
    EXPECT_EQ(worker.last_exit_signal, 0);
}

TEST(Restart, ADeathBySignalNamesTheSignal_L7) {
    Bus bus(OnePool());
    bus.Start();
    Json answer = bus.Ask("die", R"({"signal":11})");
    ExpectError(answer, -32002);
    EXPECT_EQ(answer["error"]["data"]["signal"].Number(), SIGSEGV);
    EXPECT_EQ(answer["error"]["data"]["signalName"].Text(), "SIGSEGV");
    EXPECT_FALSE(answer["error"]["data"].Has("exitCode"));
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGSEGV);
    EXPECT_EQ(bus.Worker(0).last_exit_code, -1);
}

TEST(Restart, EveryPendingRequestOfADeadWorkerIsAnsweredExactlyOnce_L7) {
    Bus bus(OnePool(2));
    bus.Start();
    for (uint64_t i = 1; i <= 100; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "hold"), {nullptr, nullptr, 0, 0, i}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "crash_mid_line"), {nullptr, nullptr, 0}), 0);
    for (uint64_t i = 1; i <= 100; i++)
        ExpectError(bus.Answer(i), -32002);
    EXPECT_EQ(bus.messages.size(), 100u);
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Restart, WhatAWorkerWroteBeforeItDiedIsDelivered) {
    Bus bus(OnePool());
    bus.Start();
    std::string notes;
    for (int i = 0; i < 200; i++)
        notes += (i ? "\n" : "") + Rpc("", "n", std::to_string(i));
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(notes))), 0);
    ExpectError(bus.Ask("exit"), -32002);
    ASSERT_EQ(bus.messages.size(), 201u);
    EXPECT_EQ(bus.messages[199].text, Rpc("", "n", "199"));
}

TEST(Restart, AHalfWrittenLineIsNotDeliveredNorGluedToTheNextProcess) {
    Bus bus(OnePool());
    bus.Start();
    ExpectError(bus.Ask("crash_mid_line"), -32002);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(bus.messages.size(), 2u);
}

// --- The worker -----------------------------------------------------------------------------

TEST(Restart, AnExitOfAnyKindIsFollowedByANewProcess_L13) {
    Bus bus(OnePool());
    bus.Start();
    pid_t before = bus.PidOf();
    ExpectError(bus.Ask("exit", R"({"code":0})"), -32002);
    pid_t after = bus.PidOf();
    EXPECT_NE(before, after);
    EXPECT_EQ(bus.Worker(0).restarts, 1u);
    EXPECT_EQ(bus.Stats().worker_restarts, 1u);
    EXPECT_EQ(bus.EventsOf(0, "restarting"), 1u);
    EXPECT_EQ(bus.EventsOf(0, "started"), 2u);
    EXPECT_TRUE(IsGone(before));
}

TEST(Restart, ItsStatesAreReportedInOrder) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RUNNING);
    EXPECT_GT(bus.Worker(0).started_at_ms, 0);
    ExpectError(bus.Ask("exit"), -32002);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RESTARTING);
    EXPECT_EQ(bus.Worker(0).pid, 0);
    EXPECT_EQ(bus.Running(), 0);
    bus.PidOf();
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RUNNING);
    EXPECT_EQ(bus.Running(), 1);
    bus.Stop();
    std::vector<std::string> names;
    for (const auto &event : bus.events)
        names.push_back(event.second);
    EXPECT_EQ(names, (std::vector<std::string>{"started", "restarting", "started", "stopping",
                                               "stopped"}));
}

TEST(Restart, AfterTheLastRestartAllowedItsCallersAreToldThatNobodyIsLeft) {
    Bus bus(Config({Exiting("7")}, R"("max_restarts":1)"));
    bus.Start();
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "failed") == 1; }, "it has failed"));
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32001);
    EXPECT_EQ(answer["error"]["data"]["pool"].Text(), "p");
    EXPECT_EQ(bus.Send(Rpc("", "note")), STDIO_BUS_ERR_ROUTING);
}

TEST(Restart, WhatAFailingWorkerComplainedOfIsKept_L7) {
    Pool pool;
    pool.args = {"--complain", "cannot find module 'cheese'", "--exit", "1"};
    Bus bus(Config({pool}, R"("max_restarts":0)"));
    bus.Start();
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "failed") == 1; }, "it has failed"));
    EXPECT_STREQ(bus.Worker(0).stderr_tail, "cannot find module 'cheese'");
    EXPECT_EQ(bus.Worker(0).last_exit_code, 1);
    EXPECT_NE(std::string(bus.Worker(0).last_reason).find("1"), std::string::npos);
}

TEST(Restart, TheLastWordsOfAProcessStandUntilTheNextOneSpeaksButAreNotItsOwn_L7) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("complain", R"({"line":"first life"})");
    ExpectError(bus.Ask("exit"), -32002);
    ASSERT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_STREQ(bus.Worker(0).stderr_tail, "first life");
    Json answer = bus.Ask("exit");
    ExpectError(answer, -32002);
    EXPECT_EQ(answer["error"]["data"]["stderr"].Text(), "") << "it had not said a word";
    EXPECT_STREQ(bus.Worker(0).stderr_tail, "first life");
    bus.Ask("complain", R"({"line":"third life"})");
    ASSERT_TRUE(bus.Until([&] { return std::string(bus.Worker(0).stderr_tail) == "third life"; },
                          "it is told"));
}

TEST(Restart, NoRestartsMeansThatTheFirstExitIsTheLast) {
    Bus bus(OnePool(1, R"("max_restarts":0)"));
    bus.Start();
    ExpectError(bus.Ask("exit"), -32002);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_FAILED);
    EXPECT_EQ(bus.EventsOf(0, "restarting"), 0u);
    ExpectError(bus.Ask("echo"), -32001);
}

TEST(Restart, WhoeverComesTooLateIsToldWhyTheLastWorkerIsGone_L7) {
    Bus bus(OnePool(1, R"("max_restarts":0)"));
    bus.Start();
    bus.Ask("complain", R"({"line":"out of cheese"})");
    ExpectError(bus.Ask("exit", R"({"code":3})"), -32002);
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32001);
    const Json &data = answer["error"]["data"];
    EXPECT_EQ(data["reason"].Text(),
              "every worker of the pool has failed or was stopped; the last one, worker 0, exited "
              "with code 3");
    EXPECT_EQ(data["exitCode"].Raw(), "3");
    EXPECT_NE(data["stderr"].Raw().find("out of cheese"), std::string::npos);
}

TEST(Restart, OthersOfThePoolGoOnWhenOneHasFailed) {
    Bus bus(OnePool(2, R"("max_restarts":0)"));
    bus.Start();
    bus.Ask("exit", "", {nullptr, nullptr, 0});
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(bus.PidOf(), bus.Worker(1).pid);
    EXPECT_EQ(bus.Running(), 1);
    ExpectError(bus.Ask("echo", "", {nullptr, nullptr, 0}), -32001);
}

TEST(Restart, AFailedWorkerCanBeRevived) {
    Bus bus(OnePool(1, R"("max_restarts":0)"));
    bus.Start();
    bus.Ask("exit");
    ASSERT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_FAILED);
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 0), 0);
    EXPECT_GT(bus.PidOf(), 0);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RUNNING);
}

TEST(Restart, OneWorkerIsRestartedOrStoppedOnDemand) {
    Bus bus(OnePool(2));
    bus.Start();
    pid_t before = bus.Worker(0).pid, other = bus.Worker(1).pid;
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, 0, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 1), 0);
    ExpectError(bus.Answer(1), -32002);
    ASSERT_TRUE(bus.Until([&] { return bus.Running() == 2; }, "it runs again"));
    EXPECT_NE(bus.Worker(0).pid, before);
    EXPECT_EQ(bus.Worker(1).pid, other);
    ASSERT_EQ(stdio_bus_stop_worker(bus.get(), 0, 0), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).state == STDIO_BUS_WORKER_STOPPED; },
                          "it has stopped"));
    EXPECT_EQ(bus.PidOf(), other);
    EXPECT_EQ(stdio_bus_stop_worker(bus.get(), 9, 0), STDIO_BUS_ENOTFOUND);
    EXPECT_EQ(stdio_bus_restart_worker(bus.get(), -1, 0), STDIO_BUS_ENOTFOUND);
}

// --- Sessions and requests not yet written --------------------------------------------------

TEST(Restart, SessionsOfADeadWorkerBindToARunningOneOnNextUse) {
    Bus bus(OnePool(2, R"("max_restarts":0)"));
    bus.Start();
    pid_t before = bus.PidOf({nullptr, "s"});
    ExpectError(bus.Ask("exit", "", {nullptr, "s"}), -32002);
    EXPECT_EQ(bus.Worker(0).sessions + bus.Worker(1).sessions, 0u) << "unbound at once";
    EXPECT_EQ(bus.Sessions(), 1) << "but known";
    pid_t after = bus.PidOf({nullptr, "s"});
    EXPECT_NE(after, before);
    EXPECT_EQ(bus.PidOf({nullptr, "s"}), after);
}

TEST(Restart, RequestsWaitForTheNextProcessWhileNoneRuns) {
    Bus bus(OnePool());
    bus.Start();
    pid_t before = bus.PidOf();
    ExpectError(bus.Ask("exit"), -32002);
    ASSERT_EQ(bus.Running(), 0);
    for (uint64_t i = 101; i <= 110; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "echo"), {nullptr, nullptr, -1, 0, i}), 0);
    EXPECT_EQ(bus.Send(Rpc("", "note")), 0);
    EXPECT_EQ(bus.Pending(), 10);
    for (uint64_t i = 101; i <= 110; i++)
        EXPECT_NE(bus.Answer(i)["result"]["pid"].Number(), before);
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 11u);
    EXPECT_EQ(heard[10].Text(), Rpc("", "note")) << "in the order they were sent";
}

TEST(Restart, WaitingRequestsAreAnsweredWhenNoProcessWillCome) {
    Bus bus(Config({Exiting("1")}, R"("max_restarts":2)"));
    bus.Start();
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).state == STDIO_BUS_WORKER_RESTARTING; },
                          "it has exited"));
    // The next process may have been given it before it exited.
    Json answer = bus.Ask("echo");
    EXPECT_TRUE(answer["error"]["code"].Raw() == "-32001" ||
                answer["error"]["code"].Raw() == "-32002")
        << answer.Raw();
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Restart, RequestsNotYetWrittenGoToAnotherWorker_A9) {
    Bus bus(OnePool(2));
    bus.Start();
    pid_t deaf = bus.PidOf({nullptr, "s"});
    int victim = bus.Worker(0).pid == deaf ? 0 : 1;
    bus.Ask("deafen", "", {nullptr, "s"});
    // The first fills the pipe and stays half-written; the second has not been begun.
    std::string large = Rpc("1", "echo", Quote(std::string(1 << 20, 'a')));
    ASSERT_EQ(bus.Send(large, {nullptr, "s", -1, 0, 101}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "echo"), {nullptr, "s", -1, 0, 102}), 0);
    bus.Settle();
    ASSERT_GT(bus.Worker(victim).queued_bytes, 0u);
    ASSERT_EQ(kill(deaf, SIGKILL), 0);
    Json first = bus.Answer(101);
    ExpectError(first, -32002);
    EXPECT_EQ(bus.Answer(102)["result"]["pid"].Number(), bus.Worker(1 - victim).pid);
    EXPECT_EQ(bus.Counters().requeued, 1u);
}

TEST(Restart, ARequestForExactlyThisWorkerIsNotMoved) {
    Bus bus(OnePool(2));
    bus.Start();
    bus.Ask("deafen", "", {nullptr, nullptr, 0});
    std::string large = Rpc("1", "echo", Quote(std::string(1 << 20, 'a')));
    ASSERT_EQ(bus.Send(large, {nullptr, nullptr, 0, 0, 101}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "echo"), {nullptr, nullptr, 0, 0, 102}), 0);
    bus.Settle();
    ASSERT_EQ(kill(static_cast<pid_t>(bus.Worker(0).pid), SIGKILL), 0);
    Json unwritten = bus.Answer(102);
    ExpectError(unwritten, -32002);
    EXPECT_EQ(unwritten["error"]["data"]["written"].Raw(), "false");
}

TEST(Restart, ASuspendedWorkerIsReportedAndGoesOnWhenContinued) {
    Bus bus(OnePool());
    bus.Start();
    pid_t pid = bus.PidOf();
    ASSERT_EQ(kill(pid, SIGSTOP), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).state == STDIO_BUS_WORKER_SUSPENDED; },
                          "it is seen to be suspended"));
    EXPECT_STREQ(bus.Worker(0).last_reason, "suspended by SIGSTOP");
    ASSERT_EQ(kill(pid, SIGCONT), 0);
    EXPECT_EQ(bus.Answer(1)["result"]["pid"].Number(), pid);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RUNNING);
    EXPECT_EQ(bus.Worker(0).restarts, 0u);
    EXPECT_STREQ(bus.Worker(0).last_reason, "") << "it is suspended no more";
}

} // namespace
