// What the bus answers itself: stdio_bus/workers and stdio_bus/stats, and to whom.
#include "socket_client.h"

#include "daemon_config.h"
#include "daemon_process.h"

namespace {

TEST(Control, WorkersAreDescribedOneByOne) {
    Bus bus(Config({{"a", 2}, {"b", 1}}));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {"b", "s", -1, 0, 7}), 0);
    Json workers = bus.Ask("stdio_bus/workers")["result"]["workers"];
    ASSERT_EQ(workers.Size(), 3u);
    for (int i = 0; i < 3; i++) {
        stdio_bus_worker_info_t info = bus.Worker(i);
        Json w = workers[size_t(i)];
        EXPECT_EQ(w["id"].Number(), i);
        EXPECT_EQ(w["pool"].Text(), i < 2 ? "a" : "b");
        EXPECT_EQ(w["state"].Text(), "running");
        EXPECT_EQ(w["pid"].Number(), info.pid);
        EXPECT_EQ(w["startedAt"].Number(), info.started_at_ms);
        EXPECT_EQ(w["pending"].Number(), i == 2);
        EXPECT_EQ(w["sessions"].Number(), i == 2);
        EXPECT_EQ(w["messagesOut"].Number(), i == 2);
        EXPECT_FALSE(w.Has("lastExitCode"));
        EXPECT_FALSE(w.Has("stderr"));
    }
}

TEST(Control, AWorkerThatExitedIsDescribedWithItsEnd) {
    Bus bus(OnePool(1, "\"max_restarts\":0"));
    bus.Start();
    bus.Ask("exit", "{\"code\":3,\"stderr\":\"last \\\"words\\\"\"}");
    ASSERT_TRUE(bus.Until([&] { return bus.Running() == 0; }, "it has exited"));
    Json w = bus.Ask("stdio_bus/workers")["result"]["workers"][0];
    EXPECT_EQ(w["state"].Text(), "failed");
    EXPECT_EQ(w["pid"].Number(), 0);
    EXPECT_EQ(w["lastExitCode"].Number(), 3);
    EXPECT_EQ(w["lastExitSignal"].Number(), 0);
    EXPECT_NE(w["lastReason"].Text().find("3"), std::string::npos) << w["lastReason"].Text();
}

TEST(Control, StatsAreTheBusesOwnNumbers) {
    Bus bus(OnePool(2));
    bus.Start();
    bus.Ask("echo");
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, "s", -1, 0, 7}), 0);
    Json stats = bus.Ask("stdio_bus/stats")["result"];
    stdio_bus_stats_t now = bus.Stats();
    EXPECT_EQ(stats["version"].Text(), stdio_bus_version());
    EXPECT_EQ(stats["state"].Text(), "running");
    EXPECT_EQ(stats["workers"].Number(), 2);
    EXPECT_EQ(stats["workersRunning"].Number(), 2);
    EXPECT_EQ(stats["sessions"].Number(), 1);
    EXPECT_EQ(stats["pending"].Number(), 1) << "a question to the bus is not one";
    EXPECT_EQ(stats["clients"].Number(), 0);
    EXPECT_EQ(stats["messagesIn"].Number(), double(now.messages_in));
    EXPECT_EQ(stats["bytesIn"].Number(), double(now.bytes_in));
    for (const char *key : {"messagesOut", "bytesOut", "workerRestarts", "routingErrors",
                            "clientConnects", "clientDisconnects", "lateReplies", "invalidLines",
                            "droppedNotifications", "requeued", "sessionsEvicted", "backpressure"})
        EXPECT_TRUE(stats.Has(key)) << key;
}

TEST(Control, UnknownRequestsToTheBusNeverReachAWorker) {
    Bus bus(OnePool());
    bus.Start();
    ExpectError(bus.Ask("stdio_bus/nothing"), -32601);
    ExpectError(bus.Ask("stdio_bus/"), -32601);
    ASSERT_EQ(bus.Send(R"({"id":"e","method":"\u0073tdio_bus\/nothing"})"), 0);
    ExpectError(bus.messages.back().Tree(), -32601);
    EXPECT_EQ(bus.Send(Rpc("", "stdio_bus/stats")), STDIO_BUS_ERR_ROUTING);
    EXPECT_EQ(bus.Counters().dropped_notifications, 1u);
    EXPECT_EQ(bus.Worker(0).messages_out, 0u);
    EXPECT_EQ(bus.Ask("stdio_busy")["result"]["pid"].Number(), bus.Worker(0).pid);
}

