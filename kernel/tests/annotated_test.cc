// Connections that asked for it see where each line comes from, and put the route beside a message;
// nothing else about their lines is different, and nothing about those of others.
#include <csignal>

#include "daemon_config.h"
#include "daemon_process.h"
#include "trusted_bus.h"

namespace {

const char kFirst[] = R"({"_bus":{"worker":0,"pool":"p"},)";

std::string WithEnvelope(const std::string &kind, int instances = 1) {
    Pool pool;
    pool.instances = instances;
    pool.more = ",\"envelope\":\"" + kind + "\"";
    return Config(std::vector<Pool>{pool});
}

// --- To a connection --------------------------------------------------------------------------

TEST(Annotated, BeginsWithItsOwnAnswerAndTellsTheVersion) {
    TrustedBus bus;
    SocketClient client(bus.path);
    client.Send(Rpc("1", "echo"));
    EXPECT_FALSE(client.Next(bus).Has("_bus"));
    EXPECT_EQ(Annotate(bus, client)["version"].Text(), stdio_bus_version());
    std::string line = (client.Send(Rpc("2", "echo")), client.Line(bus));
    EXPECT_EQ(line.rfind(kFirst, 0), 0u) << line;
    EXPECT_EQ(Annotate(bus, client)["version"].Text(), stdio_bus_version()) << "asked again";
}

TEST(Annotated, APlainClientBesideItGetsTheSameBytesWithoutIt) {
    TrustedBus bus;
    SocketClient plain(bus.path), annotated(bus.path);
    Annotate(bus, annotated);
    plain.Ask(bus, Rpc("1", "echo"));
    annotated.Ask(bus, Rpc("1", "echo"));
    const std::string lines[] = {R"({"jsonrpc":"2.0","method":"n","params":{"x":[1, 2 ,"é"]}})",
                                 R"({ "method":"n" , "params":{}})",
                                 R"({"_bus":{"worker":7},"method":"n"})"};
    for (const std::string &line : lines) {
        ASSERT_EQ(bus.Send(Rpc("", "say", Line(line))), 0);
        EXPECT_EQ(plain.Line(bus), line);
        std::string got = annotated.Line(bus);
        EXPECT_EQ(got, kFirst + line.substr(1)) << "its own member comes first, whatever follows";
    }
}

TEST(Annotated, IdsAndTokensOfTwoWithTheSameAreStillTheirOwn_L31) {
    TrustedBus bus;
    SocketClient plain(bus.path), annotated(bus.path);
    Annotate(bus, annotated);
    std::string request = Rpc("7", "hold", R"({"_meta":{"progressToken":"t"}})");
    plain.Send(request);
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "the first is in flight"));
    annotated.Send(request);
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 2; }, "both are in flight"));
    Json heard = bus.Ask("heard")["result"]["lines"];
    std::string token = Json::Parse(heard[1].Text())["params"]["_meta"]["progressToken"].Raw();
    EXPECT_NE(token, "\"t\"");
    ASSERT_EQ(bus.Send(Rpc("", "say",
                           Line(Rpc("", "notifications/progress",
                                    "{\"progressToken\":" + token + ",\"progress\":1}")))),
              0);
    EXPECT_EQ(Bare(annotated.Line(bus)),
              Rpc("", "notifications/progress", R"({"progressToken":"t","progress":1})"));
    ASSERT_EQ(bus.Send(Rpc("", "release_reversed")), 0);
    std::string mine = annotated.Line(bus);
    EXPECT_EQ(Bare(mine), plain.Line(bus)) << "both answers under the id that both have used";
    EXPECT_EQ(Json::Parse(mine)["_bus"].Raw(), R"({"worker":0,"pool":"p"})");
    EXPECT_EQ(Json::Parse(mine)["id"].Raw(), "7");
}

