// Socket clients beside each other and beside the host: whose answer is whose, who hears of what,
// and that nobody can disturb anybody.
#include "socket_client.h"

namespace {

// --- Ids ------------------------------------------------------------------------------------

TEST(Clients, FiveWithTheSameIdsOnOneWorkerGetTheirOwnAnswersInAnyOrder_A27_L31) {
    ListeningBus bus;
    std::vector<std::unique_ptr<SocketClient>> clients;
    for (int i = 0; i < 5; i++) {
        clients.push_back(std::make_unique<SocketClient>(bus.endpoint));
        clients[i]->Send(Rpc("1", "hold"));
        clients[i]->Send(Rpc("\"two\"", "hold"));
    }
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 10; }, "all ten are in flight"));
    ASSERT_EQ(bus.Send(Rpc("", "release_reversed")), 0);
    for (auto &client : clients) {
        EXPECT_EQ(client->Next(bus)["id"].Raw(), "\"two\"");
        EXPECT_EQ(client->Next(bus)["id"].Raw(), "1");
    }
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_TRUE(bus.messages.empty()) << "answers to clients are not the host's";
}

TEST(Clients, EveryAnswerCarriesTheContentOfItsOwnRequest_A27) {
    ListeningBus bus(OnePool(2));
    SocketClient a(bus.endpoint), b(bus.endpoint);
    for (int i = 0; i < 200; i++) {
        a.Send(Rpc(std::to_string(i), "echo", "{\"of\":\"a" + std::to_string(i) + "\"}"));
        b.Send(Rpc(std::to_string(i), "echo", "{\"of\":\"b" + std::to_string(i) + "\"}"));
    }
    for (int i = 0; i < 200; i++) {
        for (auto *client : {&a, &b}) {
            Json answer = client->Next(bus);
            EXPECT_EQ(answer["result"]["params"]["of"].Text(),
                      (client == &a ? "a" : "b") + answer["id"].Raw());
        }
    }
}

TEST(Clients, TheHostSendsBesideThemWithTheSameIds) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the client's is in flight"));
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 5}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    EXPECT_EQ(bus.Answer(5)["id"].Raw(), "1");
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
    EXPECT_EQ(bus.messages.size(), 1u);
}

TEST(Clients, ProgressOfARequestReachesItsAskerUnderItsOwnToken_L2_L31) {
    ListeningBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    std::string params = R"({"_meta":{"progressToken":7}})";
    a.Send(Rpc("7", "hold", params));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the first is in flight"));
    b.Send(Rpc("7", "hold", params));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both are in flight"));
    Json heard = bus.Ask("heard")["result"]["lines"];
    for (size_t i : {0, 1}) {
        std::string token = Json::Parse(heard[i].Text())["params"]["_meta"]["progressToken"].Raw();
        ASSERT_EQ(bus.Send(Rpc("", "say",
                               Line(Rpc("", "notifications/progress",
                                        "{\"progressToken\":" + token +
                                            ",\"progress\":" + std::to_string(i) + "}")))),
                  0);
        Json note = (i == 0 ? a : b).Next(bus);
        EXPECT_EQ(note["params"]["progressToken"].Raw(), "7");
        EXPECT_EQ(note["params"]["progress"].Number(), static_cast<long long>(i));
    }
    EXPECT_EQ(a.Waiting() + b.Waiting(), 0u);
}

TEST(Clients, ProgressOfARequestWhoseClientWentReachesNoOther_L31) {
    ListeningBus bus;
    SocketClient gone(bus.endpoint), other(bus.endpoint);
    std::string params = R"({"_meta":{"progressToken":"t"}})";
    gone.Send(Rpc("1", "hold", params));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the first is in flight"));
    gone.Reset();
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 0; }, "the first was given up"));
    other.Send(Rpc("1", "hold", params));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the second is in flight"));
    bus.Ask("say", Line(Rpc("", "notifications/progress", R"({"progressToken":"t"})")));
    other.Send(Rpc("2", "echo"));
    EXPECT_EQ(other.Next(bus)["id"].Raw(), "2");
    EXPECT_EQ(other.Waiting(), 0u);
}