TEST(Control, TheHandshakeWithAnAgentReachesTheAgent) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(bus.Ask("stdio_bus/hello")["result"]["pid"].Number(), bus.Worker(0).pid);
    ExpectError(bus.Ask("stdio_bus/hello2"), -32601);
}

TEST(Control, AClientOnTcpWithoutATokenIsNotTold) {
    ListeningBus bus;
    SocketClient client(bus.endpoint);
    for (const char *method : {"stdio_bus/stats", "stdio_bus/workers", "stdio_bus/auth"}) {
        Json answer = client.Ask(bus, Rpc("1", method));
        ExpectError(answer, -32600);
        EXPECT_EQ(answer["error"]["message"].Text(), "Not authorized");
        EXPECT_EQ(answer["id"].Raw(), "1");
    }
    EXPECT_EQ(client.Ask(bus, Rpc("2", "echo"))["id"].Raw(), "2") << "and stays a client";
}

TEST(Control, TheSameUserOnAUnixSocketIsTold) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Bus bus(OnePool(), OnUnix(path));
    bus.Start();
    SocketClient client(path);
    EXPECT_EQ(client.Ask(bus, Rpc("1", "stdio_bus/stats"))["result"]["clients"].Number(), 1);
    EXPECT_EQ(client.Ask(bus, Rpc("2", "stdio_bus/workers"))["result"]["workers"].Size(), 1u);
    EXPECT_TRUE(bus.messages.empty()) << "the host hears nothing of it";
}

TEST(Control, TheDaemonAnswersOnStandardInput) {
    ConfigFile config(OnePool(2));
    Daemon daemon({"--config", config.Path()});
    EXPECT_EQ(daemon.Ask(Rpc("1", "stdio_bus/workers"))["result"]["workers"].Size(), 2u);
    EXPECT_EQ(daemon.Ask(Rpc("2", "stdio_bus/stats"))["result"]["workers"].Number(), 2);
    ExpectError(daemon.Ask(Rpc("3", "stdio_bus/nothing")), -32601);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(Control, TheDaemonReadsItsTokenFromAFile) {
    ConfigFile config(OnePool());
    std::string file = config.Beside("token");
    std::ofstream(file) << "secret of the test\nmore\n";
    Daemon daemon({"--config", config.Path(), "--tcp", "127.0.0.1:0", "--token-file", file});
    std::string line = daemon.Logged("listening on ");
    std::string endpoint = line.substr(line.rfind(' ') + 1);
    Bus idle(OnePool()); // for its client's steps only
    idle.Start();
    SocketClient right(endpoint), wrong(endpoint);
    wrong.Send(Rpc("1", "stdio_bus/auth", "{\"token\":\"secret\"}"));
    ExpectError(wrong.Next(idle), -32600);
    right.Send(Rpc("1", "stdio_bus/auth", "{\"token\":\"secret of the test\"}"));
    EXPECT_TRUE(right.Next(idle)["result"].Has("version"));
    right.Send(Rpc("2", "stdio_bus/workers"));
    EXPECT_EQ(right.Next(idle)["result"]["workers"].Size(), 1u);
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_EQ(daemon.log.find("secret"), std::string::npos);
}

TEST(Control, ATokenFileThatGivesNoTokenIsAUsageError) {
    ConfigFile config(OnePool());
    std::string empty = config.Beside("empty"), longer = config.Beside("long");
    std::ofstream(empty) << "\n";
    std::ofstream(longer) << std::string(1025, 'x');
    struct {
        std::vector<std::string> arguments;
        const char *message;
    } cases[] = {
        {{"--tcp", "127.0.0.1:0", "--token-file", config.Beside("none")}, "No such file"},
        {{"--tcp", "127.0.0.1:0", "--token-file", empty}, "its first line is empty"},
        {{"--tcp", "127.0.0.1:0", "--token-file", longer}, "longer than 1024 bytes"},
        {{"--token-file", empty}, "--token-file is for --tcp"},
        {{"--unix", "/tmp/x", "--token-file", empty}, "--token-file is for --tcp"},
        {{"--tcp", "0.0.0.0:0"}, "without an access token"},
    };
    for (auto &c : cases) {
        std::vector<std::string> arguments = {"--config", config.Path()};
        arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
        Finished finished = RunDaemon(arguments);
        EXPECT_EQ(finished.code, c.arguments[1] == "0.0.0.0:0" ? 1 : 2) << c.message;
        EXPECT_NE(finished.log.find(c.message), std::string::npos) << finished.log;
    }
}

} // namespace
