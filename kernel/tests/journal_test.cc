// The log as clients see it: stdio_bus/log answers with the last lines, and a connection that asked
// for it is told each line, without ever holding anybody up.
#include <unistd.h>

#include "daemon_config.h"
#include "daemon_process.h"
#include "trusted_bus.h"

namespace {

constexpr int kMostLines = 1000;
constexpr size_t kMostBytes = 256 * 1024;

Json Log(Bus &bus, SocketClient &client, const std::string &params = "") {
    return client.Ask(bus, Rpc("\"log\"", "stdio_bus/log", params))["result"]["lines"];
}

// As many lines of the worker's stderr as that, each with its number.
void Complain(Bus &bus, int from, int to, const std::string &more = "") {
    size_t before = bus.stderr_lines.size();
    for (int i = from; i < to; i++)
        ASSERT_EQ(bus.Send(Rpc("", "complain", Line(std::to_string(i) + more))), 0);
    size_t all = before + static_cast<size_t>(to - from);
    ASSERT_TRUE(bus.Until([&] { return bus.stderr_lines.size() == all; }, "all are there"));
}

TEST(Journal, AnswersWithTheLastLinesOldestFirst) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Complain(bus, 0, 3);
    Json lines = Log(bus, client);
    ASSERT_GE(lines.Size(), 6u);
    EXPECT_EQ(lines[0]["level"].Text(), "info");
    for (size_t i = 1; i < lines.Size(); i++)
        EXPECT_GE(lines[i]["time"].Number(), lines[i - 1]["time"].Number());
    Json started = lines[1];
    EXPECT_EQ(started["worker"].Number(), 0);
    EXPECT_EQ(started["text"].Text().rfind("started, pool 'p', pid ", 0), 0u) << started.Raw();
    EXPECT_FALSE(started.Has("stderr"));
    EXPECT_GT(started["time"].Number(), 1500000000000);
    Json last = lines[lines.Size() - 1];
    EXPECT_EQ(last["text"].Text(), "2");
    EXPECT_EQ(last["stderr"].Raw(), "true");
    EXPECT_EQ(last["worker"].Number(), 0);
    EXPECT_TRUE(bus.HasLogged("[worker=0] started, pool 'p', pid "))
        << "the host's lines name the worker as they always did";
}

TEST(Journal, CanBeAskedForFewerLinesOfOneWorkerAndOfALevel) {
    TrustedBus bus(OnePool(2));
    SocketClient client(bus.path);
    ASSERT_EQ(bus.Send(Rpc("", "complain", Line("one")), {nullptr, nullptr, 1}), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.stderr_lines.size() == 1; }, "it has complained"));
    bus.Ask("say", Line("not json"), {nullptr, nullptr, 0});
    Json last = Log(bus, client, R"({"last":1})");
    ASSERT_EQ(last.Size(), 1u);
    EXPECT_EQ(last[0]["level"].Text(), "warn");
    Json of_one = Log(bus, client, R"({"worker":1})");
    ASSERT_EQ(of_one.Size(), 2u) << of_one.Raw();
    EXPECT_EQ(of_one[1]["text"].Text(), "one");
    Json warnings = Log(bus, client, R"({"level":"warn"})");
    ASSERT_EQ(warnings.Size(), 1u) << warnings.Raw();
    EXPECT_EQ(warnings[0]["worker"].Number(), 0);
    EXPECT_EQ(Log(bus, client, R"({"level":"error"})").Raw(), "[]");
    EXPECT_EQ(Log(bus, client, R"({"last":1,"worker":1,"level":"info"})")[0]["text"].Text(), "one");
}

TEST(Journal, KeepsAThousandLinesAndNoMore) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Complain(bus, 0, kMostLines + 50);
    Json lines = Log(bus, client, R"({"last":1000})");
    ASSERT_EQ(lines.Size(), size_t(kMostLines));
    for (int i = 0; i < kMostLines; i++)
        ASSERT_EQ(lines[size_t(i)]["text"].Text(), std::to_string(i + 50));
    EXPECT_EQ(Log(bus, client).Size(), 100u) << "unless more are asked for";
}

