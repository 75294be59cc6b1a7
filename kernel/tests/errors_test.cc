// The errors that the kernel makes: each with its code, its data, the id of its request and the
// session under which the client knows it; and who gets none.
#include "socket_client.h"

namespace {

std::string Enveloped(const std::string &envelope, const std::string &limits = "",
                      const std::string &id = "p") {
    Pool pool{id};
    pool.more = ",\"envelope\":\"" + envelope + "\"";
    return Config(std::vector<Pool>{pool}, limits);
}

const char kSession[] = R"(,"sessionId":"s \"1\"")";

// Every error answers this request unless it says otherwise.
std::string Request(const std::string &method = "echo", const std::string &more = kSession) {
    return Rpc("\"q\"", method, "", more);
}

// What every error has, and nothing that no error has.
const Json &ExpectData(const Json &error, int code, const std::string &pool, int worker) {
    EXPECT_EQ(error["jsonrpc"].Text(), "2.0") << error.Raw();
    ExpectError(error, code);
    EXPECT_FALSE(error["error"]["message"].Text().empty());
    const Json &data = error["error"]["data"];
    EXPECT_FALSE(data["reason"].Text().empty()) << error.Raw();
    EXPECT_EQ(data["pool"].Raw(), pool.empty() ? "" : Quote(pool)) << error.Raw();
    EXPECT_EQ(data["worker"].Raw(), worker < 0 ? "" : std::to_string(worker)) << error.Raw();
    return data;
}

// One way to get each error, by a client and with a session at the top level.
struct Case {
    const char *name;
    int code;
    const char *limits, *pool; // configuration, and the pool that data names
    int worker;                // that data names
    std::function<void(Bus &, SocketClient &)> provoke;
};

void ExpectHeldFirst(Bus &bus, SocketClient &client, const std::string &request) {
    client.Send(request);
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the first is in flight"));
}

const Case kCases[] = {
    {"UnknownPool", -32602, "", "", -1,
     [](Bus &, SocketClient &c) {
         c.Send(Request("echo", std::string(kSession) + R"(,"pool":"x")"));
     }},
    {"PendingFull", -32003, R"("max_pending":1)", "", -1,
     [](Bus &bus, SocketClient &c) {
         ExpectHeldFirst(bus, c, Rpc("1", "hold"));
         c.Send(Request());
     }},
    {"SessionsFull", -32003, R"("max_sessions":1)", "p", -1,
     [](Bus &bus, SocketClient &c) {
         ExpectHeldFirst(bus, c, Rpc("1", "hold", "", R"(,"sessionId":"other")"));
         c.Send(Request());
     }},
    {"QueueFull", -32003, R"("max_output_queue":200000)", "p", 0,
     [](Bus &bus, SocketClient &c) {
         c.Ask(bus, Rpc("0", "deafen"));
         ExpectHeldFirst(bus, c, Rpc("1", "x", Quote(std::string(300000, 'x'))));
         bus.Settle();
         c.Send(Rpc("\"q\"", "x", Quote(std::string(150000, 'x')), kSession));
     }},
    {"HeldQueueFull", -32003, R"("max_output_queue":1000)", "p", -1,
     [](Bus &bus, SocketClient &c) {
         ExpectError(c.Ask(bus, Rpc("0", "exit")), -32002);
         c.Send(Rpc("1", "x", Quote(std::string(900, 'x'))));
         c.Send(Rpc("\"q\"", "x", Quote(std::string(900, 'x')), kSession));
     }},
    {"NobodyLeft", -32001, R"("max_restarts":0)", "p", -1,
     [](Bus &bus, SocketClient &c) {
         ExpectError(c.Ask(bus, Rpc("0", "exit")), -32002);
         c.Send(Request());
     }},
    {"WorkerExited", -32002, "", "p", 0, [](Bus &, SocketClient &c) { c.Send(Request("exit")); }},
    {"ShuttingDown", -32004, "", "", -1,
     [](Bus &bus, SocketClient &c) {
         ExpectHeldFirst(bus, c, Rpc("1", "hold"));
         ASSERT_EQ(stdio_bus_stop(bus.get(), 20), 0);
         c.Send(Request());
     }},
    {"StoppedInTheMiddle", -32004, R"("drain_timeout_sec":1)", "p", 0,
     [](Bus &bus, SocketClient &c) {
         ExpectHeldFirst(bus, c, Request("hold"));
         ASSERT_EQ(stdio_bus_stop(bus.get(), 2), 0);
     }},
};

std::ostream &operator<<(std::ostream &out, const Case &c) {
    return out << c.name;
}

