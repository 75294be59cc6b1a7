// Whose a message of a worker is: requests and notifications with several clients on one worker,
// with a host that listens and without.
#include "socket_client.h"

namespace {

// A bus that listens for clients. `say` makes a worker write a line without a client that waits
// for it: the host sends a notification.
struct SharedBus : Bus {
    explicit SharedBus(Handler handler = Handler::kStruct, const std::string &config = OnePool())
        : Bus(config, With(handler)) {
        Start();
        endpoint = stdio_bus_listen_endpoint(get());
    }
    static Options With(Handler handler) {
        Options options = OnTcp();
        options.handler = handler;
        return options;
    }
    void Say(const std::string &line) {
        ASSERT_EQ(Send(Rpc("", "say", Line(line))), 0);
    }
    // Steps until the worker has read so many lines and their output was handled.
    void UntilHeard(uint64_t lines) {
        Until([&] { return Worker(0).messages_out == lines; }, "the worker was written to");
        Settle();
    }
    // What the worker has read, in order. For a bus whose host listens.
    std::vector<std::string> Heard() {
        std::vector<std::string> lines;
        Json heard = Ask("heard")["result"]["lines"];
        for (size_t i = 0; i < heard.Size(); i++)
            lines.push_back(heard[i].Text());
        return lines;
    }
    std::string endpoint;
};

std::string Held(int id) {
    return Rpc(std::to_string(id), "hold");
}

std::string Answer(const std::string &id, const std::string &result) {
    return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":" + result + "}";
}

// --- Requests of workers --------------------------------------------------------------------

TEST(Owners, ARequestThatNamesNothingIsForTheOnlyOneThatWaits_L3_L16) {
    SharedBus bus;
    SocketClient idle(bus.endpoint), waiting(bus.endpoint);
    idle.Ask(bus, Rpc("1", "echo"));
    waiting.Send(Held(1));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "one waits"));
    bus.Say(Rpc("77", "ask"));
    EXPECT_EQ(waiting.Line(bus), Rpc("77", "ask"));
    waiting.Send(Answer("77", "true"));
    waiting.Send(Rpc("", "after it"));
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).messages_out == 5; }, "it is passed on"));
    EXPECT_EQ(bus.Heard()[3], Answer("77", "true"));
    EXPECT_EQ(idle.Waiting(), 0u);
    EXPECT_EQ(bus.messages.size(), 1u) << "and not the host's, but for its own question";
}

TEST(Owners, WhenSeveralWaitARequestThatNamesNothingIsTheHosts_L3) {
    SharedBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Send(Held(1));
    b.Send(Held(1));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both wait"));
    bus.Say(Rpc("77", "ask"));
    EXPECT_EQ(bus.Next().text, Rpc("77", "ask"));
    EXPECT_EQ(a.Waiting() + b.Waiting(), 0u);
}

TEST(Owners, WithoutAHostAndWithSeveralClientsTheWorkerIsToldThatNobodyAnswers_L3) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("1", "echo"));
    b.Ask(bus, Rpc("1", "echo"));
    bus.Say(Rpc("\"r\"", "ask"));
    bus.UntilHeard(4);
    Json heard = a.Ask(bus, Rpc("2", "heard"))["result"]["lines"];
    ASSERT_EQ(heard.Size(), 4u);
    Json refusal = Json::Parse(heard[3].Text());
    ExpectError(refusal, -32601);
    EXPECT_EQ(refusal["id"].Raw(), "\"r\"");
    EXPECT_EQ(refusal["error"]["data"]["pool"].Text(), "p");
    EXPECT_EQ(refusal["error"]["data"]["worker"].Number(), 0);
    EXPECT_FALSE(refusal["error"]["data"]["reason"].Text().empty());
    EXPECT_EQ(b.Waiting(), 0u);
}

// It may hold what only the one that left was to see.
TEST(Owners, ARequestOfASessionWhoseClientHasLeftIsNotShownToAnother_L3) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient stays(bus.endpoint);
    {
        SocketClient leaves(bus.endpoint);
        leaves.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"s")"));
        leaves.Reset();
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 1; }, "one has left"));
    stays.Send(Rpc("1", "say", Line(Rpc("77", "permission", R"({"sessionId":"s"})"))));
    EXPECT_EQ(stays.Next(bus)["result"]["pid"].Number(), bus.Worker(0).pid) << "nothing before it";
    Json heard = stays.Ask(bus, Rpc("2", "heard"))["result"]["lines"];
    ASSERT_EQ(heard.Size(), 3u);
    ExpectError(Json::Parse(heard[2].Text()), -32601);
}

