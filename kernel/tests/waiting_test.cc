// Requests that wait for a worker of their pool: nothing about them is different when one comes,
// and they can be taken back until then.
#include "socket_client.h"

namespace {

// A pool whose only worker has just exited and comes back after its back-off.
struct WaitingBus : ListeningBus {
    using ListeningBus::ListeningBus;
    void LoseTheWorker() {
        ExpectError(Ask("exit"), -32002);
        ASSERT_EQ(Running(), 0);
    }
    void UntilPending(int count) {
        Until([&] { return Pending() == count; }, std::to_string(count) + " are pending");
    }
};

TEST(Waiting, ARequestIsTakenBackByItsCancellationAndNeverSent) {
    WaitingBus bus;
    SocketClient client(bus.endpoint);
    client.Ask(bus, Rpc("0", "echo"));
    bus.LoseTheWorker();
    client.Send(Rpc("1", "first"));
    client.Send(Rpc("\"two\"", "second", "", R"(,"sessionId":"s")"));
    client.Send(Rpc("3", "third"));
    client.Send(Rpc("", "notifications/cancelled", R"({"requestId":1})"));
    client.Send(Rpc("", "$/cancelRequest", R"({"id":"tw\u006f"})"));
    for (const char *id : {"1", "\"two\""}) {
        Json answer = client.Next(bus);
        ExpectError(answer, -32800);
        EXPECT_EQ(answer["id"].Raw(), id);
        EXPECT_EQ(answer["error"]["data"]["pool"].Text(), "p");
        EXPECT_FALSE(answer["error"]["data"]["reason"].Text().empty());
        EXPECT_EQ(answer.Has("sessionId"), id[0] == '"');
    }
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "3");
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Counters().dropped_notifications, 0u);
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 1u) << heard.Raw();
    EXPECT_EQ(heard[0].Text(), Rpc("3", "third"));
}

TEST(Waiting, TheHostTakesItsRequestBackInTheSameWay) {
    WaitingBus bus;
    bus.LoseTheWorker();
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, nullptr, -1, 0, 7}), 0);
    EXPECT_EQ(bus.Send(Rpc("", "notifications/cancelled", R"({"requestId":1})")), 0);
    ExpectError(bus.Answer(7), -32800);
    EXPECT_EQ(stdio_bus_forget(bus.get(), 7), STDIO_BUS_ENOTFOUND);
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Waiting, OnlyTheConnectionThatSentARequestTakesItBack) {
    WaitingBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    bus.LoseTheWorker();
    a.Send(Rpc("1", "echo"));
    bus.UntilPending(1);
    b.Send(Rpc("", "notifications/cancelled", R"({"requestId":1})"));
    EXPECT_TRUE(a.Next(bus).Has("result"));
    EXPECT_EQ(bus.Counters().dropped_notifications, 1u);
}

TEST(Waiting, TheSameIdsAndTokensOfSeveralClientsAreToldApartWhenTheirTurnComes_L31) {
    WaitingBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    bus.LoseTheWorker();
    std::string params = R"({"_meta":{"progressToken":"t"}})";
    a.Send(Rpc("1", "hold", params));
    bus.UntilPending(1);
    b.Send(Rpc("1", "hold", params));
    bus.UntilPending(2);
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 2u);
    std::string token = Json::Parse(heard[1].Text())["params"]["_meta"]["progressToken"].Raw();
    EXPECT_NE(token, "\"t\"");
    ASSERT_EQ(
        bus.Send(Rpc("", "say",
                     Line(Rpc("", "notifications/progress", "{\"progressToken\":" + token + "}")))),
        0);
    ASSERT_EQ(bus.Send(Rpc("", "release_reversed")), 0);
    EXPECT_EQ(b.Next(bus)["params"]["progressToken"].Raw(), "\"t\"");
    EXPECT_EQ(b.Next(bus)["id"].Raw(), "1");
    EXPECT_EQ(a.Next(bus)["id"].Raw(), "1");
}

TEST(Waiting, TheEnvelopeIsTakenOffBeforeAndPutBackAfter_L1) {
    Pool pool;
    pool.more = R"(,"envelope":"standard")";
    WaitingBus bus(Config(std::vector<Pool>{pool}));
    SocketClient client(bus.endpoint);
    bus.LoseTheWorker();
    Json answer = client.Ask(bus, Rpc("1", "raw", "", R"(,"sessionId":"s","_ext":{})"));
    EXPECT_EQ(answer["result"]["line"].Text(), Rpc("1", "raw"));
    EXPECT_EQ(answer["sessionId"].Text(), "s");
    EXPECT_EQ(bus.Worker(0).sessions, 1u);
}

TEST(Waiting, WhatOneThatLeavesHasWaitingIsNeverSent) {
    WaitingBus bus;
    {
        SocketClient client(bus.endpoint);
        client.Ask(bus, Rpc("0", "echo"));
        bus.LoseTheWorker();
        client.Send(Rpc("1", "x"));
        bus.UntilPending(1);
        client.Reset();
    }
    bus.UntilPending(0);
    EXPECT_EQ(bus.Ask("heard")["result"]["lines"].Size(), 0u);
}

TEST(Waiting, AStopAnswersThemAtOnce_L34) {
    WaitingBus bus;
    SocketClient client(bus.endpoint);
    client.Ask(bus, Rpc("0", "echo"));
    bus.LoseTheWorker();
    client.Send(Rpc("1", "echo"));
    bus.UntilPending(1);
    ASSERT_EQ(bus.Send(Rpc("2", "echo"), {nullptr, nullptr, -1, 0, 2}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "n")), 0);
    EXPECT_EQ(stdio_bus_stop(bus.get(), 20), 0);
    ExpectError(bus.Answer(2), -32004);
    EXPECT_EQ(bus.Counters().dropped_notifications, 1u);
    bus.Stop();
    ExpectError(client.Next(bus), -32004);
    EXPECT_EQ(bus.EventsOf(0, "started"), 1u);
}

TEST(Waiting, TheQueueOfAPoolIsNoHindranceToAnother) {
    WaitingBus bus(Config({{"a"}, {"b"}}));
    ExpectError(bus.Ask("exit", "", {"a"}), -32002);
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {"a", nullptr, -1, 0, 1}), 0);
    EXPECT_TRUE(bus.Ask("echo", "", {"b"}).Has("result"));
    EXPECT_TRUE(bus.Answer(1).Has("result"));
}

} // namespace