// An answer under the id of a request in flight would pass for the answer to that.
TEST(Clients, WhatIsRefusedWhileItsIdIsInFlightIsRefusedWithoutTheId) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the first is in flight"));
    for (const std::string &line : {Rpc("1", "echo"), Rpc("1", "stdio_bus/stats"),
                                    Rpc("1.0", "echo"), std::string(R"({"id":1})")}) {
        Json refusal = client.Ask(bus, line);
        ExpectError(refusal, -32600);
        EXPECT_EQ(refusal["id"].Raw(), "null") << line;
    }
    ASSERT_EQ(stdio_bus_stop(bus.get(), 20), 0);
    EXPECT_EQ(client.Ask(bus, Rpc("1", "echo"))["id"].Raw(), "null") << "while the bus stops too";
    ExpectError(client.Ask(bus, Rpc("2", "echo")), -32004);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    Json answer = client.Next(bus);
    EXPECT_EQ(answer["id"].Raw(), "1");
    EXPECT_TRUE(answer.Has("result"));
}

TEST(Clients, ACancellationNamesTheRequestByTheIdTheWorkerKnows) {
    ListeningBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the first is in flight"));
    b.Send(Rpc("1", "hold"));
    b.Send(Rpc("", "notifications/cancelled", R"({"requestId":1})"));
    b.Send(Rpc("", "$/cancelRequest", R"({"id":1})"));
    b.Send(Rpc("2", "echo"));
    b.Next(bus);
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 5u);
    std::string known = Json::Parse(heard[1].Text())["id"].Raw();
    EXPECT_NE(known, "1");
    EXPECT_EQ(Json::Parse(heard[2].Text())["params"]["requestId"].Raw(), known);
    EXPECT_EQ(Json::Parse(heard[3].Text())["params"]["id"].Raw(), known);
}

TEST(Clients, ARepeatedIdOnOneConnectionIsRefusedAndTheFirstStaysValid) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Send(Rpc("\"x\"", "hold"));
    client.Send(Rpc("\"x\"", "echo"));
    Json refusal = client.Next(bus);
    ExpectError(refusal, -32600);
    EXPECT_EQ(refusal["id"].Raw(), "null");
    EXPECT_EQ(refusal["error"]["data"]["id"].Raw(), "\"x\"");
    client.Send(Rpc("", "release"));
    EXPECT_EQ(client.Next(bus)["result"]["held"].Raw(), "true");
}

// --- What workers say -----------------------------------------------------------------------

TEST(Clients, ANotificationOfASessionReachesItsOwnerAlone_L2) {
    ListeningBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"sa")"));
    b.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"sb")"));
    std::string top = Rpc("", "update", "", R"(,"sessionId":"sa")");
    std::string inside = Rpc("", "session/update", R"({"sessionId":"sa"})");
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(top + "\n" + inside))), 0);
    EXPECT_EQ(a.Line(bus), top);
    EXPECT_EQ(a.Line(bus), inside);
    EXPECT_EQ(b.Ask(bus, Rpc("2", "echo"))["id"].Raw(), "2") << "nothing came before it";
}

TEST(Clients, ASessionHandedOutInAnAnswerBelongsToWhoAsked_L2) {
    ListeningBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("1", "answer", With(R"("result":{"sessionId":"fresh"})")));
    b.Ask(bus, Rpc("1", "echo"));
    std::string update = Rpc("", "session/update", R"({"sessionId":"fresh"})");
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(update))), 0);
    EXPECT_EQ(a.Line(bus), update);
    EXPECT_EQ(b.Waiting(), 0u);
}

TEST(Clients, ANotificationThatNamesNothingReachesTheOnlyOneThatWaits) {
    ListeningBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("1", "echo"));
    b.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "b waits"));
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(Rpc("", "log")))), 0);
    EXPECT_EQ(b.Line(bus), Rpc("", "log"));
    EXPECT_EQ(a.Waiting(), 0u);
}

TEST(Clients, ANotificationThatNamesNothingReachesAllWhenNobodyWaits) {
    ListeningBus bus;
    SocketClient a(bus.endpoint), b(bus.endpoint);
    a.Ask(bus, Rpc("1", "echo"));
    b.Ask(bus, Rpc("1", "echo"));
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(Rpc("", "list_changed")))), 0);
    EXPECT_EQ(a.Line(bus), Rpc("", "list_changed"));
    EXPECT_EQ(b.Line(bus), Rpc("", "list_changed"));
}

TEST(Clients, ANotificationForAnUnknownOwnerIsForTheHostAlone) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Ask(bus, Rpc("1", "echo"));
    std::string stray = Rpc("", "session/update", R"({"sessionId":"nobody's"})");
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(stray))), 0);
    EXPECT_EQ(bus.Next().text, stray);
    EXPECT_EQ(client.Ask(bus, Rpc("2", "echo"))["id"].Raw(), "2") << "nothing came before it";
}

