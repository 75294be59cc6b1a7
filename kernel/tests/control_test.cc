// What the bus answers itself and does for those that ask, and for whom. Annotation, pauses and the
// log have tests of their own.
#include <csignal>

#include <sys/socket.h>
#include <unistd.h>

#include "daemon_config.h"
#include "daemon_process.h"
#include "trusted_bus.h"

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
    std::string all = bus.Ask("stdio_bus/nothing")["error"]["data"]["reason"].Text();
    for (const char *name : {"annotate", "auth", "forget", "log", "pause", "restart", "resume",
                             "stats", "stop", "workers"})
        EXPECT_NE(all.find(std::string("stdio_bus/") + name), std::string::npos) << all;
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
    for (const char *method : {"auth", "annotate", "forget", "log", "pause", "restart", "resume",
                               "stats", "stop", "workers"}) {
        Json answer =
            client.Ask(bus, Rpc("1", std::string("stdio_bus/") + method, R"({"worker":0,"id":1})"));
        ExpectError(answer, -32600);
        EXPECT_EQ(answer["error"]["message"].Text(), "Not authorized");
        EXPECT_EQ(answer["id"].Raw(), "1");
    }
    client.Send(Rpc("", "stdio_bus/stop", R"({"worker":0})"));
    client.Send(R"({"_bus":{"worker":9},"id":1,"method":"raw"})");
    EXPECT_TRUE(client.Next(bus).Has("result")) << "and nothing was annotated";
    EXPECT_EQ(client.Ask(bus, Rpc("2", "echo"))["id"].Raw(), "2") << "and stays a client";
    EXPECT_EQ(bus.EventsOf(0, "stopping"), 0u);
}

// --- Params -----------------------------------------------------------------------------------

TEST(Control, ParamsThatCannotBeMeantAreRefusedWithWhatWasExpected) {
    TrustedBus bus(OnePool(3));
    SocketClient client(bus.path);
    struct {
        const char *method, *params, *reason;
    } cases[] = {
        {"annotate", R"({"log":"loud"})",
         R"(params.log: expected "debug", "info", "warn" or "error", found a string 'loud')"},
        {"annotate", R"({"log":1})", "found a number '1'"},
        {"annotate", "[]", "params: expected an object, found an array"},
        {"annotate", R"({"level":"info"})", "params.level is not known; known are log"},
        {"forget", "", "params.id is missing: expected the id of a request"},
        {"forget", R"({"id":true})",
         "params.id: expected the id of a request: a string, a number "
         "or null, found a boolean"},
        {"forget", R"({"id":{}})", "found an object"},
        {"pause", "{}", "params.worker is missing: expected a whole number"},
        {"pause", R"({"worker":"0"})", "params.worker: expected a whole number from 0 to"},
        {"pause", R"({"worker":3})", "there is no worker 3, they are 0 to 2"},
        {"pause", R"({"worker":-1})", "found a number '-1'"},
        {"resume", R"({"worker":3})", "there is no worker 3, they are 0 to 2"},
        {"resume", R"({"worker":null})", "found null"},
        {"restart", R"({"worker":7})", "there is no worker 7, they are 0 to 2"},
        {"restart", R"({"worker":0,"force":"yes"})",
         "params.force: expected true or false, found a string 'yes'"},
        {"restart", R"({"worker":0,"now":true})",
         "params.now is not known; known are worker, force"},
        {"stop", R"({"force":true})", "params.worker is missing"},
        {"stop", R"({"worker":0.5})", "found a number '0.5'"},
        {"log", R"({"last":0})", "params.last: expected a whole number from 1 to 1000"},
        {"log", R"({"last":1001})", "found a number '1001'"},
        {"log", R"({"worker":3})", "there is no worker 3, they are 0 to 2"},
        {"log", R"({"level":"INFO"})", "found a string 'INFO'"},
    };
    for (auto &c : cases) {
        Json answer = client.Ask(bus, Rpc("1", std::string("stdio_bus/") + c.method, c.params));
        ExpectError(answer, -32602);
        EXPECT_EQ(answer["error"]["message"].Text(), "Invalid params");
        EXPECT_NE(answer["error"]["data"]["reason"].Text().find(c.reason), std::string::npos)
            << c.method << c.params << ": " << answer.Raw();
    }
    EXPECT_EQ(bus.events.size(), 3u) << "nothing happened but the starts";
}

