// What workers say of their own accord to the host: requests, notifications, and lines that are
// no message at all.
#include "socket_client.h"

#include <csignal>

namespace {

std::string Asking(const std::string &id, const std::string &more = "") {
    return Rpc(id, "roots/list", "", more);
}

std::string Heard(Bus &bus, int worker, size_t index) {
    return bus.Ask("heard", "", {nullptr, nullptr, worker})["result"]["lines"][index].Text();
}

// --- Requests of workers --------------------------------------------------------------------

TEST(WorkerMessages, ARequestReachesTheHostAndItsAnswerTheWorkerThatAsked_L3_L16) {
    Bus bus(OnePool(3));
    bus.Start();
    bus.Ask("say", Line(Asking("77")), {nullptr, nullptr, 1});
    const Message request = bus.messages[0];
    EXPECT_EQ(request.kind, STDIO_BUS_REQUEST);
    EXPECT_EQ(request.worker, 1);
    EXPECT_EQ(request.pool, "p");
    EXPECT_EQ(request.text, Asking("77"));
    std::string answer = R"({"jsonrpc":"2.0","id":77,"result":{"roots":[]}})";
    ASSERT_EQ(bus.Send(answer, {nullptr, nullptr, 1}), 0);
    EXPECT_EQ(Heard(bus, 1, 1), answer);
    EXPECT_EQ(bus.Ask("heard", "", {nullptr, nullptr, 0})["result"]["lines"].Size(), 0u);
}

TEST(WorkerMessages, AnAnswerWithoutARouteGoesToTheWorkerThatAsked_L16) {
    Bus bus(OnePool(3));
    bus.Start();
    bus.Ask("say", Line(Asking("\"r-1\"")), {nullptr, nullptr, 2});
    std::string answer = R"({"jsonrpc":"2.0","id":"r-1","error":{"code":-1,"message":"no"}})";
    ASSERT_EQ(bus.Ingest(answer), 0);
    EXPECT_EQ(Heard(bus, 2, 1), answer);
}

TEST(WorkerMessages, ARequestThatTheWorkerTookBackNeedsNoAnswerFromTheHost) {
    Bus bus(OnePool(1, "\"max_pending\":1"));
    bus.Start();
    std::vector<std::string> ids;
    for (int round = 0; round < 3; round++) {
        ASSERT_EQ(bus.Send(Rpc("", "say", Line(Asking("5")))), 0);
        ids.push_back(bus.Next().Tree()["id"].Raw());
        std::string cancel = Rpc("", "notifications/cancelled", R"({"requestId":5})");
        ASSERT_EQ(bus.Send(Rpc("", "say", Line(cancel))), 0);
        EXPECT_EQ(bus.Next().Tree()["params"]["requestId"].Raw(), ids.back());
    }
    EXPECT_EQ(ids[0], "5");
    for (const std::string &id : ids)
        EXPECT_EQ(bus.Send("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":0}"),
                  STDIO_BUS_ERR_ROUTING);
}

TEST(WorkerMessages, AnAnswerThatCrossesTheCancellationAnswersNoOtherRequest_L31) {
    Bus bus(OnePool(2));
    bus.Start();
    std::string cancel = Rpc("", "notifications/cancelled", R"({"requestId":5})");
    bus.Ask("say", Line(Asking("5") + "\n" + cancel), {nullptr, nullptr, 0});
    bus.Ask("say", Line(Asking("5")), {nullptr, nullptr, 1});
    EXPECT_EQ(bus.Ingest(R"({"jsonrpc":"2.0","id":5,"result":"late"})"), STDIO_BUS_ERR_ROUTING);
    std::string id;
    for (const Message &message : bus.messages)
        if (message.kind == STDIO_BUS_REQUEST && message.worker == 1)
            id = message.Tree()["id"].Raw();
    ASSERT_EQ(bus.Ingest("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":\"right\"}"), 0);
    EXPECT_EQ(Heard(bus, 1, 1), R"({"jsonrpc":"2.0","id":5,"result":"right"})");
}

TEST(WorkerMessages, TwoWorkersMayAskWithTheSameIdAndEachGetsItsOwnAnswer_L31) {
    Bus bus(OnePool(2));
    bus.Start();
    for (int worker : {0, 1})
        bus.Ask("say", Line(Asking("1")), {nullptr, nullptr, worker});
    std::vector<Message> requests;
    for (const Message &message : bus.messages)
        if (message.kind == STDIO_BUS_REQUEST)
            requests.push_back(message);
    ASSERT_EQ(requests.size(), 2u);
    ASSERT_EQ(requests[0].worker, 0);
    ASSERT_EQ(requests[1].worker, 1);
    for (int worker : {1, 0}) {
        std::string id = requests[worker].Tree()["id"].Raw();
        ASSERT_EQ(bus.Send("{\"jsonrpc\":\"2.0\",\"id\":" + id +
                               ",\"result\":" + std::to_string(worker) + "}",
                           {nullptr, nullptr, worker}),
                  0);
    }
    for (int worker : {0, 1}) {
        Json answer = Json::Parse(Heard(bus, worker, 1));
        EXPECT_EQ(answer["id"].Raw(), "1");
        EXPECT_EQ(answer["result"].Number(), worker);
    }
}

TEST(WorkerMessages, TheSameIdMayBeInFlightInBothDirections_L29) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(Asking("1")))), 0);
    Message request = bus.Next();
    EXPECT_EQ(request.kind, STDIO_BUS_REQUEST);
    EXPECT_EQ(request.cookie, 0u);
    EXPECT_EQ(bus.Pending(), 1);
    ASSERT_EQ(bus.Send(R"({"jsonrpc":"2.0","id":1,"result":"from the host"})"), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    EXPECT_EQ(bus.Answer(1)["result"]["held"].Raw(), "true");
    EXPECT_EQ(Heard(bus, 0, 2), R"({"jsonrpc":"2.0","id":1,"result":"from the host"})");
}

