// The handshake of a pool: what each process is told before it gets anything else.
#include "handshake_pools.h"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>

namespace {

// --- Each process -----------------------------------------------------------------------------

TEST(Handshake, EveryProcessHearsItBeforeAnythingElse) {
    Bus bus(Greeted({kInitialize, kInitialized}, "", 3));
    bus.Start();
    EXPECT_EQ(bus.Running(), 0);
    for (uint64_t i = 1; i <= 3; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "heard"), {nullptr, nullptr, -1, 0, i}), 0);
    for (uint64_t i = 1; i <= 3; i++)
        EXPECT_TRUE(bus.Answer(i).Has("result"));
    UntilRunning(bus, 3);
    for (int worker = 0; worker < 3; worker++) {
        std::vector<std::string> heard = Heard(bus, worker);
        ASSERT_GE(heard.size(), 2u);
        EXPECT_EQ(heard[0], kHeardInitialize);
        EXPECT_EQ(heard[1], kHeardInitialized);
        EXPECT_EQ(bus.EventsOf(worker, "starting"), 1u);
        EXPECT_EQ(bus.EventsOf(worker, "started"), 1u);
    }
}

TEST(Handshake, AProcessThatFollowsACrashHearsItToo) {
    Bus bus(Greeted({kInitialize, kInitialized}));
    bus.Start();
    pid_t before = bus.PidOf();
    ExpectError(bus.Ask("exit"), -32002);
    EXPECT_EQ(bus.Worker(0).handshake, nullptr) << "that was another process's";
    std::vector<std::string> heard = Heard(bus, -1);
    EXPECT_EQ(heard, (std::vector<std::string>{kHeardInitialize, kHeardInitialized}));
    stdio_bus_worker_info_t worker = bus.Worker(0);
    EXPECT_EQ(worker.restarts, 1u);
    EXPECT_NE(worker.pid, before);
    EXPECT_EQ(Json::Parse(worker.handshake)["pid"].Number(), worker.pid);
}

TEST(Handshake, ItsFirstAnswerCanBeReadAndTheOthersAreOnlyWaitedFor) {
    std::string second = Answering(R"("result":{"second":true})");
    Bus bus(Greeted({Answering(R"("result": {"serverInfo" : {"name":"ö"}})"), second}));
    bus.Start();
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STARTING);
    EXPECT_EQ(bus.Worker(0).handshake, nullptr);
    UntilRunning(bus);
    EXPECT_STREQ(bus.Worker(0).handshake, R"({"serverInfo" : {"name":"ö"}})");
    Json report = bus.Ask("stdio_bus/workers")["result"]["workers"][0];
    EXPECT_EQ(report["handshake"]["serverInfo"]["name"].Text(), "ö");
    EXPECT_EQ(report["state"].Text(), "running");
    EXPECT_TRUE(bus.messages.size() == 1) << "the answers are the bus's own";
}

TEST(Handshake, AnAnswerThatNestsTooDeepIsNotKept) {
    auto nested = [](int levels) {
        return Answering("\"result\":" + std::string(levels, '[') + std::string(levels, ']'));
    };
    Bus shallow(Greeted({nested(64)})), deep(Greeted({nested(65), kInitialize}));
    shallow.Start();
    deep.Start();
    UntilRunning(shallow);
    UntilRunning(deep);
    EXPECT_EQ(strlen(shallow.Worker(0).handshake), 128u);
    EXPECT_EQ(deep.Worker(0).handshake, nullptr);
}

TEST(Handshake, OfNotificationsAloneIsOverAtOnceAndHasNoAnswer) {
    Bus bus(Greeted({kInitialized}));
    bus.Start();
    EXPECT_EQ(bus.Running(), 1);
    EXPECT_EQ(bus.Worker(0).handshake, nullptr);
    EXPECT_FALSE(bus.Ask("stdio_bus/workers")["result"]["workers"][0].Has("handshake"));
    EXPECT_EQ(Heard(bus, 0), std::vector<std::string>{kHeardInitialized});
}

