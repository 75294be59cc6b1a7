// Ids of several clients on one worker: whatever they are, each client sees its own, and what it
// says about a request reaches the worker under the id that the worker knows.
#include "socket_client.h"

namespace {

struct Three {
    explicit Three(const std::string &config = OnePool()) : bus(config, OnTcp()) {
        bus.Start();
        for (int i = 0; i < 3; i++)
            clients.push_back(std::make_unique<SocketClient>(stdio_bus_listen_endpoint(bus.get())));
    }
    // One client after the other sends this; the worker has all of them in flight then.
    void EachSends(const std::string &request) {
        for (auto &client : clients) {
            int before = bus.Pending();
            client->Send(request);
            ASSERT_TRUE(bus.Until([&] { return bus.Pending() == before + 1; }, "it is in flight"));
        }
    }
    std::vector<Json> Heard() {
        Json lines = bus.Ask("heard")["result"]["lines"];
        std::vector<Json> heard;
        for (size_t i = 0; i < lines.Size(); i++)
            heard.push_back(Json::Parse(lines[i].Text()));
        return heard;
    }
    Bus bus;
    std::vector<std::unique_ptr<SocketClient>> clients;
};

class SharedId : public testing::TestWithParam<std::string> {};

TEST_P(SharedId, IsGivenBackAsItWasInWhateverOrderTheAnswersCome_L31) {
    Three three;
    three.EachSends(Rpc(GetParam(), "hold"));
    std::vector<Json> heard = three.Heard();
    ASSERT_EQ(heard.size(), 3u);
    EXPECT_EQ(heard[0]["id"].Raw(), GetParam()) << "the first goes through as it came";
    for (int a : {0, 1})
        for (int b = a + 1; b < 3; b++)
            EXPECT_NE(heard[a]["id"].Raw(), heard[b]["id"].Raw());
    ASSERT_EQ(three.bus.Send(Rpc("", "release_reversed")), 0);
    for (auto &client : three.clients) {
        Json answer = client->Next(three.bus);
        EXPECT_EQ(answer["id"].Raw(), GetParam());
        EXPECT_EQ(answer["result"]["held"].Raw(), "true");
    }
    EXPECT_EQ(three.bus.Pending(), 0);
}

// null is an id, but names no request and is no token.
class SharedName : public SharedId {};

TEST_P(SharedName, IsCancelledAtTheWorkerUnderTheIdTheWorkerKnows_L31) {
    Three three;
    three.EachSends(Rpc(GetParam(), "hold"));
    for (auto &client : three.clients) {
        client->Send(Rpc("", "notifications/cancelled", "{\"requestId\":" + GetParam() + "}"));
        client->Send(Rpc("", "$/cancelRequest", "{\"id\":" + GetParam() + "}"));
        client->Send(Rpc("\"sync\"", "echo"));
        EXPECT_EQ(client->Next(three.bus)["id"].Raw(), "\"sync\"");
    }
    std::vector<Json> heard = three.Heard();
    ASSERT_EQ(heard.size(), 12u);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(heard[3 + 3 * i]["params"]["requestId"].Raw(), heard[i]["id"].Raw());
        EXPECT_EQ(heard[4 + 3 * i]["params"]["id"].Raw(), heard[i]["id"].Raw());
    }
}

TEST_P(SharedName, MayBeAProgressTokenTooAndEachClientHearsOfItsOwn_L31) {
    Three three;
    three.EachSends(Rpc(GetParam(), "hold", "{\"_meta\":{\"progressToken\":" + GetParam() + "}}"));
    std::vector<Json> heard = three.Heard();
    for (size_t i : {2, 0, 1}) {
        std::string token = heard[i]["params"]["_meta"]["progressToken"].Raw();
        ASSERT_EQ(three.bus.Send(Rpc("", "say",
                                     Line(Rpc("", "notifications/progress",
                                              "{\"progressToken\":" + token + "}")))),
                  0);
        EXPECT_EQ(three.clients[i]->Line(three.bus),
                  Rpc("", "notifications/progress", "{\"progressToken\":" + GetParam() + "}"));
    }
    for (auto &client : three.clients)
        EXPECT_EQ(client->Waiting(), 0u);
}

const std::string kNames[] = {"0",
                              "1",
                              "-7",
                              "1.5",
                              "1e3",
                              "\"\"",
                              "\"1\"",
                              R"("a\u0062\"c\\")",
                              "\"" + std::string(127, 'k') + "\"",
                              "\"" + std::string(1000, 'k') + "\"",
                              "9007199254740993"};

INSTANTIATE_TEST_SUITE_P(Ids, SharedId, testing::ValuesIn(kNames));
INSTANTIATE_TEST_SUITE_P(Ids, SharedName, testing::ValuesIn(kNames));
INSTANTIATE_TEST_SUITE_P(Null, SharedId, testing::Values("null"));