TEST(WorkerMessages, ALateAnswerToAWorkerThatEndedIsNotTakenForOneToTheNextProcess_L31) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("say", Line(Asking("1")));
    ASSERT_EQ(bus.Send(Rpc("", "die")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).restarts == 1 && bus.Running() == 1; },
                          "the next process runs"));
    bus.Ask("say", Line(Asking("1")));
    std::vector<std::string> ids;
    for (const Message &message : bus.messages)
        if (message.kind == STDIO_BUS_REQUEST)
            ids.push_back(message.Tree()["id"].Raw());
    ASSERT_EQ(ids.size(), 2u);
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_EQ(bus.Ingest("{\"jsonrpc\":\"2.0\",\"id\":" + ids[0] + ",\"result\":\"old\"}"),
              STDIO_BUS_ERR_ROUTING);
    ASSERT_EQ(bus.Ingest("{\"jsonrpc\":\"2.0\",\"id\":" + ids[1] + ",\"result\":\"new\"}"), 0);
    EXPECT_EQ(Heard(bus, 0, 1), R"({"jsonrpc":"2.0","id":1,"result":"new"})");
}

TEST(WorkerMessages, AQuestionOfAWorkerThatHasEndedLeavesNothingBehindWhenItsClientLeaves) {
    Bus::Options options = OnTcp();
    options.handler = Bus::Handler::kNone;
    Bus bus(OnePool(), options);
    bus.Start();
    SocketClient client(stdio_bus_listen_endpoint(bus.get()));
    client.Send(Rpc("1", "say", Line(Asking("5", R"(,"params":{"_meta":{"progressToken":"t"}})"))));
    EXPECT_EQ(client.Next(bus)["method"].Text(), "roots/list");
    EXPECT_TRUE(client.Next(bus).Has("result"));
    ExpectError(client.Ask(bus, Rpc("2", "die")), -32002);
    uint64_t dropped = bus.Counters().dropped_notifications;
    client.Send(Rpc("", "notifications/progress", R"({"progressToken":"t"})"));
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().dropped_notifications == dropped + 1; },
                          "progress for nobody is dropped"));
    EXPECT_TRUE(client.Ask(bus, Rpc("3", "echo")).Has("result"));
    client.Close();
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
}

TEST(WorkerMessages, AWorkerWhoseQueueHasNoRoomForAnAnswerGetsAnErrorInItsPlace) {
    Bus bus(OnePool(1, R"("max_output_queue":200000)"));
    bus.Start();
    bus.Ask("say", Line(Asking("\"why\"")));
    auto pid = static_cast<pid_t>(bus.Ask("deafen")["result"]["pid"].Number());
    size_t errors = bus.messages.size();
    std::vector<uint64_t> cookies;
    while (bus.messages.size() == errors) {
        cookies.push_back(bus.Cookie());
        std::string id = std::to_string(cookies.back());
        ASSERT_EQ(bus.Send(Rpc(id, "measure", "\"" + std::string(60000, 'x') + "\""),
                           {nullptr, nullptr, -1, 0, cookies.back()}),
                  0);
        bus.Settle();
    }
    std::string answer =
        R"({"jsonrpc":"2.0","id":"why","result":")" + std::string(60000, 'y') + "\"}";
    EXPECT_EQ(bus.Ingest(answer), STDIO_BUS_EFULL);
    EXPECT_EQ(bus.Ingest(answer), STDIO_BUS_ERR_ROUTING) << "it was answered";
    kill(pid, SIGUSR1);
    for (uint64_t cookie : cookies)
        bus.Answer(cookie);
    Json heard = bus.Ask("heard")["result"]["lines"];
    Json got = Json::Parse(heard[heard.Size() - 1].Text());
    EXPECT_EQ(got["id"].Text(), "why");
    ExpectError(got, -32003);
}