TEST(Annotated, ASessionIsPutBackBehindTheAnnotation) {
    TrustedBus bus(WithEnvelope("standard"));
    SocketClient client(bus.path);
    Annotate(bus, client);
    client.Send(Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    std::string start = std::string(kFirst) + R"("sessionId":"s",)";
    EXPECT_EQ(client.Line(bus).rfind(start, 0), 0u);
    client.Send(Rpc("2", "echo", "", R"(,"sessionId":"s","pool":"none")"));
    EXPECT_EQ(client.Line(bus).rfind(R"({"_bus":{},"sessionId":"s",)", 0), 0u);
}

TEST(Annotated, ItAnswersTheRequestsOfWorkersAsAnybodyDoes) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    std::string question = Rpc("\"q\"", "ask");
    client.Send(Rpc("1", "say", Line(question)));
    EXPECT_EQ(client.Line(bus), kFirst + question.substr(1));
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
    client.Send(R"({"_bus":{"worker":0},"id":"q","result":{"x":1}})");
    Json heard = client.Ask(bus, Rpc("2", "heard"))["result"]["lines"];
    EXPECT_EQ(heard[heard.Size() - 1].Text(), R"({"id":"q","result":{"x":1}})");
}

TEST(Annotated, LinesOfEverySizePassBothWays_L4) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    for (size_t size : {size_t(60000), size_t(66000), size_t(5000000)}) {
        std::string params = Quote(std::string(size, 'x'));
        client.Send(Beside("{\"worker\":0}", Rpc("1", "echo", params)));
        EXPECT_EQ(client.Next(bus)["result"]["params"].Raw(), params);
    }
}

TEST(Annotated, ErrorsOfTheBusSayThatTheyAreItsOwn) {
    TrustedBus bus(OnePool(1, R"("max_restarts":0,"max_input_buffer":1000)"));
    SocketClient client(bus.path);
    Annotate(bus, client);
    struct {
        std::string line;
        int code;
    } cases[] = {
        {"{", -32700},
        {"[]", -32600},
        {"{}", -32600},
        {std::string(2000, ' ') + "{}", -32600},
        {Rpc("1", "m", "", R"(,"pool":"none")"), -32602},
        {Rpc("2", "stdio_bus/nothing"), -32601},
        {Rpc("3", "exit"), -32002},
    };
    for (auto &c : cases) {
        client.Send(c.line);
        Json answer = client.Next(bus);
        ExpectError(answer, c.code);
        EXPECT_EQ(answer["_bus"].Raw(), "{}") << answer.Raw();
    }
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "failed");
    ExpectError(client.Ask(bus, Rpc("4", "echo")), -32001);
}

TEST(Annotated, TheHostCanAskForItToo) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(bus.Ask("stdio_bus/annotate")["_bus"].Raw(), "{}");
    ASSERT_EQ(bus.Send(Rpc("5", "hold"), {nullptr, nullptr, -1, 0, 5}), 0);
    ASSERT_EQ(bus.Ingest(Beside(R"({"session":"s"})", Rpc("6", "release"))), 0);
    Json answer = bus.Answer(5);
    EXPECT_EQ(answer["_bus"].Raw(), R"({"worker":0,"pool":"p"})");
    EXPECT_EQ(bus.Sessions(), 1);
    std::string beside = Beside(R"({"worker":9})", Rpc("7", "raw"));
    ASSERT_EQ(bus.Send(beside, {nullptr, nullptr, 0, 0, 7}), 0);
    EXPECT_EQ(bus.Answer(7)["result"]["line"].Text(), beside)
        << "where a route is given beside the message none is looked for in it";
}

// --- From a connection ------------------------------------------------------------------------

TEST(Beside, TheRouteIsTakenOffAndUsed) {
    TrustedBus bus(Config({{"a", 2}, {"b", 2}}));
    SocketClient client(bus.path);
    Annotate(bus, client);
    for (int worker : {3, 0, 2, 1}) {
        std::string message = Rpc(std::to_string(worker), "raw", R"({"x": 1})");
        client.Send(Beside("{\"worker\":" + std::to_string(worker) + "}", message));
        Json answer = client.Next(bus);
        EXPECT_EQ(answer["_bus"]["worker"].Number(), worker);
        EXPECT_EQ(answer["result"]["line"].Text(), message);
    }
    client.Send(" { \"_bus\" : {\"pool\" : \"b\"} , \"id\":1,\"method\":\"raw\"}");
    Json answer = client.Next(bus);
    EXPECT_EQ(answer["_bus"]["pool"].Text(), "b");
    EXPECT_EQ(answer["result"]["line"].Text(), "{ \"id\":1,\"method\":\"raw\"}");
}