TEST(Clients, WithoutAHostANotificationForAnUnknownOwnerIsCountedAndDropped) {
    Bus::Options options = OnTcp();
    options.handler = Bus::Handler::kNone;
    Bus bus(OnePool(), options);
    bus.Start();
    SocketClient client(stdio_bus_listen_endpoint(bus.get()));
    std::string stray = Rpc("", "session/update", R"({"sessionId":"nobody's"})");
    EXPECT_EQ(client.Ask(bus, Rpc("1", "say", Line(stray)))["id"].Raw(), "1");
    EXPECT_EQ(bus.Counters().dropped_notifications, 1u);
}

TEST(Clients, WithoutAHostARequestOfAWorkerGoesToItsOnlyClient_L3) {
    Bus::Options options = OnTcp();
    options.handler = Bus::Handler::kNone;
    Bus bus(OnePool(), options);
    bus.Start();
    SocketClient client(stdio_bus_listen_endpoint(bus.get()));
    client.Ask(bus, Rpc("1", "echo"));
    client.Send(Rpc("", "say", Line(Rpc("77", "roots/list"))));
    EXPECT_EQ(client.Line(bus), Rpc("77", "roots/list"));
    std::string answer = R"({"jsonrpc":"2.0","id":77,"result":[]})";
    client.Send(answer);
    Json heard = client.Ask(bus, Rpc("2", "heard"))["result"]["lines"];
    EXPECT_EQ(heard[2].Text(), answer);
}

TEST(Clients, ARequestOfAWorkerReachesTheOwnerOfItsSession_L3_L16) {
    ListeningBus bus(OnePool(2));
    SocketClient a(bus.endpoint), b(bus.endpoint);
    long long pid =
        a.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"sa")"))["result"]["pid"].Number();
    b.Ask(bus, Rpc("1", "echo", "", R"(,"sessionId":"sb")"));
    int worker = bus.Worker(0).pid == pid ? 0 : 1;
    std::string request = Rpc("77", "permission", R"({"sessionId":"sa"})");
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(request)), {nullptr, nullptr, worker}), 0);
    EXPECT_EQ(a.Line(bus), request);
    std::string answer = R"({"jsonrpc":"2.0","id":77,"result":"allowed"})";
    a.Send(answer);
    EXPECT_TRUE(a.Ask(bus, Rpc("2", "echo", "", R"(,"sessionId":"sa")")).Has("result"));
    Json heard = bus.Ask("heard", "", {nullptr, nullptr, worker})["result"]["lines"];
    EXPECT_EQ(heard[2].Text(), answer);
    EXPECT_EQ(b.Waiting(), 0u);
}

TEST(Clients, ARequestOfAWorkerWhoseClientHasLeftIsAnsweredWithAnError_L3) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Ask(bus, Rpc("1", "say", Line(Rpc("77", "ask", R"({"sessionId":"s"})")),
                        R"(,"sessionId":"s")"));
    client.Close();
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 2u);
    Json refusal = Json::Parse(heard[1].Text());
    EXPECT_EQ(refusal["id"].Raw(), "77");
    ExpectError(refusal, -32601);
}

// --- Envelope -------------------------------------------------------------------------------

TEST(Clients, TheStandardEnvelopeIsTakenOffAndPutBackForThemToo_L1) {
    Pool pool;
    pool.more = R"(,"envelope":"standard")";
    ListeningBus bus(Config(std::vector<Pool>{pool}));
    SocketClient client(bus.endpoint);
    Json answer = client.Ask(bus, Rpc("1", "raw", "", R"(,"sessionId":"s","agentId":"a")"));
    EXPECT_EQ(answer["result"]["line"].Text(), Rpc("1", "raw"));
    EXPECT_EQ(answer["sessionId"].Text(), "s");
}

// --- Bad input ------------------------------------------------------------------------------

TEST(Clients, GarbageIsAnsweredToItsSenderAndHurtsNobody_L5_L37_L38) {
    ListeningBus bus;
    SocketClient bad(bus.endpoint), good(bus.endpoint);
    for (const std::string &line :
         {std::string("not json"), std::string("{\"id\":1"), Rpc("1", "a") + Rpc("2", "b"),
          std::string("\xFF\xFE"), std::string("{\"id\":1,\"method\":\"\xC3\"}")}) {
        Json answer = bad.Ask(bus, line);
        ExpectError(answer, -32700);
        EXPECT_EQ(answer["id"].Raw(), "null");
        EXPECT_TRUE(good.Ask(bus, Rpc("1", "echo")).Has("result"));
    }
    EXPECT_TRUE(bad.Ask(bus, Rpc("1", "echo")).Has("result")) << "the connection stays usable";
    EXPECT_EQ(bus.Ask("heard")["result"]["lines"].Size(), 6u);
}