TEST(WorkerMessages, AnAnswerNobodyWaitsForIsRefused) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(bus.Ingest(R"({"jsonrpc":"2.0","id":1,"result":0})"), STDIO_BUS_ERR_ROUTING);
    EXPECT_EQ(bus.errors.size(), 1u);
    bus.Ask("say", Line(Asking("5")));
    std::string answer = R"({"jsonrpc":"2.0","id":5,"result":0})";
    EXPECT_EQ(bus.Ingest(answer), 0);
    EXPECT_EQ(bus.Ingest(answer), STDIO_BUS_ERR_ROUTING) << "answered already";
}

TEST(WorkerMessages, WithoutAnybodyToAnswerTheWorkerIsToldSo_L3) {
    Bus::Options options;
    options.handler = Bus::Handler::kNone;
    Bus bus(OnePool(), options);
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(Rpc("77", "roots/list")))), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).messages_out == 2; }, "it was answered"));
    // What it was told is written to stderr, since nobody receives its messages.
    ASSERT_EQ(bus.Send(Rpc("", "confess")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.stderr_lines.size() >= 2; }, "it said what it heard"));
    Json refusal = Json::Parse(bus.stderr_lines[1].second);
    EXPECT_EQ(refusal["id"].Raw(), "77");
    ExpectError(refusal, -32601);
}

// --- Notifications --------------------------------------------------------------------------

TEST(WorkerMessages, EveryNotificationReachesTheHostWithWhatIsKnownOfIt_L2) {
    Bus bus(OnePool());
    bus.Start();
    struct {
        const char *line, *session;
    } notes[] = {
        {R"({"jsonrpc":"2.0","method":"plain"})", ""},
        {R"({"jsonrpc":"2.0","method":"n","sessionId":"s"})", "s"},
        {R"({"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","u":1}})", "s"},
        {R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":4}})", ""},
        {R"({"jsonrpc":"2.0","method":"n","params":[1,2]})", ""},
    };
    bus.PidOf({nullptr, "s"});
    bus.Next();
    for (const auto &note : notes) {
        ASSERT_EQ(bus.Send(Rpc("", "say", Line(note.line))), 0);
        Message message = bus.Next();
        EXPECT_EQ(message.text, note.line);
        EXPECT_EQ(message.kind, STDIO_BUS_NOTIFICATION);
        EXPECT_EQ(message.worker, 0);
        EXPECT_EQ(message.session, note.session) << note.line;
        EXPECT_EQ(message.cookie, 0u);
    }
}

TEST(WorkerMessages, NotificationsBeforeAnAnswerArriveBeforeIt_L30) {
    Bus bus(OnePool());
    bus.Start();
    std::string three;
    for (int i = 0; i < 3; i++)
        three += (i ? "\n" : "") + Rpc("", "step", std::to_string(i));
    bus.Ask("say", Line(three));
    ASSERT_EQ(bus.messages.size(), 4u);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bus.messages[i].text, Rpc("", "step", std::to_string(i)));
    EXPECT_EQ(bus.messages[3].kind, STDIO_BUS_RESPONSE);
}

// --- Lines that are no message --------------------------------------------------------------

TEST(WorkerMessages, ABannerIsSkippedCountedAndLogged_L21) {
    Pool pool;
    pool.args = {"--banner", "Welcome to the server, version 1.2"};
    Bus bus(Config(std::vector<Pool>{pool}));
    bus.Start();
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(bus.messages.size(), 1u);
    EXPECT_EQ(bus.Worker(0).invalid_lines, 1u);
    EXPECT_EQ(bus.Counters().invalid_lines, 1u);
    EXPECT_TRUE(bus.HasLogged("Welcome to the server, version 1.2"));
}

class Garbage : public testing::TestWithParam<std::string> {};

