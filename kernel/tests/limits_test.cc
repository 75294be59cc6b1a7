// Limits: what happens at each, and that below them nothing is lost and nothing stays behind.
#include "socket_client.h"

#include <chrono>

namespace {

// --- Pending requests -----------------------------------------------------------------------

TEST(Limits, ARequestBeyondMaxPendingIsAnsweredWithTheLimit) {
    Bus bus(OnePool(1, R"("max_pending":10)"));
    bus.Start();
    for (int i = 0; i < 10; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "hold")), 0);
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32003);
    EXPECT_NE(answer["error"].Raw().find("max_pending"), std::string::npos) << answer.Raw();
    EXPECT_NE(answer["error"].Raw().find("10"), std::string::npos);
    EXPECT_EQ(bus.Pending(), 10);
    EXPECT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 0; }, "all are answered"));
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

TEST(Limits, SixtyFiveThousandPendingAreHeldAndAnswered_L12) {
    Bus bus(OnePool());
    bus.Start();
    constexpr uint64_t kCount = 65536;
    for (uint64_t i = 1; i <= kCount; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "hold"), {nullptr, nullptr, -1, 0, i}), 0);
    EXPECT_EQ(bus.Pending(), static_cast<int>(kCount));
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.messages.size() == kCount; }, "all are answered"));
    for (uint64_t i = 0; i < kCount; i++)
        ASSERT_EQ(bus.messages[i].cookie, i + 1);
    EXPECT_EQ(bus.Pending(), 0);
}

// --- Giving up ------------------------------------------------------------------------------

TEST(Limits, AForgottenRequestIsPendingNoMoreAndItsLateAnswerIsCounted_A16) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, 0, 0, 7}), 0);
    EXPECT_EQ(bus.Worker(0).pending, 1u);
    EXPECT_EQ(stdio_bus_forget(bus.get(), 7), 0);
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Worker(0).pending, 0u);
    EXPECT_EQ(stdio_bus_forget(bus.get(), 7), STDIO_BUS_ENOTFOUND);
    ASSERT_EQ(bus.Send(Rpc("", "release"), {nullptr, nullptr, 0}), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1; }, "its answer came"));
    EXPECT_TRUE(bus.messages.empty());
}

TEST(Limits, TheWorkerThatHasARequestIsKnownUntilItEnds) {
    Bus bus(OnePool(3));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, 2, 0, 7}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "hold"), {nullptr, nullptr, 1, 0, 8}), 0);
    EXPECT_EQ(stdio_bus_pending_worker(bus.get(), 7), 2);
    EXPECT_EQ(stdio_bus_pending_worker(bus.get(), 8), 1);
    EXPECT_EQ(stdio_bus_pending_worker(bus.get(), 9), STDIO_BUS_ENOTFOUND);
    ASSERT_EQ(bus.Send(Rpc("", "release"), {nullptr, nullptr, 2}), 0);
    EXPECT_TRUE(bus.Answer(7).Has("result"));
    EXPECT_EQ(stdio_bus_pending_worker(bus.get(), 7), STDIO_BUS_ENOTFOUND);
    ASSERT_EQ(stdio_bus_forget(bus.get(), 8), 0);
    EXPECT_EQ(stdio_bus_pending_worker(bus.get(), 8), STDIO_BUS_ENOTFOUND);
}

TEST(Limits, ARequestThatWaitsForAWorkerHasNone) {
    Bus bus(OnePool());
    bus.Start();
    bus.LoseWorkerForAWhile();
    ASSERT_EQ(bus.Send(Rpc("1", "waits"), {nullptr, nullptr, -1, 0, 7}), 0);
    EXPECT_EQ(stdio_bus_pending_worker(bus.get(), 7), STDIO_BUS_ENOTFOUND);
    EXPECT_TRUE(bus.Answer(7).Has("result"));
}