TEST(Beside, ASessionIsBoundAndNeitherShownNorPutBack) {
    TrustedBus bus(WithEnvelope("standard", 2));
    SocketClient client(bus.path);
    Annotate(bus, client);
    std::string message = Rpc("1", "raw");
    client.Send(Beside(R"({"session":"s\u0031"})", message));
    Json first = client.Next(bus);
    EXPECT_EQ(first["result"]["line"].Text(), message);
    EXPECT_FALSE(first.Has("sessionId"));
    for (int i = 0; i < 4; i++) {
        client.Send(Beside(R"({"session":"s1"})", message));
        EXPECT_EQ(client.Next(bus)["_bus"]["worker"].Raw(), first["_bus"]["worker"].Raw());
    }
    EXPECT_EQ(bus.Sessions(), 1);
}

TEST(Beside, VerbatimLeavesTheEnvelopeOnTheMessage) {
    TrustedBus bus(WithEnvelope("standard"));
    SocketClient client(bus.path);
    Annotate(bus, client);
    std::string message = Rpc("1", "raw", "", R"(,"sessionId":"s","pool":"none")");
    client.Send(Beside(R"({"verbatim":true})", message));
    EXPECT_EQ(client.Next(bus)["result"]["line"].Text(), message);
    EXPECT_EQ(bus.Sessions(), 0);
    client.Send(Beside(R"({"verbatim":false,"pool":"p"})", message));
    EXPECT_EQ(client.Next(bus)["result"]["line"].Text(), Rpc("1", "raw"));
    EXPECT_EQ(bus.Sessions(), 1);
}

TEST(Beside, OnAPlainConnectionItIsAMemberLikeAnyOther) {
    for (const char *envelope : {"stdiobus", "standard"}) {
        TrustedBus bus(WithEnvelope(envelope));
        SocketClient client(bus.path);
        std::string message = Beside(R"({"worker":"x"})", Rpc("1", "raw"));
        client.Send(message);
        EXPECT_EQ(client.Next(bus)["result"]["line"].Text(), message);
    }
}

TEST(Beside, OnlyAFirstMemberIsTheRoute) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    for (std::string message : {R"({"id":1,"_bus":{"worker":9},"method":"raw"})",
                                R"({"\u005fbus":{"worker":9},"id":1,"method":"raw"})",
                                R"({"_bus2":{"worker":9},"id":1,"method":"raw"})"}) {
        client.Send(message);
        EXPECT_EQ(client.Next(bus)["result"]["line"].Text(), message);
    }
    std::string second = R"({"_bus":{"worker":9},"id":1,"method":"raw"})";
    client.Send(Beside(R"({"worker":0})", second));
    EXPECT_EQ(client.Next(bus)["result"]["line"].Text(), second) << "one is taken off";
}

TEST(Beside, WhatCannotBeMeantIsRefusedWithWhatIsWrong) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    struct {
        std::string route, reason;
        int code = -32600;
    } cases[] = {
        {"7", "_bus: expected an object, found a number"},
        {"null", "_bus: expected an object, found null"},
        {"[]", "_bus: expected an object, found an array"},
        {R"({"worker":"3"})",
         "_bus.worker: expected a whole number from 0 to 2147483647, found a string '3'"},
        {R"({"worker":-1})", "found a number '-1'"},
        {R"({"worker":1.5})", "found a number '1.5'"},
        {R"({"worker":2147483648})", "found a number '2147483648'"},
        {R"({"worker":99999999999999999999})", "found a number"},
        {R"({"pool":7})", "_bus.pool: expected a string without U+0000, found a number '7'"},
        {R"({"pool":"p\u0000"})", "_bus.pool: expected a string without U+0000"},
        {R"({"session":null})", "_bus.session: expected a string without U+0000, found null"},
        {R"({"verbatim":1})", "_bus.verbatim: expected true or false, found a number '1'"},
        {R"({"tell":"yes"})", "_bus.tell: expected true or false, found a string 'yes'"},
        {R"({"sesion":"s"})",
         "_bus.sesion is not known; known are pool, session, worker, verbatim, tell"},
        {R"({"pool\u0000":"p"})", R"(is not known; known are pool)"},
        {"{\"_x\":" + std::string(70, '[') + std::string(70, ']') + "}", "_bus: "},
        {R"({"pool":"none"})", "no pool is named 'none'", -32602},
        {R"({"worker":1})", "there is no worker 1", -32001},
    };
    for (auto &c : cases) {
        Json answer = client.Ask(bus, Beside(c.route, Rpc("1", "echo")));
        ExpectError(answer, c.code);
        EXPECT_EQ(answer["id"].Raw(), "1");
        EXPECT_NE(answer["error"]["data"]["reason"].Text().find(c.reason), std::string::npos)
            << c.route << ": " << answer.Raw();
    }
    EXPECT_EQ(bus.Worker(0).messages_out, 0u);
}