TEST(Clients, BatchesAndThingsThatAreNoMessageAreInvalidRequests) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    for (const std::string &line :
         {"[" + Rpc("1", "a") + "]", std::string("[]"), std::string("5"), std::string("{}")}) {
        Json answer = client.Ask(bus, line);
        ExpectError(answer, -32600);
        EXPECT_EQ(answer["id"].Raw(), "null") << line;
    }
    EXPECT_TRUE(client.Ask(bus, Rpc("1", "echo")).Has("result"));
}

TEST(Clients, ALineOverTheLimitIsRefusedAndTheConnectionStaysUsable_A29_L4) {
    ListeningBus bus(OnePool(1, R"("max_input_buffer":65536)"));
    SocketClient client(bus.endpoint);
    client.Send(Rpc("1", "echo", Quote(std::string(300000, 'a'))));
    Json answer = client.Next(bus);
    ExpectError(answer, -32600);
    EXPECT_TRUE(client.Ask(bus, Rpc("2", "echo")).Has("result"));
}

TEST(Clients, LinesArriveWholeHoweverTheyWereCut_A29) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    std::string bytes =
        "\xEF\xBB\xBF" + Rpc("1", "echo", Quote("häé€😀")) + "\r\n\r\n\n" + Rpc("2", "echo") + "\n";
    for (char byte : bytes) {
        client.SendBytes(std::string(1, byte));
        bus.Settle();
    }
    EXPECT_EQ(client.Next(bus)["result"]["params"].Text(), "häé€😀");
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "2");
}

TEST(Clients, MessagesOfEverySizePassBothWaysAndASmallOneFollows_A27_L4) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    ListeningBus tcp;
    Bus local(OnePool(), OnUnix(path));
    local.Start();
    SocketClient one(tcp.endpoint), other(path);
    std::pair<Bus *, SocketClient *> ways[] = {{&tcp, &one}, {&local, &other}};
    for (size_t bytes : {64000, 65535, 65536, 65537, 1000000, 10000000}) {
        for (auto &[bus, client] : ways) {
            size_t frame = Rpc("1", "echo", "\"\"").size();
            std::string params = "\"" + std::string(bytes - frame, 'x') + "\"";
            client->Send(Rpc("1", "echo", params));
            client->Send(Rpc("2", "big", "{\"bytes\":" + std::to_string(bytes) + "}"));
            client->Send(Rpc("3", "echo", "[]"));
            EXPECT_EQ(client->Next(*bus)["result"]["params"].Raw(), params);
            EXPECT_EQ(client->Line(*bus).size(), bytes);
            EXPECT_EQ(client->Next(*bus)["result"]["params"].Raw(), "[]");
        }
    }
}

// --- Coming and going -----------------------------------------------------------------------

TEST(Clients, AHalfClosedClientStillGetsItsAnswers_L34) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    client.Send(Rpc("1", "hold"));
    client.SendBytes(Rpc("2", "echo")); // its last line has no newline
    client.EndSending();
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "2");
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
    EXPECT_TRUE(client.IsEnded(bus));
}

TEST(Clients, ALateAnswerToOneThatHasLeftGoesToNobody) {
    ListeningBus bus;
    {
        SocketClient client(bus.endpoint);
        client.Send(Rpc("1", "hold"));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    }
    // Over TCP one that has left looks like one that only sends no more, until written to.
    SocketClient next(bus.endpoint);
    next.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both are in flight"));
    next.Send(Rpc("", "release"));
    EXPECT_EQ(next.Next(bus)["id"].Raw(), "1");
    EXPECT_TRUE(next.Ask(bus, Rpc("2", "echo")).Has("result"));
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 1; }, "it has left"));
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Clients, OneThatResetsItsConnectionIsForgottenAtOnceWithItsRequests) {
    ListeningBus bus;
    {
        SocketClient client(bus.endpoint);
        client.Send(Rpc("1", "hold"));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
        client.Reset();
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
    EXPECT_EQ(bus.Pending(), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1; }, "its answer came"));
    EXPECT_TRUE(bus.messages.empty());
}

TEST(Clients, OneThatLeavesAUnixSocketIsForgottenAtOnceWithItsRequests) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Bus bus(OnePool(), OnUnix(path));
    bus.Start();
    {
        SocketClient client(path);
        client.Send(Rpc("1", "hold"));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
    EXPECT_EQ(bus.Pending(), 0);
}

} // namespace