TEST(Handshake, AnEmptyOneIsNone) {
    Bus bus(Greeted({}));
    bus.Start();
    EXPECT_EQ(bus.Running(), 1);
    EXPECT_EQ(bus.EventsOf(0, "starting"), 0u);
}

TEST(Handshake, AHostOfOlderHeadersGetsNoMoreThanItKnows) {
    Bus bus(Greeted({kInitialize}));
    bus.Start();
    UntilRunning(bus);
    stdio_bus_worker_info_t info{};
    const char untouched = 0;
    info.size = offsetof(stdio_bus_worker_info_t, handshake);
    info.handshake = &untouched;
    ASSERT_EQ(stdio_bus_worker_at(bus.get(), 0, &info), STDIO_BUS_OK);
    EXPECT_EQ(info.size, offsetof(stdio_bus_worker_info_t, handshake));
    EXPECT_EQ(info.handshake, &untouched);
    EXPECT_EQ(info.state, STDIO_BUS_WORKER_RUNNING);
}

// --- Meanwhile --------------------------------------------------------------------------------

TEST(Handshake, MessagesWaitForItsEndAndThenGoOutInTheirOrder) {
    Gate gate;
    Bus bus(Greeted({kInitialize, kInitialized}, "", 1, gate.Args()));
    bus.Start();
    std::vector<std::string> expected = {kHeardInitialize, kHeardInitialized};
    for (uint64_t i = 1; i <= 20; i++) {
        std::string request = Rpc(std::to_string(i), "echo"), note = Rpc("", "note", "[]");
        ASSERT_EQ(bus.Send(request, {nullptr, i % 3 ? nullptr : "s", -1, 0, i}), 0);
        ASSERT_EQ(bus.Send(note), 0);
        expected.push_back(request);
        expected.push_back(note);
    }
    bus.Settle();
    EXPECT_EQ(bus.Running(), 0);
    EXPECT_EQ(bus.Pending(), 20);
    EXPECT_EQ(bus.Worker(0).pending, 0u);
    gate.Open(bus);
    for (uint64_t i = 1; i <= 20; i++)
        EXPECT_TRUE(bus.Answer(i).Has("result"));
    EXPECT_EQ(Heard(bus, 0), expected);
    EXPECT_EQ(bus.Counters().dropped_notifications, 0u);
}

TEST(Handshake, ARouteThatNamesAWorkerThatIsBeingGreetedIsRefused) {
    Gate gate;
    Bus bus(Greeted({kInitialize}, "", 1, gate.Args()));
    bus.Start();
    Json answer = bus.Ask("echo", "", {nullptr, nullptr, 0});
    ExpectError(answer, -32001);
    EXPECT_EQ(answer["error"]["data"]["reason"].Text(), "worker 0 does not run");
    gate.Open(bus);
    UntilRunning(bus);
    EXPECT_TRUE(bus.Ask("echo", "", {nullptr, nullptr, 0}).Has("result"));
}

TEST(Handshake, WhatTheWorkerSaysAndAsksMeanwhileIsDeliveredAndAnswered) {
    std::string note = Rpc("", "notifications/message", R"({"level":"info"})");
    std::string question = Rpc("7", "roots/list");
    std::string say = R"({"id":5,"method":"say","params":)" + Line(note + "\n" + question) + "}";
    std::string answer = R"({"jsonrpc":"2.0","id":7,"result":{"roots":[]}})";
    Bus bus(Greeted({say, kInitialize}));
    bus.on_message = [&](const Message &message) {
        EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STARTING);
        if (message.kind == STDIO_BUS_REQUEST) {
            EXPECT_EQ(bus.Send(answer), 0);
        }
    };
    bus.Start();
    EXPECT_EQ(bus.Next().text, note);
    EXPECT_EQ(bus.Next().text, question);
    UntilRunning(bus);
    bus.on_message = nullptr;
    std::vector<std::string> heard = Heard(bus, 0);
    ASSERT_EQ(heard.size(), 3u);
    EXPECT_EQ(heard[1], answer);
    EXPECT_EQ(heard[2], kHeardInitialize);
}