TEST(Beside, ItIsToldOfOnesThatNeedNoAnswerToo) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    Json of_notification = client.Ask(bus, Beside("7", Rpc("", "n")));
    ExpectError(of_notification, -32600);
    EXPECT_EQ(of_notification["id"].Raw(), "null");
    ExpectError(client.Ask(bus, Beside("7", R"({"id":"x","result":1})")), -32600);
    EXPECT_EQ(bus.Worker(0).messages_out, 0u);
}

TEST(Beside, BrokenTextIsAParseErrorAtItsPlaceInTheLine) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    for (std::string line :
         {R"({"_bus":{"worker":0},"id":1,"method":})", R"({"_bus":{]},"id":1})", R"({"_bus":{},})",
          R"({"_bus":nul,"id":1})", R"({"_bus":"x)", R"({"_bus":)", R"({"_bus")"}) {
        Json answer = client.Ask(bus, line);
        ExpectError(answer, -32700);
        std::string reason = answer["error"]["data"]["reason"].Text();
        EXPECT_EQ(reason.rfind("at byte ", 0), 0u) << reason;
        if (line.find("method") != std::string::npos) {
            EXPECT_EQ(reason.rfind("at byte 37:", 0), 0u) << reason;
        }
    }
    ExpectError(client.Ask(bus, R"({"_bus":{}})"), -32600);
}

// --- Which worker has it ------------------------------------------------------------------------

TEST(Placed, TheAskerIsToldBeforeTheWorkerSpeaks) {
    TrustedBus bus(OnePool(2));
    SocketClient client(bus.path), other(bus.path);
    Annotate(bus, client);
    Annotate(bus, other);
    client.Send(Beside(R"({"tell":true})", Rpc(R"("\u0061")", "echo")));
    Json placed = Told(bus, client, "placed");
    EXPECT_EQ(placed["id"].Raw(), R"("\u0061")") << "as it was sent";
    EXPECT_EQ(client.Next(bus)["_bus"]["worker"].Raw(), placed["worker"].Raw());
    client.Send(Beside(R"({"tell":false})", Rpc("2", "echo")));
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "2") << "without being asked for";
    client.Send(Beside(R"({"tell":true,"worker":7})", Rpc("3", "echo")));
    ExpectError(client.Next(bus), -32001);
    EXPECT_EQ(client.Waiting() + other.Waiting(), 0u);
}

TEST(Placed, ARequestThatWaitedIsToldOfWhenAWorkerHasCome) {
    TrustedBus bus;
    bus.LoseWorkerForAWhile();
    SocketClient client(bus.path);
    Annotate(bus, client);
    client.Send(Beside(R"({"tell":true})", Rpc("1", "echo")));
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "started");
    Json placed = Told(bus, client, "placed");
    EXPECT_EQ(placed["id"].Raw(), "1");
    EXPECT_EQ(placed["worker"].Number(), 0);
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
}

TEST(Placed, ARequestThatMovesToAnotherWorkerIsToldOfAgain_A9) {
    TrustedBus bus(OnePool(2));
    SocketClient client(bus.path);
    Annotate(bus, client);
    client.Send(Beside(R"({"session":"s"})", Rpc("0", "deafen")));
    int victim = int(client.Next(bus)["_bus"]["worker"].Number());
    client.Send(Beside(R"({"session":"s"})", Rpc("1", "echo", Quote(std::string(1 << 20, 'a')))));
    client.Send(Beside(R"({"session":"s","tell":true})", Rpc("2", "echo")));
    EXPECT_EQ(Told(bus, client, "placed")["worker"].Number(), victim);
    bus.Settle();
    ASSERT_GT(bus.Worker(victim).queued_bytes, 0u);
    ASSERT_EQ(kill(pid_t(bus.Worker(victim).pid), SIGKILL), 0);
    Json placed = Told(bus, client, "placed");
    EXPECT_EQ(placed["id"].Raw(), "2");
    EXPECT_EQ(placed["worker"].Number(), 1 - victim);
    ExpectError(client.Next(bus), -32002);
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "restarting");
    bool answered = false;
    while (!answered) { // the process that was killed may be started again first
        Json line = client.Next(bus);
        answered = line["id"].Raw() == "2";
        if (answered) {
            EXPECT_EQ(line["_bus"]["worker"].Number(), 1 - victim);
        }
    }
}