TEST(Journal, KeepsAQuarterOfAMebibyteAndNoMore) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Complain(bus, 0, 60, std::string(8000, 'x'));
    Json lines = Log(bus, client, R"({"last":1000})");
    size_t bytes = 0;
    for (size_t i = 0; i < lines.Size(); i++)
        bytes += lines[i]["text"].Text().size();
    EXPECT_LE(bytes, kMostBytes);
    EXPECT_GT(bytes, kMostBytes - 8010);
}

TEST(Journal, KeepsWhatTheLogLevelOfTheHostLeavesOut) {
    SocketFolder at;
    Bus::Options options = OnUnix(at.path);
    options.log_level = STDIO_BUS_LOG_ERROR;
    Bus bus(OnePool(), options);
    bus.Start();
    SocketClient client(at.path);
    EXPECT_GE(Log(bus, client, R"({"level":"info"})").Size(), 3u);
    EXPECT_TRUE(bus.logs.empty());
}

// --- Told as they come --------------------------------------------------------------------------

TEST(JournalListener, IsToldTheLinesFromItsLevelOn) {
    TrustedBus bus;
    SocketClient all(bus.path), warnings(bus.path), none(bus.path);
    Annotate(bus, all, R"({"log":"info"})");
    Annotate(bus, warnings, R"({"log":"warn"})");
    Annotate(bus, none);
    Complain(bus, 7, 8);
    Json line = Told(bus, all, "log");
    EXPECT_EQ(line["text"].Text(), "7");
    EXPECT_EQ(line["stderr"].Raw(), "true");
    EXPECT_EQ(line["worker"].Number(), 0);
    EXPECT_EQ(line["level"].Text(), "info");
    EXPECT_FALSE(line.Has("dropped"));
    bus.Ask("say", Line("not json"));
    for (SocketClient *client : {&all, &warnings, &none})
        Told(bus, *client, "skipped");
    for (SocketClient *client : {&all, &warnings}) {
        line = Told(bus, *client, "log");
        EXPECT_EQ(line["level"].Text(), "warn");
        EXPECT_EQ(line["text"].Text().rfind("skipped a line on stdout", 0), 0u);
        EXPECT_FALSE(line.Has("stderr"));
    }
    EXPECT_EQ(none.Waiting(), 0u);
}

TEST(JournalListener, MayWantMoreThanTheHostDoes) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client, R"({"log":"debug"})");
    // No pid, which the log tells as well, has so many digits.
    bus.Ask("say", Line(R"({"id":987654321,"result":1})"));
    Json line = Told(bus, client, "log");
    EXPECT_EQ(line["level"].Text(), "debug");
    EXPECT_NE(line["text"].Text().find("987654321"), std::string::npos);
    EXPECT_FALSE(bus.HasLogged("987654321"));
    Annotate(bus, client, R"({"log":"info"})");
    bus.Ask("say", Line(R"({"id":98,"result":1})"));
    Complain(bus, 1, 2);
    EXPECT_EQ(Told(bus, client, "log")["text"].Text(), "1") << "it has changed its mind";
    EXPECT_EQ(Log(bus, client)[0]["level"].Text(), "info");
    Annotate(bus, client);
    Complain(bus, 2, 3);
    bus.Settle();
    EXPECT_EQ(client.Waiting(), 0u) << "without a level it is told none";
}

TEST(JournalListener, IsToldWhatHappensBetweenTwoStepsAndAtTheEnd) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client, R"({"log":"info"})");
    EXPECT_EQ(bus.Ingest(Rpc("", "n", "", R"(,"pool":"none")")), STDIO_BUS_ERR_ROUTING);
    EXPECT_EQ(Told(bus, client, "log")["level"].Text(), "error");
    bus.Stop();
    client.Pump();
    std::string texts;
    while (client.Waiting())
        texts += client.Line(bus);
    for (const char *text : {"stopping, 0 requests in flight", "stopped: exited with code 0"})
        EXPECT_NE(texts.find(text), std::string::npos) << texts;
}