class Error : public testing::TestWithParam<Case> {};

TEST_P(Error, ReachesTheClientWithItsDataItsIdAndTheSessionItUsed_L7_L8) {
    for (const char *envelope : {"standard", "stdiobus"}) {
        ListeningBus bus(Enveloped(envelope, GetParam().limits));
        SocketClient client(bus.endpoint);
        GetParam().provoke(bus, client);
        Json answer = client.Next(bus);
        ExpectData(answer, GetParam().code, GetParam().pool, GetParam().worker);
        EXPECT_EQ(answer["id"].Raw(), "\"q\"");
        EXPECT_EQ(answer["sessionId"].Text(), "s \"1\"") << envelope;
        EXPECT_EQ(client.Waiting(), 0u) << "one answer";
    }
}

INSTANTIATE_TEST_SUITE_P(Errors, Error, testing::ValuesIn(kCases),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(Errors, OneWithoutASessionHasNone) {
    ListeningBus bus(Enveloped("standard"));
    SocketClient client(bus.endpoint);
    EXPECT_FALSE(client.Ask(bus, Rpc("1", "echo", "", R"(,"pool":"x")")).Has("sessionId"));
    EXPECT_FALSE(client.Ask(bus, Rpc("2", "exit")).Has("sessionId"));
    EXPECT_FALSE(client.Ask(bus, Rpc("3", "exit", R"({"sessionId":"s"})")).Has("sessionId"))
        << "one in the params is the worker's business";
    EXPECT_FALSE(client.Ask(bus, Rpc("4", "exit", "", R"(,"sessionId":"")")).Has("sessionId"))
        << "an empty name is no session";
}

TEST(Errors, ARepeatedIdComesBackInDataWithTheSession) {
    ListeningBus bus(Enveloped("standard"));
    SocketClient client(bus.endpoint);
    client.Send(Request("hold"));
    client.Send(Request());
    Json answer = client.Next(bus);
    const Json &data = ExpectData(answer, -32600, "", -1);
    EXPECT_EQ(answer["id"].Raw(), "null");
    EXPECT_EQ(data["id"].Raw(), "\"q\"");
    EXPECT_EQ(answer["sessionId"].Text(), "s \"1\"");
}

TEST(Errors, AnIdThatIsNoneIsRefusedAndNotRepeated) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    for (const char *id : {"[1]", R"({"a":1})", "true", "false"}) {
        Json answer = client.Ask(bus, Rpc(id, "echo"));
        ExpectData(answer, -32600, "", -1);
        EXPECT_EQ(answer["id"].Raw(), "null");
    }
    EXPECT_EQ(bus.Worker(0).messages_out, 0u);
}

TEST(Errors, AFullTableOrQueueNamesItsLimit_L12) {
    struct {
        const char *limits, *limit;
        long long value;
        const Case *how;
    } full[] = {{R"("max_pending":1)", "max_pending", 1, &kCases[1]},
                {R"("max_sessions":1)", "max_sessions", 1, &kCases[2]},
                {R"("max_output_queue":200000)", "max_output_queue", 200000, &kCases[3]},
                {R"("max_output_queue":1000)", "max_output_queue", 1000, &kCases[4]}};
    for (const auto &f : full) {
        ListeningBus bus(OnePool(1, f.limits));
        SocketClient client(bus.endpoint);
        uint64_t before = bus.Stats().routing_errors;
        f.how->provoke(bus, client);
        Json answer = client.Next(bus);
        const Json &data = answer["error"]["data"];
        EXPECT_EQ(data["limit"].Text(), f.limit) << answer.Raw();
        EXPECT_EQ(data["value"].Raw(), std::to_string(f.value));
        EXPECT_NE(data["reason"].Text().find(f.limit), std::string::npos);
        EXPECT_EQ(bus.Stats().routing_errors, before + 1);
    }
}

TEST(Errors, AnUnknownPoolIsAnsweredWithTheNamesOfThosePresentAsAListToo_L8) {
    ListeningBus bus(Config({{"alpha"}, {"be \"ta\""}}));
    SocketClient client(bus.endpoint);
    for (const char *more : {R"(,"pool":"gamma")", ""}) {
        Json answer = client.Ask(bus, Rpc("1", "echo", "", more));
        const Json &pools = ExpectData(answer, -32602, "", -1)["pools"];
        ASSERT_EQ(pools.Size(), 2u) << answer.Raw();
        EXPECT_EQ(pools[0].Text(), "alpha");
        EXPECT_EQ(pools[1].Text(), "be \"ta\"");
    }
}