TEST_P(Garbage, FromAWorkerIsSkippedAndTheWorkerLives_L13_L37) {
    Bus bus(OnePool());
    bus.Start();
    pid_t pid = bus.PidOf();
    Json answer = bus.Ask("say", Line(GetParam()));
    EXPECT_EQ(answer["result"]["pid"].Number(), pid);
    EXPECT_EQ(bus.PidOf(), pid);
    EXPECT_EQ(bus.messages.size(), 3u);
    EXPECT_EQ(bus.Worker(0).invalid_lines, 1u);
    EXPECT_EQ(bus.Worker(0).restarts, 0u);
}

INSTANTIATE_TEST_SUITE_P(WorkerMessages, Garbage,
                         testing::Values("npm WARN deprecated", "{\"jsonrpc\":\"2.0\",\"id\":1",
                                         "}", "{\"id\":1}{\"id\":2}", "42", "null",
                                         "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]",
                                         "\x01\x02 control", std::string(3000, '#')));

TEST(WorkerMessages, OnlyTheBeginningOfALongBadLineIsLogged) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("say", Line(std::string(200, 'a') + std::string(5000, 'b')));
    EXPECT_TRUE(bus.HasLogged(std::string(200, 'a')));
    EXPECT_FALSE(bus.HasLogged(std::string(100, 'b')));
}

TEST(WorkerMessages, ALineOverTheLimitIsSkippedAndTheWorkerLives_A29) {
    Bus bus(OnePool(1, R"("max_input_buffer":65536)"));
    bus.Start();
    std::string note = Rpc("", "n", Quote(std::string(70000, 'a')));
    // The line is written by a worker that was asked in a message below the limit.
    ASSERT_EQ(bus.Send(Rpc("1", "big", R"({"bytes":70000})")), 0);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    ASSERT_EQ(bus.messages.size(), 2u);
    ExpectError(bus.messages[0].Tree(), -32003);
    EXPECT_EQ(bus.Worker(0).invalid_lines, 1u);
    EXPECT_EQ(bus.Worker(0).restarts, 0u);
    ASSERT_EQ(bus.Send(note), STDIO_BUS_ERR_BUFFER);
}

TEST(WorkerMessages, BlankLinesAndCarriageReturnsMeanNothing_A29) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("", "say", Line("\n\r\n  \n" + Rpc("", "n") + "\r"))), 0);
    EXPECT_EQ(bus.Next().text, Rpc("", "n"));
    EXPECT_EQ(bus.Worker(0).invalid_lines, 0u);
}

TEST(WorkerMessages, AByteOrderMarkBeforeTheFirstLineIsDropped_L23) {
    Pool pool;
    pool.args = {"--banner", "\xEF\xBB\xBF" + Rpc("", "hello")};
    Bus bus(Config(std::vector<Pool>{pool}));
    bus.Start();
    EXPECT_EQ(bus.Next().text, Rpc("", "hello"));
    EXPECT_EQ(bus.Worker(0).invalid_lines, 0u);
}

// --- stderr ---------------------------------------------------------------------------------

TEST(WorkerMessages, LinesOnStderrComeWithTheWorkersNumber_A23) {
    Bus bus(OnePool(2));
    bus.Start();
    bus.Ask("complain", R"({"line":"to whom it may concern","times":2})", {nullptr, nullptr, 1});
    ASSERT_TRUE(bus.Until([&] { return bus.stderr_lines.size() == 2; }, "both lines are read"));
    for (const auto &line : bus.stderr_lines)
        EXPECT_EQ(line, std::make_pair(1, std::string("to whom it may concern")));
    EXPECT_STREQ(bus.Worker(1).stderr_tail, "to whom it may concern\nto whom it may concern");
    EXPECT_STREQ(bus.Worker(0).stderr_tail, "");
}

TEST(WorkerMessages, AFloodOnStderrNeitherBlocksTheWorkerNorGrowsWithoutBound_L20) {
    Bus bus(OnePool());
    bus.Start();
    std::string line(100, 'e');
    EXPECT_TRUE(
        bus.Ask("complain", "{\"line\":" + Quote(line) + ",\"times\":100000}").Has("result"));
    EXPECT_LT(std::string(bus.Worker(0).stderr_tail).size(), 1024u * 1024);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

TEST(WorkerMessages, AnEndlessStderrLineIsCutAndNotCollected_A23) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("complain", "{\"line\":" + Quote(std::string(300000, 'e')) + "}");
    bus.Ask("complain", R"({"line":"after it"})");
    ASSERT_TRUE(bus.Until(
        [&] { return !bus.stderr_lines.empty() && bus.stderr_lines.back().second == "after it"; },
        "the line after it is read"));
    for (const auto &entry : bus.stderr_lines)
        EXPECT_LE(entry.second.size(), 8192u);
}

} // namespace