TEST(Limits, TheIdOfAForgottenRequestIsNotTakenForItsSuccessors_L31) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 7}), 0);
    ASSERT_EQ(stdio_bus_forget(bus.get(), 7), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "echo", "\"new\""), {nullptr, nullptr, -1, 0, 8}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    Json answer = bus.Answer(8);
    EXPECT_EQ(answer["id"].Raw(), "1");
    EXPECT_EQ(answer["result"]["params"].Raw(), "\"new\"");
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1; }, "the other came too"));
    EXPECT_EQ(bus.messages.size(), 1u);
}

TEST(Limits, AForgottenRequestThatWaitedForAWorkerIsNeverSent) {
    Bus bus(OnePool());
    bus.Start();
    bus.LoseWorkerForAWhile();
    ASSERT_EQ(bus.Send(Rpc("1", "forgotten"), {nullptr, nullptr, -1, 0, 7}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "kept"), {nullptr, nullptr, -1, 0, 8}), 0);
    ASSERT_EQ(stdio_bus_forget(bus.get(), 7), 0);
    EXPECT_TRUE(bus.Answer(8).Has("result"));
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 1u);
    EXPECT_EQ(heard[0].Text(), Rpc("2", "kept"));
}

TEST(Limits, AHundredThousandForgottenLeaveNothingPending) {
    Bus bus(OnePool(2));
    bus.Start();
    constexpr uint64_t kCount = 100000;
    for (uint64_t i = 1; i <= kCount; i++) {
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "hold"), {nullptr, nullptr, -1, 0, i}), 0);
        ASSERT_EQ(stdio_bus_forget(bus.get(), i), 0);
    }
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Worker(0).pending + bus.Worker(1).pending, 0u);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    for (int worker : {0, 1})
        ASSERT_EQ(bus.Send(Rpc("", "release"), {nullptr, nullptr, worker}), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == kCount; }, "all came late"));
    EXPECT_EQ(bus.messages.size(), 1u);
}

// --- Sizes ----------------------------------------------------------------------------------

TEST(Limits, AMessageOfExactlyTheLimitPassesAndOneByteMoreDoesNot_L4) {
    Bus bus(OnePool(1, R"("max_input_buffer":65536)"));
    bus.Start();
    size_t frame = Rpc("1", "measure", "\"\"").size();
    std::string fits = Rpc("1", "measure", Quote(std::string(65536 - frame, 'a')));
    ASSERT_EQ(bus.Send(fits, {nullptr, nullptr, -1, 0, 1}), 0);
    EXPECT_EQ(bus.Answer(1)["result"]["bytes"].Number(), 65536);
    std::string larger = Rpc("1", "measure", Quote(std::string(65537 - frame, 'a')));
    EXPECT_EQ(bus.Send(larger), STDIO_BUS_ERR_BUFFER);
    EXPECT_EQ(bus.Ingest(larger), STDIO_BUS_ERR_BUFFER);
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Ask("big", R"({"bytes":65536})").Raw().size(), 65536u);
}

// --- Sessions -------------------------------------------------------------------------------

TEST(Limits, AtMaxSessionsTheLeastRecentlyUsedIsForgotten_L12) {
    Bus bus(OnePool(1, R"("max_sessions":3)"));
    bus.Start();
    for (const char *session : {"a", "b", "c", "a", "d"})
        bus.PidOf({nullptr, session});
    EXPECT_EQ(bus.Sessions(), 3);
    EXPECT_EQ(bus.Counters().sessions_evicted, 1u);
    // b was used longest ago. Using what is left evicts nothing more.
    for (const char *session : {"a", "c", "d"})
        bus.PidOf({nullptr, session});
    EXPECT_EQ(bus.Counters().sessions_evicted, 1u);
    bus.PidOf({nullptr, "b"});
    EXPECT_EQ(bus.Counters().sessions_evicted, 2u);
}