TEST(Control, MembersThatBeginWithAnUnderscoreArePassedOver) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Json answer = client.Ask(
        bus, Rpc("1", "stdio_bus/log", R"({"_meta":{"progressToken":1},"last":1,"_":null})"));
    EXPECT_EQ(answer["result"]["lines"].Size(), 1u) << answer.Raw();
}

TEST(Control, OnlyRequestsWhoseAnswerSaysNothingCanBeNotifications) {
    TrustedBus bus;
    SocketClient client(bus.path);
    for (const char *method : {"annotate", "auth", "log", "stats", "workers", "nothing"})
        client.Send(Rpc("", std::string("stdio_bus/") + method));
    client.Send(Rpc("", "stdio_bus/pause", R"({"worker":"x"})"));
    client.Send(Rpc("", "stdio_bus/stop", R"({"worker":0})"));
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "stopped") == 1; }, "it has stopped"));
    EXPECT_EQ(client.Waiting(), 0u);
    EXPECT_EQ(bus.Counters().dropped_notifications, 7u);
}

// --- Giving up --------------------------------------------------------------------------------

TEST(Control, AForgottenRequestIsOverAndItsLateAnswerIsDropped) {
    TrustedBus bus;
    SocketClient client(bus.path), other(bus.path);
    for (const char *id : {"1", "\"a\"", "null"}) {
        client.Send(Rpc(id, "hold"));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
        other.Send(Rpc("\"o\"", "stdio_bus/forget", std::string("{\"id\":") + id + "}"));
        EXPECT_EQ(other.Next(bus)["result"].Raw(), "{}") << "unknown ones are passed over";
        EXPECT_EQ(bus.Pending(), 1) << "what somebody else has in flight is not its business";
        std::string spelt = std::string(id) == "\"a\"" ? R"("\u0061")" : id;
        client.Send(Rpc("\"f\"", "stdio_bus/forget", "{\"id\":" + spelt + "}"));
        EXPECT_EQ(client.Next(bus)["result"].Raw(), "{}");
        EXPECT_EQ(bus.Pending(), 0);
        EXPECT_EQ(client.Ask(bus, Rpc(id, "echo"))["id"].Raw(), id)
            << "the id can be used again before the late answer";
    }
    bus.Ask("release");
    EXPECT_EQ(bus.Counters().late_replies, 3u);
    EXPECT_EQ(client.Waiting(), 0u);
}

TEST(Control, ARequestThatWaitsForAWorkerIsForgottenUnsent) {
    TrustedBus bus;
    SocketClient client(bus.path);
    bus.LoseWorkerForAWhile();
    client.Send(Rpc("1", "first"));
    client.Send(Rpc("2", "second"));
    client.Send(Rpc("", "stdio_bus/forget", R"({"id":1})"));
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "2");
    Json heard = bus.Ask("heard")["result"]["lines"];
    ASSERT_EQ(heard.Size(), 1u) << heard.Raw();
    EXPECT_EQ(heard[0].Text(), Rpc("2", "second"));
}

TEST(Control, TheHostForgetsInTheSameWay) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 7}), 0);
    ASSERT_EQ(bus.Ingest(Rpc("", "stdio_bus/forget", R"({"id":1})")), 0);
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(stdio_bus_forget(bus.get(), 7), STDIO_BUS_ENOTFOUND);
}

// --- Ending workers ---------------------------------------------------------------------------