TEST(Owners, ARequestOfASessionWhoseClientHasLeftIsTheHosts_L3) {
    SharedBus bus;
    SocketClient stays(bus.endpoint);
    {
        SocketClient leaves(bus.endpoint);
        leaves.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"s")"));
        leaves.Reset();
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 1; }, "one has left"));
    stays.Send(Rpc("1", "say", Line(Rpc("77", "permission", R"({"sessionId":"s"})"))));
    EXPECT_EQ(stays.Next(bus)["id"].Raw(), "1");
    EXPECT_EQ(bus.Next().text, Rpc("77", "permission", R"({"sessionId":"s"})"));
}

TEST(Owners, ASessionWhoseClientHasLeftIsTakenOverByTheNextThatUsesIt) {
    SharedBus bus(Bus::Handler::kNone);
    {
        SocketClient first(bus.endpoint);
        first.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"s")"));
        first.Reset();
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
    SocketClient second(bus.endpoint);
    std::string request = Rpc("77", "permission", R"({"sessionId":"s"})");
    second.Send(Rpc("1", "say", Line(request), R"(,"sessionId":"s")"));
    EXPECT_EQ(second.Line(bus), request);
    EXPECT_EQ(second.Next(bus)["id"].Raw(), "1");
}

TEST(Owners, ASessionInUseIsNotTakenFromItsClient) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient owner(bus.endpoint), guest(bus.endpoint);
    owner.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    std::string note = Rpc("", "update", R"({"sessionId":"s"})");
    Json answer = guest.Ask(bus, Rpc("1", "say", Line(note), R"(,"sessionId":"s")"));
    EXPECT_EQ(answer["id"].Raw(), "1") << "the answer is the guest's, the note is not";
    EXPECT_EQ(owner.Line(bus), note);
    EXPECT_EQ(guest.Waiting(), 0u);
}

TEST(Owners, OneThatSendsNoMoreIsNotAskedAnyMore_L3) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient half(bus.endpoint);
    half.Ask(bus, Rpc("1", "echo"));
    half.Send(Held(2));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it waits"));
    half.EndSending();
    bus.Say(Rpc("77", "ask"));
    SocketClient other(bus.endpoint); // not bound to the worker before its own request
    bus.UntilHeard(4);
    Json heard = other.Ask(bus, Rpc("1", "heard"))["result"]["lines"];
    ASSERT_EQ(heard.Size(), 4u);
    ExpectError(Json::Parse(heard[3].Text()), -32601);
    EXPECT_EQ(half.Waiting(), 0u);
}

TEST(Owners, ARepeatedIdOfAWorkersRequestIsRefusedAndTheFirstStaysValid) {
    SharedBus bus;
    bus.Say(Rpc("\"twice\"", "ask", "1") + "\n" + Rpc("\"tw\\u0069ce\"", "ask", "2"));
    EXPECT_EQ(bus.Next().text, Rpc("\"twice\"", "ask", "1"));
    bus.UntilHeard(2);
    ASSERT_EQ(bus.Send(Answer("\"twice\"", "1")), 0);
    std::vector<std::string> heard = bus.Heard();
    ASSERT_EQ(heard.size(), 3u);
    Json refusal = Json::Parse(heard[1]);
    ExpectError(refusal, -32600);
    EXPECT_EQ(refusal["id"].Raw(), "null");
    EXPECT_EQ(refusal["error"]["data"]["id"].Text(), "twice");
    EXPECT_EQ(heard[2], Answer("\"twice\"", "1"));
}

TEST(Owners, AWorkersRequestWithAnIdThatIsNoneIsRefused) {
    SharedBus bus;
    bus.Say(R"({"jsonrpc":"2.0","id":{"a":1},"method":"ask"})");
    bus.UntilHeard(2);
    Json refusal = Json::Parse(bus.Heard()[1]);
    ExpectError(refusal, -32600);
    EXPECT_EQ(refusal["id"].Raw(), "null");
    EXPECT_EQ(bus.messages.size(), 1u) << "nobody saw it";
}

TEST(Owners, AWorkerThatAsksTooMuchIsToldTheLimit) {
    SharedBus bus(Bus::Handler::kStruct, OnePool(1, R"("max_pending":2)"));
    bus.Say(Rpc("1", "ask") + "\n" + Rpc("2", "ask") + "\n" + Rpc("3", "ask"));
    bus.UntilHeard(2);
    Json refusal = Json::Parse(bus.Heard()[1]);
    ExpectError(refusal, -32003);
    EXPECT_EQ(refusal["id"].Raw(), "3");
    EXPECT_EQ(refusal["error"]["data"]["limit"].Text(), "max_pending");
    EXPECT_EQ(refusal["error"]["data"]["value"].Number(), 2);
}