TEST(Limits, SessionsWithRequestsInFlightAreNotForgotten) {
    Bus bus(OnePool(1, R"("max_sessions":2)"));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, "a"}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "hold"), {nullptr, "b"}), 0);
    Json answer = bus.Ask("echo", "", {nullptr, "c"});
    ExpectError(answer, -32003);
    EXPECT_NE(answer["error"].Raw().find("max_sessions"), std::string::npos) << answer.Raw();
    EXPECT_TRUE(bus.Ask("echo").Has("result")) << "without a session nothing is full";
    EXPECT_EQ(bus.Sessions(), 2);
}

TEST(Limits, TenThousandSessionsKeepTheirWorkers_L12) {
    Bus bus(OnePool(4));
    bus.Start();
    std::vector<long long> pids;
    for (int round = 0; round < 2; round++) {
        uint64_t first = bus.Cookie();
        for (int i = 0; i < 10000; i++) {
            std::string session = "session " + std::to_string(i);
            ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "echo"),
                               {nullptr, session.c_str(), -1, 0, first + i}),
                      0);
        }
        size_t before = bus.messages.size();
        ASSERT_TRUE(bus.Until([&] { return bus.messages.size() >= before + 10000; }, "answered"));
        pids.resize(10000);
        for (size_t i = before; i < bus.messages.size(); i++) {
            Json answer = bus.messages[i].Tree();
            auto at = static_cast<size_t>(answer["id"].Number());
            long long pid = answer["result"]["pid"].Number();
            if (round == 1) {
                ASSERT_EQ(pid, pids[at]);
            }
            pids[at] = pid;
        }
        for (int i = 0; i < 10000; i++)
            bus.Cookie();
    }
    EXPECT_EQ(bus.Sessions(), 10000);
    for (int worker = 0; worker < 4; worker++)
        EXPECT_EQ(bus.Worker(worker).sessions, 2500u);
}

// --- Queues ---------------------------------------------------------------------------------

TEST(Limits, AWorkerThatReadsNothingFillsItsOwnQueueAloneAndSendersAreTold) {
    Pool deaf{"deaf"}, other{"other"};
    deaf.args = {"--deaf"};
    Bus bus(Config({deaf, other}, R"("max_output_queue":1048576)"));
    bus.Start();
    std::string block = Quote(std::string(100000, 'a'));
    uint64_t refused = 0;
    for (uint64_t i = 1; i <= 30 && !refused; i++) {
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "x", block), {"deaf", nullptr, -1, 0, i}), 0);
        bus.Settle();
        if (!bus.messages.empty())
            refused = i;
    }
    ASSERT_GT(refused, 9u) << "a megabyte must fit";
    Json answer = bus.Answer(refused);
    ExpectError(answer, -32003);
    EXPECT_NE(answer["error"].Raw().find("max_output_queue"), std::string::npos) << answer.Raw();
    EXPECT_EQ(answer["error"]["data"]["worker"].Number(), 0);
    EXPECT_EQ(bus.Send(Rpc("", "x", block), {"deaf"}), STDIO_BUS_EFULL);
    EXPECT_GE(bus.Counters().backpressure, 2u);
    EXPECT_LE(bus.Worker(0).queued_bytes, 1048576u);
    EXPECT_GT(bus.Worker(0).queued_bytes, 0u);
    for (int i = 0; i < 10; i++)
        EXPECT_TRUE(bus.Ask("echo", "", {"other"}).Has("result")) << "the others go on";
}

TEST(Limits, AWorkerWhoseFullQueueDoesNotMoveIsReplaced) {
    Pool deaf;
    deaf.args = {"--deaf"};
    Bus bus(Config({deaf}, R"("max_output_queue":1048576,"backpressure_timeout_sec":1)"));
    bus.Start();
    int64_t before = bus.Worker(0).pid;
    std::string block = Quote(std::string(700000, 'a'));
    ASSERT_EQ(bus.Send(Rpc("1", "x", block), {nullptr, nullptr, -1, 0, 1}), 0);
    bus.Settle(); // what fits into the pipe is in it: from now on nothing moves
    ASSERT_EQ(bus.Send(Rpc("2", "x", block), {nullptr, nullptr, -1, 0, 2}), 0);
    ExpectError(bus.Answer(2), -32003);
    ExpectError(bus.Answer(1), -32002);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).restarts == 1; }, "it was replaced"));
    EXPECT_NE(bus.Worker(0).pid, before);
}