void ExpectRestart(TrustedBus &bus, int worker, const std::string &force, int signal) {
    SocketClient client(bus.path);
    int64_t before = bus.Worker(worker).pid;
    uint64_t restarts = bus.Worker(worker).restarts;
    Json answer = client.Ask(
        bus, Rpc("1", "stdio_bus/restart", "{\"worker\":" + std::to_string(worker) + force + "}"));
    EXPECT_EQ(answer["result"].Raw(), "{}") << answer.Raw();
    ASSERT_TRUE(
        bus.Until([&] { return bus.Worker(worker).restarts == restarts + 1; }, "it is back"));
    EXPECT_NE(bus.Worker(worker).pid, before);
    EXPECT_EQ(bus.Worker(worker).last_exit_signal, signal);
}

TEST(Control, AWorkerIsRestartedAfterItIsAnswered) {
    TrustedBus bus(OnePool(2));
    for (const char *force : {"", ",\"force\":false"})
        ExpectRestart(bus, 1, force, 0);
    EXPECT_EQ(bus.EventsOf(0, "stopping"), 0u);
}

// One that would not end by itself, as the others may at the end of their input, which comes first.
TEST(Control, AWorkerIsKilledForARestartByForce) {
    Pool pool;
    pool.args = {"--ignore-eof", "--ignore-term"};
    TrustedBus bus(Config({pool}));
    ExpectRestart(bus, 0, ",\"force\":true", SIGKILL);
}

TEST(Control, AWorkerIsStoppedAndRevived) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client);
    EXPECT_EQ(client.Ask(bus, Rpc("1", "stdio_bus/stop", R"({"worker":0})"))["result"].Raw(), "{}");
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "stopping");
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "stopped");
    ExpectError(client.Ask(bus, Rpc("2", "echo")), -32001);
    client.Ask(bus, Rpc("3", "stdio_bus/restart", R"({"worker":0})"));
    EXPECT_EQ(Told(bus, client, "worker")["event"].Text(), "started");
    EXPECT_TRUE(client.Ask(bus, Rpc("4", "echo")).Has("result"));
}

TEST(Control, AWorkerOfTheProgramAroundTheBusIsNotEnded) {
    TrustedBus bus;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    int id = stdio_bus_register_embedded_worker(bus.get(), ends[0], ends[0], "p");
    ASSERT_EQ(id, 1);
    SocketClient client(bus.path);
    for (const char *method : {"stdio_bus/restart", "stdio_bus/stop"}) {
        Json answer = client.Ask(bus, Rpc("1", method, R"({"worker":1})"));
        ExpectError(answer, -32602);
        EXPECT_NE(answer["error"]["data"]["reason"].Text().find("the program around the bus"),
                  std::string::npos);
    }
    EXPECT_EQ(bus.Running(), 2);
    close(ends[1]);
}

TEST(Control, WhileTheBusStopsWorkersAreLeftToIt) {
    TrustedBus bus;
    SocketClient client(bus.path);
    client.Send(Rpc("1", "hold"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    for (const char *method : {"stdio_bus/restart", "stdio_bus/stop"})
        ExpectError(client.Ask(bus, Rpc("2", method, R"({"worker":0})")), -32004);
    EXPECT_EQ(client.Ask(bus, Rpc("3", "stdio_bus/stats"))["result"]["state"].Text(), "stopping");
    client.Send(Rpc("", "stdio_bus/forget", R"({"id":1})"));
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; },
                          "it has stopped, since nobody waits for anything"));
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
        {{"--tcp", "0.0.0.0:0"}, "cannot listen on '0.0.0.0:0': only a loopback address"},
        {{"--tcp", "[::]:0"}, "cannot listen on '[::]:0': only a loopback address"},
    };
    for (auto &c : cases) {
        std::vector<std::string> arguments = {"--config", config.Path()};
        arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
        Finished finished = RunDaemon(arguments);
        EXPECT_EQ(finished.code, c.arguments.size() == 2 && c.arguments[0] == "--tcp" ? 1 : 2)
            << c.message;
        EXPECT_NE(finished.log.find(c.message), std::string::npos) << finished.log;
    }
}

} // namespace