TEST(Ids, TheSameIdWrittenInDifferentWaysIsTheSameId_L31) {
    Three three;
    struct {
        const char *one, *other;
    } pairs[] = {{"\"ab\"", R"("a\u0062")"}, {"1", "1.0"}, {"10", "1e1"}};
    int pending = 0;
    for (const auto &pair : pairs) {
        three.clients[0]->Send(Rpc(pair.one, "hold"));
        three.clients[0]->Send(Rpc(pair.other, "hold"));
        Json refusal = three.clients[0]->Next(three.bus);
        ExpectError(refusal, -32600);
        EXPECT_EQ(refusal["error"]["data"]["id"].Raw(), pair.other);
        three.clients[1]->Send(Rpc(pair.other, "hold"));
        pending += 2;
        ASSERT_TRUE(three.bus.Until([&] { return three.bus.Pending() == pending; }, "in flight"));
    }
    ASSERT_EQ(three.bus.Send(Rpc("", "release_reversed")), 0);
    for (int i = 2; i >= 0; i--) {
        EXPECT_EQ(three.clients[0]->Next(three.bus)["id"].Raw(), pairs[i].one);
        EXPECT_EQ(three.clients[1]->Next(three.bus)["id"].Raw(), pairs[i].other);
    }
}

TEST(Ids, LongOnesThatDifferInTheLastByteAreNotMixedUpBetweenClients_L31) {
    Three three;
    std::string prefix(127, 'i');
    for (int i = 0; i < 3; i++)
        three.clients[i]->Send(
            Rpc("\"" + prefix + std::to_string(i) + "\"", "hold", "",
                ",\"sessionId\":\"" + std::string(255, 's') + std::to_string(i) + "\""));
    ASSERT_TRUE(three.bus.Until([&] { return three.bus.Pending() == 3; }, "all are in flight"));
    EXPECT_EQ(three.bus.Sessions(), 3);
    for (int i : {2, 0, 1})
        three.clients[i]->Send(Rpc(
            "", "say",
            Line(Rpc("", "update",
                     "{\"sessionId\":\"" + std::string(255, 's') + std::to_string(i) + "\"}"))));
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(three.clients[i]->Next(three.bus)["params"]["sessionId"].Text(),
                  std::string(255, 's') + std::to_string(i));
    ASSERT_EQ(three.bus.Send(Rpc("", "release_reversed")), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(three.clients[i]->Next(three.bus)["id"].Text(), prefix + std::to_string(i));
}

// An id that the kernel made for one client may be what another one chooses itself.
TEST(Ids, OnesThatTheKernelMadeAreNoMoreInTheWayThanOthers_L31) {
    Three three;
    three.clients[0]->Send(Rpc("1", "hold"));
    ASSERT_TRUE(three.bus.Until([&] { return three.bus.Pending() == 1; }, "the first"));
    three.clients[1]->Send(Rpc("1", "hold"));
    ASSERT_TRUE(three.bus.Until([&] { return three.bus.Pending() == 2; }, "the second"));
    std::string made = three.Heard()[1]["id"].Raw();
    ASSERT_NE(made, "1");
    three.clients[2]->Send(Rpc(made, "hold"));
    ASSERT_TRUE(three.bus.Until([&] { return three.bus.Pending() == 3; }, "the third"));
    ASSERT_EQ(three.bus.Send(Rpc("", "release_reversed")), 0);
    EXPECT_EQ(three.clients[0]->Next(three.bus)["id"].Raw(), "1");
    EXPECT_EQ(three.clients[1]->Next(three.bus)["id"].Raw(), "1");
    EXPECT_EQ(three.clients[2]->Next(three.bus)["id"].Raw(), made);
}

// Of two requests that share a token, the one that is left keeps it to itself.
TEST(Ids, ATokenThatOneClientUsesTwiceNamesBothOfItsRequestsAndNobodyElses_L31) {
    ListeningBus bus;
    SocketClient client(bus.endpoint), other(bus.endpoint);
    std::string params = R"({"_meta":{"progressToken":"t"}})";
    for (const char *id : {"1", "2"})
        client.Send(Rpc(id, "hold", params));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both are in flight"));
    Json second = Json::Parse(bus.Ask("heard")["result"]["lines"][1].Text());
    std::string made = second["params"]["_meta"]["progressToken"].Raw();
    EXPECT_NE(made, "\"t\"") << "the first has it";
    auto report = [&](const std::string &token) {
        bus.Ask("say",
                Line(Rpc("", "notifications/progress", "{\"progressToken\":" + token + "}")));
    };
    for (const std::string &token : {std::string("\"t\""), made}) {
        report(token);
        EXPECT_EQ(client.Next(bus)["params"]["progressToken"].Raw(), "\"t\"");
    }
    bus.Ask("say", Line(R"({"jsonrpc":"2.0","id":1,"result":{}})"));
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
    other.Send(Rpc("3", "hold", params));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "the other's is in flight"));
    report(made);
    EXPECT_EQ(client.Next(bus)["params"]["progressToken"].Raw(), "\"t\"");
    EXPECT_EQ(other.Waiting(), 0u);
}

TEST(Ids, ACancellationOfARequestThatIsOverReachesNobody_L31) {
    Three three;
    three.clients[0]->Send(Rpc("1", "hold"));
    ASSERT_TRUE(three.bus.Until([&] { return three.bus.Pending() == 1; }, "one is in flight"));
    three.clients[1]->Ask(three.bus, Rpc("2", "echo"));
    three.clients[1]->Send(Rpc("", "notifications/cancelled", R"({"requestId":1})"));
    three.clients[1]->Send(Rpc("", "notifications/cancelled", R"({"requestId":2})"));
    three.clients[1]->Ask(three.bus, Rpc("3", "echo"));
    EXPECT_EQ(three.Heard().size(), 3u) << "the request of another client is not its to cancel";
    EXPECT_EQ(three.bus.Counters().dropped_notifications, 2u);
}

} // namespace