TEST(Limits, ASlowClientGetsEverythingAndNobodyElseWaitsForIt_L35) {
    ListeningBus bus(Config({{"a"}, {"b"}}, R"("max_output_queue":1048576)"));
    SocketClient slow(bus.endpoint);
    SocketClient quick(bus.endpoint);
    slow.deaf = true;
    constexpr int kAnswers = 300;
    for (int i = 0; i < kAnswers; i++)
        slow.Send(Rpc(std::to_string(i), "big", R"({"bytes":100000})", R"(,"pool":"a")"));
    ASSERT_TRUE(bus.Until(
        [&] {
            slow.Pump();
            return bus.Worker(0).paused != 0;
        },
        "the worker of the slow client is read no more"));
    for (int i = 0; i < 50; i++) {
        slow.Pump();
        Json answer = quick.Ask(bus, Rpc(std::to_string(i), "echo", "", R"(,"pool":"b")"));
        ASSERT_TRUE(answer.Has("result"));
    }
    slow.deaf = false;
    for (int i = 0; i < kAnswers; i++) {
        std::string line = slow.Line(bus);
        ASSERT_EQ(line.size(), 100000u);
        ASSERT_EQ(Json::Parse(line)["id"].Number(), i);
    }
    EXPECT_GT(bus.Counters().backpressure, 0u);
    EXPECT_EQ(stdio_bus_client_count(bus.get()), 2);
}

TEST(Limits, ASlowClientHoldsBackTheNextProcessOfAWorkerToo_L35) {
    ListeningBus bus(OnePool(1, R"("max_output_queue":1048576)"));
    SocketClient slow(bus.endpoint);
    slow.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    slow.deaf = true;
    std::string news = Rpc("", "n", "\"" + std::string(100000, 'x') + "\"", R"(,"sessionId":"s")");
    auto tell_until_paused = [&] {
        bus.Until(
            [&] {
                slow.Pump();
                if (bus.Pending() == 0) {
                    EXPECT_EQ(bus.Send(Rpc("7", "say", Line(news))), 0);
                }
                return bus.Worker(0).paused != 0;
            },
            "the worker is read no more");
    };
    tell_until_paused();
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 1), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).restarts == 1; }, "it was replaced"));
    EXPECT_EQ(bus.Worker(0).paused, 0u) << "the new process has told the client nothing yet";
    tell_until_paused();
    slow.deaf = false;
    ASSERT_TRUE(bus.Until(
        [&] {
            slow.Pump();
            return bus.Worker(0).paused == 0;
        },
        "the client has caught up"));
}

TEST(Limits, AClientThatReadsNothingTooLongIsDisconnectedAndItsWorkerFreed_L35) {
    ListeningBus bus(OnePool(1, R"("max_output_queue":1048576,"backpressure_timeout_sec":1)"));
    SocketClient stuck(bus.endpoint);
    stuck.deaf = true;
    for (int i = 0; i < 200; i++)
        stuck.Send(Rpc(std::to_string(i), "big", R"({"bytes":100000})"));
    ASSERT_TRUE(bus.Until(
        [&] {
            stuck.Pump();
            return !bus.disconnects.empty();
        },
        "the stuck client is disconnected"));
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(bus.Worker(0).restarts, 0u);
}

