// Handshakes that are refused, not answered, or cut short by an end.
#include "handshake_pools.h"

#include <cstring>

namespace {

// --- Failures ---------------------------------------------------------------------------------

TEST(Handshake, AnErrorIsAFailedStartThatCallersAreToldOf) {
    std::string error = R"("error":{"code":-32602,"message":"Unsupported\nprotocol version"})";
    Bus bus(Greeted({Answering(error)}, R"("max_restarts":1)"));
    bus.Start();
    std::string told = "refused the handshake: 'answer' got -32602: Unsupported protocol version";
    EXPECT_EQ(ReasonOfNoWorker(bus),
              "every worker of the pool has failed or was stopped; the last one, worker 0, " +
                  told);
    stdio_bus_worker_info_t worker = bus.Worker(0);
    EXPECT_EQ(worker.state, STDIO_BUS_WORKER_FAILED);
    EXPECT_EQ(worker.restarts, 1u);
    EXPECT_EQ(worker.last_reason, told);
    EXPECT_EQ(bus.EventsOf(0, "restarting"), 1u);
    EXPECT_EQ(bus.EventsOf(0, "started"), 0u);
    EXPECT_TRUE(bus.HasLogged(told + "; restarts in"));
    EXPECT_TRUE(bus.HasLogged(told + "; failed: 1 restarts are the limit"));
}

TEST(Handshake, AnErrorOfAnotherFormIsShownAsItIs) {
    for (const char *error : {R"("error":"no")", R"("error":{"code":"x"})",
                              R"("error":{"code":1,"message\u0000":"no"})", R"("error":null)"}) {
        Bus bus(Greeted({Answering(error)}, R"("max_restarts":0)"));
        bus.Start();
        EXPECT_TRUE(Has(ReasonOfNoWorker(bus),
                        std::string("'answer' got the error ") + (strchr(error, ':') + 1)))
            << bus.Worker(0).last_reason;
    }
}

TEST(Handshake, AResultBesideAnErrorThatIsNullIsAResult) {
    Bus bus(Greeted({Answering(R"("result":{"ok":1},"error":null)")}));
    bus.Start();
    UntilRunning(bus);
    EXPECT_STREQ(bus.Worker(0).handshake, R"({"ok":1})");
}

TEST(Handshake, NoAnswerInTimeIsAFailedStart) {
    Bus bus(Greeted({kInitialize, kHold}, R"("max_restarts":0,"startup_timeout_sec":1)"));
    bus.Start();
    pid_t pid = static_cast<pid_t>(bus.Worker(0).pid);
    std::string reason = ReasonOfNoWorker(bus);
    EXPECT_TRUE(Has(reason, "did not finish the handshake: 'hold' was not answered within 1 s"))
        << reason;
    EXPECT_FALSE(Has(reason, "no messages"));
    EXPECT_TRUE(IsGone(pid));
}

TEST(Handshake, AnAnswerThatIsTooLongIsAFailedStartAtOnce) {
    std::string big = R"({"id":1,"method":"big","params":{"bytes":9000}})";
    Bus bus(Greeted({big}, R"("max_restarts":0,"max_input_buffer":8000)"));
    bus.Start();
    std::string reason = ReasonOfNoWorker(bus);
    EXPECT_TRUE(Has(reason, "its answer to 'big' is longer than max_input_buffer (8000 bytes)"))
        << reason;
}

TEST(Handshake, LinesThatWereSkippedAreHintedAt) {
    Bus bus(Greeted({kHold}, R"("max_restarts":0,"startup_timeout_sec":1)", 1,
                    {"--banner", "Welcome!"}));
    bus.Start();
    EXPECT_TRUE(Has(ReasonOfNoWorker(bus), "lines that it wrote to stdout are no messages"));
    EXPECT_EQ(bus.skipped.size(), 1u);
}

TEST(Handshake, OneThatIsNeverFinishedIsGivenUpHoweverLongEachAttemptTakes) {
    Bus bus(Greeted({kHold}, R"("max_restarts":1,"restart_window_sec":1,"startup_timeout_sec":1)"));
    bus.Start();
    EXPECT_TRUE(Has(ReasonOfNoWorker(bus), "'hold' was not answered"));
    EXPECT_EQ(bus.Worker(0).restarts, 1u);
}

TEST(Handshake, AnExitInTheMiddleSaysWhatWasNotAnswered) {
    std::string exits = R"({"id":1,"method":"exit","params":{"code":3}})";
    Bus bus(Greeted({exits}, R"("max_restarts":0)"));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("", "note")), 0);
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32001);
    EXPECT_TRUE(Has(answer["error"]["data"]["reason"].Text(),
                    "exited with code 3 during its handshake, at 'exit'"))
        << answer.Raw();
    EXPECT_EQ(answer["error"]["data"]["exitCode"].Number(), 3);
    EXPECT_EQ(bus.Counters().dropped_notifications, 1u) << "the one that was sent";
}