// --- Cancellations and progress of workers' requests ------------------------------------------

TEST(Owners, AWorkerThatTakesItsRequestBackNamesItAsItsClientKnowsIt_L31) {
    SharedBus bus(Bus::Handler::kNone, OnePool(2));
    SocketClient client(bus.endpoint);
    std::string session[] = {R"(,"sessionId":"s0")", R"(,"sessionId":"s1")"};
    // Both workers ask with the same id; the client sees two different ones.
    std::string ids[2];
    for (int i : {0, 1}) {
        client.Send(Rpc("\"q\"", "say",
                        Line(Rpc("5", "ask", "{\"sessionId\":\"s" + std::to_string(i) + "\"}")),
                        session[i]));
        ids[i] = client.Next(bus)["id"].Raw();
        EXPECT_EQ(client.Next(bus)["id"].Raw(), "\"q\"");
    }
    EXPECT_EQ(ids[0], "5");
    EXPECT_NE(ids[1], "5");
    for (int i : {1, 0}) {
        client.Send(Rpc("\"q\"", "say",
                        Line(Rpc("", "notifications/cancelled", R"({"requestId":5})") + "\n" +
                             Rpc("", "$/cancelRequest", R"({"id":5})")),
                        session[i]));
        EXPECT_EQ(client.Next(bus)["params"]["requestId"].Raw(), ids[i]);
        EXPECT_EQ(client.Next(bus)["params"]["id"].Raw(), ids[i]);
        EXPECT_EQ(client.Next(bus)["id"].Raw(), "\"q\"");
    }
}

TEST(Owners, ProgressOnAWorkersRequestReachesThatWorkerUnderItsOwnToken_L31) {
    SharedBus bus(Bus::Handler::kStruct, OnePool(2));
    std::vector<std::string> tokens;
    for (int worker : {0, 1}) {
        bus.Ask("say", Line(Rpc("5", "ask", R"({"_meta":{"progressToken":"t"}})")),
                {nullptr, nullptr, worker});
        for (const Message &m : bus.messages)
            if (m.kind == STDIO_BUS_REQUEST && m.worker == worker)
                tokens.push_back(m.Tree()["params"]["_meta"]["progressToken"].Raw());
    }
    ASSERT_EQ(tokens.size(), 2u);
    EXPECT_EQ(tokens[0], "\"t\"");
    EXPECT_NE(tokens[1], tokens[0]);
    for (int worker : {1, 0}) {
        ASSERT_EQ(bus.Send(Rpc("", "notifications/progress",
                               "{\"progressToken\":" + tokens[worker] +
                                   ",\"progress\":" + std::to_string(worker) + "}")),
                  0);
        Json heard = bus.Ask("heard", "", {nullptr, nullptr, worker})["result"]["lines"];
        EXPECT_EQ(heard[1].Text(),
                  Rpc("", "notifications/progress",
                      "{\"progressToken\":\"t\",\"progress\":" + std::to_string(worker) + "}"));
    }
}

// --- Notifications ----------------------------------------------------------------------------

TEST(Owners, TheTopLevelSessionOfANotificationCountsBeforeTheOneInItsParams_L2) {
    SharedBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"sa")"));
    b.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"sb")"));
    std::string note = Rpc("", "n", R"({"sessionId":"sb"})", R"(,"sessionId":"sa")");
    bus.Say(note);
    EXPECT_EQ(a.Line(bus), note);
    EXPECT_EQ(bus.Next().text, note) << "the host receives it always";
    EXPECT_EQ(bus.messages[0].session, "sa");
    EXPECT_EQ(b.Waiting(), 0u);
}

TEST(Owners, ANotificationThatNamesARequestIsItsAskers_L2) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Send(Held(1));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "a waits"));
    b.Send(Held(1));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both wait"));
    bus.Say(Rpc("", "busy", R"({"requestId":1})"));
    EXPECT_EQ(a.Line(bus), Rpc("", "busy", R"({"requestId":1})"));
    EXPECT_EQ(b.Waiting(), 0u);
}

