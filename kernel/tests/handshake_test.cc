// The handshake of a pool: what each process is told before it gets anything else.
#include "bus_fixture.h"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

const char kInitialize[] = R"({"id":0,"method":"initialize","params":{"v":1}})";
const char kInitialized[] = R"({"method":"notifications/initialized"})";

// As the worker hears them.
const std::string kHeardInitialize = Rpc("0", "initialize", R"({"v":1})");
const std::string kHeardInitialized = Rpc("", "notifications/initialized");

std::string Handshake(const std::vector<std::string> &messages) {
    std::string json;
    for (const std::string &message : messages)
        json += (json.empty() ? "" : ",") + message;
    return ",\"handshake\":[" + json + "]";
}

std::string Greeted(const std::vector<std::string> &messages, const std::string &limits = "",
                    int instances = 1, const std::vector<std::string> &args = {}) {
    Pool pool;
    pool.instances = instances;
    pool.args = args;
    pool.more = Handshake(messages);
    return Config({pool}, limits);
}

// A request whose answer has these members.
std::string Answering(const std::string &members) {
    return R"({"id":"hello","method":"answer","params":)" + With(members) + "}";
}

const char kHold[] = R"({"id":1,"method":"hold"})";

// Workers wait at it before they read.
class Gate {
  public:
    Gate() : path_(folder_.Path("gate")) {
        EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    }
    std::vector<std::string> Args() const {
        return {"--gate", path_};
    }
    // Lets one worker through.
    void Open(Bus &bus) {
        int opened = -1;
        bus.Until(
            [&] { return (opened = open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; },
            "the worker waits at its gate");
        close(opened);
    }

  private:
    TempFolder folder_;
    std::string path_;
};

std::vector<std::string> Heard(Bus &bus, int worker) {
    Json lines = bus.Ask("heard", "", {nullptr, nullptr, worker})["result"]["lines"];
    std::vector<std::string> heard;
    for (size_t i = 0; i < lines.Size(); i++)
        heard.push_back(lines[i].Text());
    return heard;
}

bool Has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

void UntilRunning(Bus &bus, int count = 1) {
    bus.Until([&] { return bus.Running() == count; }, "the handshake is over");
}

// What the caller is told whose request waited for a worker that never came.
std::string ReasonOfNoWorker(Bus &bus) {
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32001);
    return answer["error"]["data"]["reason"].Text();
}

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

TEST(Handshake, AnAnswerToSomethingElseIsNotTakenForItsOwn) {
    std::string stray = R"({"jsonrpc":"2.0","id":"5","result":{"stray":true}})";
    std::string say = R"({"id":5,"method":"say","params":)" + Line(stray) + "}";
    Bus bus(Greeted({say}));
    bus.Start();
    UntilRunning(bus);
    EXPECT_EQ(bus.Counters().late_replies, 1u);
    EXPECT_TRUE(Json::Parse(bus.Worker(0).handshake).Has("pid"));
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
    for (const char *error : {R"("error":"no")", R"("error":{"code":"x"})", R"("error":null)"}) {
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

TEST(Handshake, AnAnswerThatWasSkippedIsHintedAt) {
    std::string big = R"({"id":1,"method":"big","params":{"bytes":9000}})";
    Bus bus(Greeted({big}, R"("max_restarts":0,"startup_timeout_sec":1,"max_input_buffer":8000)"));
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
