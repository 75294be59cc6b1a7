// The end of a bus: what is still delivered, in which order workers are asked to go, and how long
// that may take.
#include "socket_client.h"

#include <csignal>

namespace {

// Far above what a healthy run needs and far below any deadline that would be waited out.
constexpr int64_t kQuickMs = 2000;

Pool Stubborn(std::vector<std::string> args) {
    Pool pool;
    pool.args = std::move(args);
    return pool;
}

TEST(Stop, StatesFollowEachOtherAndTheLastIsFinal_A21) {
    Bus bus(OnePool());
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_CREATED);
    bus.Start();
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_RUNNING);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 5), 0);
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING);
    bus.Stop();
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
    EXPECT_EQ(stdio_bus_stop(bus.get(), 1), 0) << "again, without effect";
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
    EXPECT_EQ(bus.Running(), 0);
}

TEST(Stop, ABusThatNeverStartedStopsAtOnce) {
    Bus bus(OnePool());
    EXPECT_EQ(stdio_bus_stop(bus.get(), 5), 0);
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_STATE);
}

TEST(Stop, NoBusAtAllIsAnswered) {
    stdio_bus_destroy(nullptr);
    EXPECT_EQ(stdio_bus_get_state(nullptr), STDIO_BUS_STATE_STOPPED);
    EXPECT_EQ(stdio_bus_worker_count(nullptr), 0);
    EXPECT_EQ(stdio_bus_session_count(nullptr), 0);
    EXPECT_EQ(stdio_bus_pending_count(nullptr), 0);
    EXPECT_EQ(stdio_bus_client_count(nullptr), 0);
    EXPECT_EQ(stdio_bus_get_poll_fd(nullptr), -1);
}

TEST(Stop, EveryGetterIsSafeBeforeStartAndAfterStop_A14) {
    Bus bus(OnePool(2));
    auto look = [&] {
        EXPECT_EQ(bus.Running(), 0);
        EXPECT_EQ(bus.Pending(), 0);
        EXPECT_EQ(bus.Sessions(), 0);
        EXPECT_EQ(stdio_bus_client_count(bus.get()), 0);
        EXPECT_EQ(stdio_bus_worker_total(bus.get()), 2);
        EXPECT_EQ(bus.Worker(1).pid, 0);
        bus.Stats();
        bus.Counters();
    };
    look();
    EXPECT_GE(stdio_bus_get_poll_fd(bus.get()), 0) << "valid after create";
    bus.Start();
    bus.PidOf({nullptr, "s"});
    bus.Stop();
    EXPECT_EQ(bus.Running(), 0);
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STOPPED);
    EXPECT_EQ(bus.Worker(0).last_exit_code, 0);
}

TEST(Stop, WellBehavedWorkersMakeItQuick_A21_L19) {
    Bus bus(OnePool(4));
    bus.Start();
    bus.PidOf();
    EXPECT_LT(bus.Stop(30), kQuickMs);
    for (int worker = 0; worker < 4; worker++) {
        EXPECT_EQ(bus.Worker(worker).last_exit_code, 0) << "end of file was enough";
        EXPECT_EQ(bus.EventsOf(worker, "stopping"), 1u);
        EXPECT_EQ(bus.EventsOf(worker, "stopped"), 1u);
        EXPECT_EQ(bus.EventsOf(worker, "restarting"), 0u);
    }
}

TEST(Stop, AWorkerThatOutlivesEndOfFileGetsSigterm_A21) {
    Bus bus(Config({Stubborn({"--ignore-eof"})}));
    bus.Start();
    bus.PidOf();
    EXPECT_LT(bus.Stop(4), 8000);
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGTERM);
}

TEST(Stop, AWorkerThatIgnoresEverythingIsKilledAtItsDeadline_A21_L18) {
    Bus bus(Config({Stubborn({"--ignore-term", "--ignore-eof"}), {"other"}}));
    bus.Start();
    bus.PidOf({"p"});
    int64_t took = bus.Stop(1);
    EXPECT_LT(took, 5000);
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGKILL);
    EXPECT_EQ(bus.Worker(1).last_exit_code, 0);
}

TEST(Stop, WithNothingInFlightAStubbornWorkerGetsThreeSecondsNotTheTimeToDrain_A21) {
    Bus bus(Config({Stubborn({"--ignore-term", "--ignore-eof"})}));
    bus.Start();
    bus.PidOf({"p"});
    EXPECT_LT(bus.Stop(0), 15000) << "the time to drain is 30 seconds";
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGKILL);
}

TEST(Stop, ASecondStopShortensTheDeadlineAndNeverLengthensIt) {
    Bus bus(Config({Stubborn({"--ignore-term", "--ignore-eof"})}));
    bus.Start();
    bus.PidOf();
    ASSERT_EQ(stdio_bus_stop(bus.get(), 600), 0);
    EXPECT_LT(bus.Stop(1), 10000);
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGKILL);
}

TEST(Stop, RequestsInFlightAreFinishedFirst_L34) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, 0, 0, 1}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release"), {nullptr, nullptr, 0}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "echo"), {nullptr, nullptr, 1, 0, 2}), 0);
    EXPECT_LT(bus.Stop(20), kQuickMs);
    EXPECT_TRUE(bus.Answer(1).Has("result"));
    EXPECT_TRUE(bus.Answer(2).Has("result"));
    EXPECT_EQ(bus.Worker(0).last_exit_code, 0);
}