// --- What becomes of the workers ----------------------------------------------------------------

TEST(WorkerEvents, EveryAnnotatedConnectionIsToldAndNoOther) {
    TrustedBus bus;
    SocketClient one(bus.path), two(bus.path), plain(bus.path);
    Annotate(bus, one);
    Annotate(bus, two);
    plain.Ask(bus, Rpc("1", "echo"));
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 0), 0);
    for (const char *event : {"stopping", "restarting", "started"}) {
        for (SocketClient *client : {&one, &two}) {
            Json told = Told(bus, *client, "worker");
            EXPECT_EQ(told["worker"].Number(), 0);
            EXPECT_EQ(told["event"].Text(), event);
        }
    }
    EXPECT_EQ(plain.Waiting(), 0u);
    EXPECT_EQ(bus.events.size(), 4u) << "as many as the host was told of, with the first start";
}

TEST(WorkerEvents, ThoseOfTheEndOfTheBusAreToldToo) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    bus.Stop();
    client.Pump();
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "stopping");
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "stopped");
}

TEST(Annotated, AClientThatLeavesIsForgotten) {
    TrustedBus bus;
    for (int i = 0; i < 3; i++) {
        auto client = std::make_unique<SocketClient>(bus.path);
        Annotate(bus, *client, R"({"log":"debug"})");
        client->Send(Beside(R"({"tell":true})", Rpc("1", "hold")));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
        if (i == 1)
            client->Reset();
        else
            client->Close();
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 0; }, "the client has gone"));
    }
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 0), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).restarts == 1; }, "it was restarted"));
    EXPECT_EQ(bus.Counters().dropped_notifications, 0u);
}

// --- On standard input
// ----------------------------------------------------------------------------

TEST(AnnotatedDaemon, SpeaksTheSameOnStandardInput) {
    ConfigFile config(OnePool(2));
    Daemon daemon({"--config", config.Path()});
    Json answer = daemon.Ask(Rpc("1", "stdio_bus/annotate"));
    EXPECT_EQ(answer["result"]["version"].Text(), stdio_bus_version());
    EXPECT_EQ(answer["_bus"].Raw(), "{}");
    daemon.Send(Beside(R"({"worker":1,"tell":true})", Rpc("2", "echo")));
    Json placed = daemon.Next();
    EXPECT_EQ(placed["method"].Text(), "stdio_bus/placed");
    EXPECT_EQ(placed["params"]["worker"].Number(), 1);
    EXPECT_EQ(daemon.Line().rfind(R"({"_bus":{"worker":1,"pool":"p"},"jsonrpc":"2.0","id":2,)", 0),
              0u);
    daemon.Send(Rpc("3", "stdio_bus/restart", R"({"worker":0})"));
    EXPECT_EQ(daemon.Next()["result"].Raw(), "{}");
    for (const char *event : {"stopping", "restarting", "started"}) {
        Json line = daemon.Next();
        EXPECT_EQ(line["method"].Text(), "stdio_bus/worker");
        EXPECT_EQ(line["params"]["event"].Text(), event);
    }
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_NE(daemon.out.find(R"("event":"stopped")"), std::string::npos) << daemon.out;
}

TEST(AnnotatedDaemon, WhatIsWrongWithALineIsAnnotatedToo) {
    ConfigFile config(OnePool(1, R"("max_input_buffer":1000)"));
    Daemon daemon({"--config", config.Path()});
    ExpectError(daemon.Ask("{"), -32700);
    daemon.Ask(Rpc("1", "stdio_bus/annotate"));
    struct {
        std::string line;
        int code;
    } cases[] = {{"{", -32700},
                 {"[]", -32600},
                 {R"({"x":1})", -32600},
                 {std::string(2000, 'x'), -32600},
                 {Beside("7", Rpc("", "n")), -32600}};
    for (auto &c : cases) {
        Json answer = daemon.Ask(c.line);
        ExpectError(answer, c.code);
        EXPECT_EQ(answer["_bus"].Raw(), "{}") << answer.Raw();
        EXPECT_EQ(answer["id"].Raw(), "null");
    }
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

} // namespace