TEST(JournalListener, ReadsEveryLineOfABurst) {
    TrustedBus bus;
    SocketClient client(bus.path);
    Annotate(bus, client, R"({"log":"info"})");
    constexpr int kLines = 5000; // more than the journal keeps
    for (int i = 0; i < kLines; i++)
        ASSERT_EQ(bus.Send(Rpc("", "complain", Line(std::to_string(i)))), 0);
    for (int i = 0; i < kLines; i++)
        ASSERT_EQ(Told(bus, client, "log")["text"].Text(), std::to_string(i));
    EXPECT_EQ(bus.Counters().backpressure, 0u);
}

TEST(JournalListener, OneThatDoesNotReadLosesLinesAndHoldsNobodyUp_L33) {
    TrustedBus bus(OnePool(1, R"("max_output_queue":1000000)"));
    SocketClient listener(bus.path), other(bus.path);
    Annotate(bus, listener, R"({"log":"info"})");
    listener.deaf = true;
    constexpr int kLines = 3000;
    std::string more(1000, 'x');
    for (int i = 0; i < kLines; i += 100) {
        Complain(bus, i, i + 100, more);
        ASSERT_TRUE(other.Ask(bus, Rpc("1", "echo")).Has("result"));
    }
    EXPECT_EQ(bus.Counters().backpressure, 0u) << "nobody waits for it";
    EXPECT_EQ(bus.Worker(0).paused, 0u);
    long long dropped =
        other.Ask(bus, Rpc("2", "stdio_bus/stats"))["result"]["droppedLogLines"].Number();
    EXPECT_GT(dropped, 0);
    listener.deaf = false;
    long long told = 0, missed = 0, next = 0;
    while (told + missed < kLines) {
        Json line = Told(bus, listener, "log");
        if (line.Has("dropped")) {
            missed += line["dropped"].Number();
            next += line["dropped"].Number();
        }
        ASSERT_EQ(line["text"].Text(), std::to_string(next) + more) << "what is missing is counted";
        next++;
        told++;
    }
    EXPECT_EQ(missed, dropped);
    EXPECT_EQ(listener.Ask(bus, Rpc("3", "echo"))["id"].Raw(), "3") << "and it is still a client";
}

TEST(JournalDaemon, TellsItsClientAndAnswersIt) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path(), "--log-level", "error"});
    Json lines = daemon.Ask(Rpc("1", "stdio_bus/log"))["result"]["lines"];
    ASSERT_GE(lines.Size(), 2u);
    daemon.Ask(Rpc("2", "stdio_bus/annotate", R"({"log":"info"})"));
    daemon.Send(Rpc("", "complain", Line("of the test")));
    Json told = daemon.Next();
    EXPECT_EQ(told["method"].Text(), "stdio_bus/log");
    EXPECT_EQ(told["params"]["text"].Text(), "of the test");
    EXPECT_EQ(told["_bus"].Raw(), "{}");
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_EQ(daemon.log.find("started"), std::string::npos);
}

TEST(JournalDaemon, LinesForOneThatDoesNotReadItsOutputAreDroppedAndCounted_L33) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    daemon.Ask(Rpc("1", "stdio_bus/annotate", R"({"log":"info"})"));
    constexpr long long kLines = 9000; // ten times what it keeps for its client and in its journal
    std::string line = Quote(std::string(1000, 'x'));
    daemon.Send(Rpc("2", "complain", "{\"line\":" + line + ",\"times\":9000}"));
    Daemon::UntilAsleep(daemon.Pid());
    long long told = 0, dropped = 0;
    bool answered = false;
    while (told + dropped < kLines || !answered) {
        Json next = daemon.Next();
        if (next["id"].Raw() == "2") {
            answered = true;
            continue;
        }
        ASSERT_EQ(next["params"]["text"].Raw(), line);
        told++;
        if (next["params"].Has("dropped"))
            dropped += next["params"]["dropped"].Number();
    }
    EXPECT_EQ(told + dropped, kLines);
    EXPECT_GT(dropped, kLines / 2);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

} // namespace