TEST(Stop, NewRequestsAreRefusedWhileTheOldOnesFinish_L34) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 20), 0);
    EXPECT_EQ(bus.Send(Rpc("2", "echo"), {nullptr, nullptr, -1, 0, 2}), STDIO_BUS_ERR_STATE);
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING);
    bus.Stop(1);
    ExpectError(bus.Answer(1), -32004);
    EXPECT_EQ(bus.messages.size(), 1u);
}

TEST(Stop, WhatIsStillPendingAtTheDeadlineIsAnswered_A21) {
    Bus bus(OnePool(1, R"("drain_timeout_sec":1)"));
    bus.Start();
    for (uint64_t i = 1; i <= 50; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "hold"), {nullptr, nullptr, -1, 0, i}), 0);
    EXPECT_LT(bus.Stop(20), 10000) << "the drain has a deadline of its own";
    ASSERT_EQ(bus.messages.size(), 50u);
    for (uint64_t i = 1; i <= 50; i++) {
        Json answer = bus.Answer(i);
        ExpectError(answer, -32004);
    }
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Stop, RequestsThatWaitForARestartAreAnswered) {
    Bus bus(OnePool());
    bus.Start();
    ExpectError(bus.Ask("exit"), -32002);
    ASSERT_EQ(bus.Running(), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 101}), 0);
    bus.Stop(1);
    ExpectError(bus.Answer(101), -32004);
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Stop, WhileRequestsFinishTheirWorkersQuestionsAreStillAskedAndAnswered_L34) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 20), 0);
    EXPECT_EQ(bus.Send(Rpc("", "say", Line(Rpc("7", "ask")))), 0);
    EXPECT_EQ(bus.Next().text, Rpc("7", "ask"));
    EXPECT_EQ(bus.Send(R"({"jsonrpc":"2.0","id":7,"result":true})"), 0);
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING);
    EXPECT_EQ(bus.Send(Rpc("", "release")), 0);
    EXPECT_EQ(bus.Answer(1)["result"]["held"].Raw(), "true");
    bus.Stop();
    EXPECT_EQ(bus.Worker(0).messages_out, 4u) << "the request, both notifications, the answer";
}

TEST(Stop, StoppedMeansThatNoWorkerRunsAnyMore_L38) {
    Bus bus(Config({Stubborn({"--ignore-eof"}), {"other", 2}}));
    bus.Start();
    std::vector<pid_t> pids;
    for (int worker : {0, 1, 2})
        pids.push_back(bus.PidOf({nullptr, nullptr, worker}));
    ASSERT_EQ(stdio_bus_stop(bus.get(), 2), 0);
    ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING) << "one of them is still there";
    bus.Stop(2);
    for (pid_t pid : pids)
        EXPECT_TRUE(IsGone(pid));
    EXPECT_TRUE(Children().empty()) << "and reaped";
}

TEST(Stop, ADestroyedBusAnswersWhatIsPending) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    bus.Destroy();
    ASSERT_EQ(bus.messages.size(), 1u);
    EXPECT_EQ(bus.messages[0].cookie, 1u);
    EXPECT_TRUE(bus.messages[0].Tree().Has("error"));
}

TEST(Stop, AWorkerThatEndsWhileStoppingIsNotRestarted) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, 1}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "exit"), {nullptr, nullptr, 0, 0, 2}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 20), 0);
    ExpectError(bus.Answer(2), -32002);
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING) << "the other one is still asked";
    bus.Stop(1);
    EXPECT_EQ(bus.EventsOf(0, "started"), 1u);
    EXPECT_EQ(bus.Worker(0).restarts, 0u);
}

TEST(Stop, SocketClientsGetTheirAnswersBeforeTheirConnectionEnds_L34_L38) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Send(Rpc("1", "big", R"({"bytes":2000000})"));
    client.Send(Rpc("2", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both are in flight"));
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 20), 0);
    ASSERT_TRUE(bus.Until(
        [&] {
            client.Pump();
            return bus.State() == STDIO_BUS_STATE_STOPPED;
        },
        "the bus has stopped"));
    ASSERT_EQ(client.Waiting(), 2u);
    EXPECT_EQ(client.Line(bus).size(), 2000000u);
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "2");
    EXPECT_TRUE(client.IsEnded(bus));
    EXPECT_EQ(bus.disconnects.size(), 1u);
}

TEST(Stop, AClientIsToldThatTheBusIsShuttingDown_L34) {
    Bus bus(OnePool(), OnTcp());
    bus.Start();
    std::string endpoint = stdio_bus_listen_endpoint(bus.get());
    SocketClient client(endpoint);
    client.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    ASSERT_EQ(stdio_bus_stop(bus.get(), 2), 0);
    EXPECT_FALSE(SocketClient::CanConnect(endpoint)) << "nobody new is let in";
    ASSERT_TRUE(bus.Until(
        [&] {
            client.Pump();
            return bus.State() == STDIO_BUS_STATE_STOPPED;
        },
        "the bus has stopped"));
    ASSERT_EQ(client.Waiting(), 1u);
    ExpectError(client.Next(bus), -32004);
}

TEST(Stop, TheBusMayBeStoppedFromACallback) {
    Bus bus(OnePool());
    bus.Start();
    bus.on_message = [&](const Message &) { EXPECT_EQ(stdio_bus_stop(bus.get(), 5), 0); };
    ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
    EXPECT_TRUE(
        bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "the bus has stopped"));
    EXPECT_EQ(bus.messages.size(), 1u);
}

} // namespace