TEST(Errors, AWorkerThatDoesNotRunOrDoesNotExistIsSaidToBeNone) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(stdio_bus_stop_worker(bus.get(), 1, 1), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Running() == 1; }, "it has stopped"));
    EXPECT_NE(ExpectData(bus.Ask("echo", "", {nullptr, nullptr, 1}), -32001, "p", -1)["reason"]
                  .Text()
                  .find("worker 1"),
              std::string::npos);
    ExpectData(bus.Ask("echo", "", {nullptr, nullptr, 2}), -32001, "p", -1);
    ExpectData(bus.Ask("echo", "", {nullptr, nullptr, 4711}), -32001, "p", -1);
}

// --- Those that get no answer -------------------------------------------------------------------

TEST(Errors, ANotificationOfAClientThatNobodyCanTakeIsCountedAndLogged) {
    ListeningBus bus(OnePool(1, R"("max_restarts":0)"));
    SocketClient client(bus.endpoint);
    client.Send(Rpc("", "n", "", R"(,"pool":"elsewhere")"));
    client.Ask(bus, Rpc("1", "exit"));
    client.Send(Rpc("", "n"));
    client.Send(R"({"jsonrpc":"2.0","id":99,"result":"of nothing"})");
    ExpectError(client.Ask(bus, Rpc("2", "echo")), -32001);
    EXPECT_EQ(client.Waiting(), 0u);
    EXPECT_EQ(bus.Counters().dropped_notifications, 3u);
    EXPECT_EQ(bus.Stats().routing_errors, 4u);
    EXPECT_TRUE(bus.HasLogged("client 1: a message was dropped: no pool is named 'elsewhere'"));
    EXPECT_TRUE(bus.HasLogged("client 1: a message was dropped: every worker of the pool"));
    EXPECT_TRUE(bus.HasLogged("client 1: a message was dropped: an answer to a request"));
    EXPECT_TRUE(bus.errors.empty()) << "which is no business of the host";
}

TEST(Errors, NothingOfAMessageOrTheEnvironmentIsInTheLog) {
    Pool pool;
    pool.more = R"(,"env":{"TOKEN":"hush-env"})";
    ListeningBus bus(Config(std::vector<Pool>{pool}, R"("max_pending":1)"));
    SocketClient client(bus.endpoint);
    std::string secret = R"({"secret":"hush-params"})";
    client.Ask(bus, Rpc("\"hush-id\"", "echo", secret));
    client.Send(Rpc("1", "hold", secret));
    client.Ask(bus, Rpc("2", "echo", secret));
    client.Ask(bus, R"({"hush":)");
    client.Send(R"({"jsonrpc":"2.0","id":"hush","result":"hush"})");
    client.Send(Rpc("", "say",
                    Line(Rpc("", "hush", "", R"(,"sessionId":"hush")") +
                         "\n{\"jsonrpc\":\"2.0\",\"id\":\"hush\",\"result\":1}")));
    client.Send(Rpc("", "exit"));
    ExpectError(client.Next(bus), -32002);
    EXPECT_EQ(bus.Ingest("hush"), STDIO_BUS_ERR_INVALID);
    EXPECT_FALSE(bus.HasLogged("hush"));
    for (const auto &error : bus.errors)
        EXPECT_EQ(error.second.find("hush"), std::string::npos) << error.second;
}

// --- One client beside others -------------------------------------------------------------------

TEST(Errors, OneClientCannotTakeTheWholeTableOfRequests) {
    Bus bus(OnePool(1, R"("max_pending":30,"max_pending_per_client":10)"), OnTcp());
    bus.Start();
    std::string endpoint = stdio_bus_listen_endpoint(bus.get());
    SocketClient greedy(endpoint), other(endpoint);
    for (int i = 0; i < 11; i++)
        greedy.Send(Rpc(std::to_string(i), "hold"));
    Json refusal = greedy.Next(bus);
    ExpectError(refusal, -32003);
    EXPECT_EQ(refusal["id"].Raw(), "10");
    EXPECT_EQ(refusal["error"]["data"]["limit"].Text(), "max_pending_per_client");
    EXPECT_EQ(refusal["error"]["data"]["value"].Number(), 10);
    EXPECT_TRUE(other.Ask(bus, Rpc("1", "echo")).Has("result"));
    for (int i = 0; i < 15; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "hold")), 0) << "the host has no such limit";
    EXPECT_EQ(bus.Pending(), 25);
    EXPECT_TRUE(bus.messages.empty());
}

} // namespace