TEST(Handshake, AWorkerThatIsStoppedMeanwhileIsSeenToBeSo) {
    Bus bus(Greeted({kHold}));
    bus.Start();
    auto pid = static_cast<pid_t>(bus.Worker(0).pid);
    ASSERT_EQ(kill(pid, SIGSTOP), 0);
    bus.Until([&] { return bus.Worker(0).state == STDIO_BUS_WORKER_SUSPENDED; }, "it is stopped");
    ASSERT_EQ(kill(pid, SIGCONT), 0);
    bus.Until([&] { return bus.Worker(0).state == STDIO_BUS_WORKER_STARTING; }, "it goes on");
}

TEST(Handshake, AnAnswerToSomethingElseIsNotTakenForItsOwn) {
    std::string stray = R"({"jsonrpc":"2.0","id":"5","result":{"stray":true}})";
    std::string say = R"({"id":5,"method":"say","params":)" + Line(stray) + "}";
    Bus bus(Greeted({say}));
    bus.Start();
    UntilRunning(bus);
    EXPECT_EQ(bus.Counters().late_replies, 1u);
    EXPECT_TRUE(Json::Parse(bus.Worker(0).handshake).Has("pid"));
}

TEST(Handshake, AConnectionThatBeginsToListenIsToldWhoIsBeingGreeted) {
    Gate gate;
    Bus bus(Greeted({kInitialize}, "", 1, gate.Args()));
    bus.Start();
    EXPECT_TRUE(bus.Ask("stdio_bus/annotate").Has("result"));
    bus.Next();
    Json told = bus.Next().Tree();
    EXPECT_EQ(told["method"].Text(), "stdio_bus/worker");
    EXPECT_EQ(told["params"].Raw(), R"({"worker":0,"event":"starting"})");
    gate.Open(bus);
    EXPECT_EQ(bus.Next().Tree()["params"].Raw(), R"({"worker":0,"event":"started"})");
}

TEST(Handshake, LinesThatAreNoMessagesAreSkippedAsAlways) {
    Bus bus(Greeted({kInitialize}, R"("max_input_buffer":4000)", 1,
                    {"--banner", std::string(5000, 'x'), "--banner", "Welcome!"}));
    bus.Start();
    UntilRunning(bus);
    ASSERT_EQ(bus.skipped.size(), 1u);
    EXPECT_EQ(bus.skipped[0].reason, "longer than max_input_buffer");
    EXPECT_EQ(bus.Worker(0).invalid_lines, 2u);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

// --- Back-pressure ----------------------------------------------------------------------------

TEST(Handshake, ItsTimeDoesNotRunOutWhileTheHostDoesNotRead) {
    Gate gate;
    Bus bus(Greeted({kInitialize}, R"("max_restarts":0,"startup_timeout_sec":1)", 1, gate.Args()));
    bus.Start();
    ASSERT_EQ(stdio_bus_pause_worker(bus.get(), 0, 1), STDIO_BUS_OK);
    gate.Open(bus);
    auto due = std::chrono::steady_clock::now() + std::chrono::milliseconds(1200);
    bus.Until([&] { return std::chrono::steady_clock::now() > due; }, "the time is over");
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STARTING);
    ASSERT_EQ(stdio_bus_resume_worker(bus.get(), 0, 1), STDIO_BUS_OK);
    UntilRunning(bus);
}

TEST(Handshake, AConnectionThatDeclinesTheOutputIsHeededOnceItIsOver) {
    Gate gate;
    Bus bus(Greeted({kInitialize}, "", 1, gate.Args()));
    bus.Start();
    EXPECT_TRUE(bus.Ask("stdio_bus/pause", R"({"worker":0})").Has("result"));
    EXPECT_EQ(bus.Worker(0).paused, 0u) << "the bus itself waits for the answer";
    gate.Open(bus);
    UntilRunning(bus);
    EXPECT_EQ(bus.Worker(0).paused, 0x20000u);
    EXPECT_TRUE(bus.Ask("stdio_bus/resume", R"({"worker":0})").Has("result"));
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

} // namespace