TEST(Handshake, AWorkerThatClosesItsOutputInTheMiddleIsReplaced) {
    std::string closes = R"({"id":1,"method":"close_output"})";
    Bus bus(Greeted({closes, kHold}, R"("max_restarts":0)"));
    bus.Start();
    EXPECT_TRUE(Has(ReasonOfNoWorker(bus), "closed its stdout and was replaced"));
}

// --- Ends in the middle -----------------------------------------------------------------------

TEST(Handshake, AStopWaitsForItAsLongAsRequestsWait) {
    Gate gate;
    Bus bus(Greeted({kInitialize}, "", 1, gate.Args()));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 50), STDIO_BUS_OK);
    gate.Open(bus);
    EXPECT_TRUE(bus.Answer(1).Has("result"));
    bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "the bus has stopped");
}

TEST(Handshake, AStopThatHasWaitedLongEnoughTellsTheCallers) {
    Bus bus(Greeted({kHold}));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    bus.Stop(2);
    ASSERT_EQ(bus.messages.size(), 1u);
    ExpectError(bus.messages[0].Tree(), -32004);
    EXPECT_EQ(bus.EventsOf(0, "stopped"), 1u);
}

TEST(Handshake, AStopWithNothingInFlightDoesNotWaitForIt) {
    Bus bus(Greeted({kHold}));
    bus.Start();
    EXPECT_LT(bus.Stop(50), 40000);
    EXPECT_EQ(bus.EventsOf(0, "started"), 0u);
}

TEST(Handshake, ADestroyInTheMiddleAnswersWhatWaits) {
    Bus bus(Greeted({kHold}, "", 2));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    bus.Settle();
    bus.Destroy();
    ASSERT_EQ(bus.messages.size(), 1u);
    ExpectError(bus.messages[0].Tree(), -32004);
}

TEST(Handshake, ARestartInTheMiddleBeginsItAnew) {
    Gate gate;
    Bus bus(Greeted({kInitialize}, "", 1, gate.Args()));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "heard"), {nullptr, nullptr, -1, 0, 1}), 0);
    int64_t before = bus.Worker(0).pid;
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 1), STDIO_BUS_OK);
    bus.Until([&] { return bus.EventsOf(0, "starting") == 2; }, "the next process was started");
    EXPECT_NE(bus.Worker(0).pid, before);
    gate.Open(bus);
    EXPECT_EQ(bus.Answer(1)["result"]["lines"].Raw(), "[" + Quote(kHeardInitialize) + "]");
    EXPECT_EQ(bus.Worker(0).restarts, 1u);
}

TEST(Handshake, AStopOfTheWorkerInTheMiddleTellsTheCallers) {
    Bus bus(Greeted({kHold}));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop_worker(bus.get(), 0, 0), STDIO_BUS_OK);
    ExpectError(bus.Answer(1), -32001);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STOPPED);
    EXPECT_TRUE(Has(bus.Worker(0).last_reason, "exited with code 0"));
}

TEST(Handshake, TheHostMayEndTheWorkerWithinItsEvents) {
    for (const char *event : {"starting", "started"}) {
        Bus bus(Greeted({kInitialize}));
        bus.Start();
        UntilRunning(bus);
        bus.on_event = [&](int worker, const std::string &what) {
            if (what == event) {
                EXPECT_EQ(stdio_bus_stop_worker(bus.get(), worker, 1), STDIO_BUS_OK);
            }
        };
        ExpectError(bus.Ask("exit"), -32002);
        ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
        ExpectError(bus.Answer(1), -32001);
        EXPECT_EQ(bus.EventsOf(0, "stopped"), 1u);
        EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STOPPED);
    }
}

} // namespace