// "id" in params is the id of a request in $/cancelRequest; elsewhere it may be anything.
TEST(Owners, AnIdInTheParamsOfAnOrdinaryNotificationIsNoRequest_L2) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("7", "echo"));
    b.Send(Rpc("8", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "b waits"));
    a.Send(Rpc("8", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both wait"));
    for (const char *params : {R"({"id":8})", R"({"id":"item 5"})"}) {
        bus.Say(Rpc("", "item/changed", params));
        EXPECT_EQ(a.Line(bus), Rpc("", "item/changed", params)) << "it is for all";
        EXPECT_EQ(b.Line(bus), Rpc("", "item/changed", params));
    }
    EXPECT_EQ(bus.Counters().dropped_notifications, 0u);
}

TEST(Owners, ANotificationThatNamesAnUnknownTokenOrRequestIsCountedAndDropped_L2) {
    SharedBus bus(Bus::Handler::kNone);
    SocketClient client(bus.endpoint);
    std::string stray = Rpc("", "notifications/progress", R"({"progressToken":"x"})") + "\n" +
                        Rpc("", "n", R"({"requestId":"x"})") + "\n" +
                        Rpc("", "$/cancelRequest", R"({"id":99})") + "\n" +
                        Rpc("", "n", "", R"(,"sessionId":"nobody's")");
    EXPECT_EQ(client.Ask(bus, Rpc("1", "say", Line(stray)))["id"].Raw(), "1");
    EXPECT_EQ(bus.Counters().dropped_notifications, 4u);
}

TEST(Owners, ANotificationThatNamesNothingIsNotForClientsOfOtherWorkers) {
    SharedBus bus(Bus::Handler::kNone, Config({{"a"}, {"b"}}));
    SocketClient a(bus.endpoint), b(bus.endpoint), silent(bus.endpoint);
    a.Ask(bus, Rpc("1", "echo", "", R"(,"pool":"a")"));
    b.Ask(bus, Rpc("1", "echo", "", R"(,"pool":"b")"));
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(Rpc("", "news"))), {"a"}), 0);
    EXPECT_EQ(a.Line(bus), Rpc("", "news"));
    EXPECT_TRUE(b.Ask(bus, Rpc("2", "echo", "", R"(,"pool":"b")")).Has("result"));
    EXPECT_TRUE(silent.Ask(bus, Rpc("2", "echo", "", R"(,"pool":"b")")).Has("result"));
}

// The worker goes on reporting progress of a request whose client has left; the next client may
// well use the same token.
TEST(Owners, ProgressOfARequestGivenUpIsNotTakenForThatOfAnother_L31) {
    SharedBus bus(Bus::Handler::kNone);
    std::string params = R"({"_meta":{"progressToken":7}})";
    {
        SocketClient leaves(bus.endpoint);
        leaves.Send(Rpc("1", "hold", params));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
        leaves.Reset();
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
    SocketClient next(bus.endpoint);
    next.Send(Rpc("1", "hold", params));
    next.Send(Rpc("2", "heard"));
    Json heard = next.Next(bus)["result"]["lines"];
    ASSERT_EQ(heard.Size(), 2u);
    std::string token = Json::Parse(heard[1].Text())["params"]["_meta"]["progressToken"].Raw();
    std::string old = Rpc("", "notifications/progress", R"({"progressToken":7,"message":"old"})");
    std::string own = Rpc("", "notifications/progress", "{\"progressToken\":" + token + "}");
    bus.Say(old + "\n" + own);
    EXPECT_EQ(next.Line(bus), Rpc("", "notifications/progress", params.substr(9, 19)));
    EXPECT_EQ(bus.Counters().dropped_notifications, 1u);
}

// --- Sessions that workers hand out ------------------------------------------------------------

TEST(Owners, EachSessionHandedOutIsBoundToTheWorkerThatAnswered_L9) {
    SharedBus bus(Bus::Handler::kStruct, OnePool(4));
    constexpr uint64_t kCount = 40;
    for (uint64_t i = 1; i <= kCount; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "answer",
                               With("\"result\":{\"sessionId\":\"s" + std::to_string(i) + "\"}")),
                           {nullptr, nullptr, -1, 0, i}),
                  0);
    ASSERT_TRUE(bus.Until([&] { return bus.messages.size() == kCount; }, "all are answered"));
    std::vector<int> worker(kCount + 1);
    for (const Message &m : bus.messages)
        worker[m.cookie] = m.worker;
    for (int w = 0; w < 4; w++)
        EXPECT_EQ(bus.Worker(w).sessions, kCount / 4);
    for (uint64_t i = kCount; i >= 1; i--) {
        std::string params = "{\"sessionId\":\"s" + std::to_string(i) + "\"}";
        EXPECT_EQ(bus.Ask("session/prompt", params)["result"]["pid"].Number(),
                  bus.Worker(worker[i]).pid);
    }
}

} // namespace