TEST(Limits, AStopGivesASlowClientMoreTimeToReadThanWorkersToEnd_L34_L35) {
    ListeningBus bus(OnePool(1, R"("drain_timeout_sec":20)"));
    SocketClient slow(bus.endpoint);
    slow.deaf = true;
    slow.Send(Rpc("1", "big", R"({"bytes":9000000})"));
    ASSERT_TRUE(bus.Until(
        [&] {
            slow.Pump();
            return bus.Stats().messages_in == 2 && bus.Pending() == 0;
        },
        "the answer waits for the client"));
    ASSERT_EQ(stdio_bus_stop(bus.get(), 0), 0);
    // Longer than workers get; nothing but the clock tells when that is over.
    auto late = std::chrono::steady_clock::now() + std::chrono::milliseconds(3500);
    bus.Until([&] { return std::chrono::steady_clock::now() > late; }, "3.5 seconds have passed");
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING);
    slow.deaf = false;
    EXPECT_EQ(slow.Line(bus).size(), 9000000u);
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "it has ended"));
}

// --- Pausing --------------------------------------------------------------------------------

TEST(Limits, APausedWorkerIsNotReadUntilTheLastReasonIsGone_A19) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(stdio_bus_pause_worker(bus.get(), 0, 1), 0);
    ASSERT_EQ(stdio_bus_pause_worker(bus.get(), 0, 4), 0);
    EXPECT_EQ(bus.Worker(0).paused, 5u);
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, 0, 0, 101}), 0);
    for (int i = 0; i < 20; i++)
        EXPECT_TRUE(bus.Ask("echo", "", {nullptr, nullptr, 1}).Has("result"));
    ASSERT_EQ(stdio_bus_resume_worker(bus.get(), 0, 1), 0);
    EXPECT_EQ(bus.Worker(0).paused, 4u);
    for (int i = 0; i < 20; i++)
        EXPECT_TRUE(bus.Ask("echo", "", {nullptr, nullptr, 1}).Has("result"));
    for (const Message &message : bus.messages)
        EXPECT_NE(message.cookie, 101u);
    ASSERT_EQ(stdio_bus_resume_worker(bus.get(), 0, 4), 0);
    EXPECT_TRUE(bus.Answer(101).Has("result"));
    EXPECT_EQ(bus.Worker(0).paused, 0u);
}

TEST(Limits, TheExitAndTheLastWordsOfAPausedWorkerAreStillSeen) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(stdio_bus_pause_worker(bus.get(), 0, 2), 0);
    std::string note = Rpc("", "last words");
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(note))), 0);
    ExpectError(bus.Ask("exit", R"({"code":4})"), -32002);
    EXPECT_EQ(bus.messages[0].text, note) << "nothing that was written is lost";
    bus.PidOf();
    EXPECT_EQ(bus.Worker(0).paused, 0u) << "a restart clears the host's reasons";
}

TEST(Limits, OnlyTheHostsOwnReasonsCanBeGivenAndOnlyForWorkersThatExist) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(stdio_bus_pause_worker(bus.get(), 0, 0x10000), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_resume_worker(bus.get(), 0, 0x80000001), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_pause_worker(bus.get(), 1, 1), STDIO_BUS_ENOTFOUND);
    EXPECT_EQ(stdio_bus_resume_worker(bus.get(), -1, 1), STDIO_BUS_ENOTFOUND);
}

TEST(Limits, AMessageHandlerMayPauseTheWorkerItHearsFrom) {
    Bus bus(OnePool());
    bus.Start();
    std::string notes;
    for (int i = 0; i < 1000; i++)
        notes += (i ? "\n" : "") + Rpc("", "n", std::to_string(i));
    size_t before_pause = 0;
    bus.on_message = [&](const Message &message) {
        if (message.text == Rpc("", "n", "9")) {
            EXPECT_EQ(stdio_bus_pause_worker(bus.get(), 0, 1), 0);
            before_pause = bus.messages.size();
        }
    };
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(notes))), 0);
    ASSERT_TRUE(bus.Until([&] { return before_pause == 10; }, "the tenth has come"));
    bus.Settle();
    EXPECT_EQ(bus.messages.size(), 10u) << "not one more after the pause";
    ASSERT_EQ(stdio_bus_resume_worker(bus.get(), 0, 1), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.messages.size() == 1000; }, "the rest has come"));
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(bus.messages[i].text, Rpc("", "n", std::to_string(i)));
}

} // namespace
