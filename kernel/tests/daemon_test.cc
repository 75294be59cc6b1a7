// The daemon with one client on its standard streams: what comes through, what is logged, and
// how signals end it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "bus_fixture.h"
#include "daemon_config.h"
#include "daemon_process.h"
#include "processes.h"

namespace {

pid_t WorkerPid(Daemon &daemon) {
    return pid_t(daemon.Ask(Rpc("\"pid\"", "echo"))["result"]["pid"].Number());
}

// --- Standard input and output ------------------------------------------------------------

TEST(DaemonStdio, WritesProtocolLinesOnlyAndLogsLifecycleInItsFormat) {
    ConfigFile config(OnePool(2));
    Daemon daemon({"--config", config.Path(), "--stdio"});
    for (int i = 0; i < 100; i++)
        EXPECT_EQ(daemon.Ask(Rpc(std::to_string(i), "echo"))["id"].Number(), i);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_EQ(std::count(daemon.out.begin(), daemon.out.end(), '\n'), 100);
    std::regex format(R"(\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\] \[(INFO|WARN|ERROR)\] .+)");
    std::istringstream log(daemon.log);
    int lines = 0;
    for (std::string line; std::getline(log, line); lines++)
        EXPECT_TRUE(std::regex_match(line, format)) << line;
    EXPECT_GT(lines, 0);
    EXPECT_LT(lines, 20) << "a line for each message?\n" << daemon.log;
}

TEST(DaemonStdio, EndsWithinMillisecondsOfTheEndOfInput_L6) {
    ConfigFile config(OnePool(2));
    int64_t best = INT64_MAX;
    for (int attempt = 0; attempt < 5 && best >= 200; attempt++) {
        Daemon daemon({"--config", config.Path()});
        WorkerPid(daemon);
        auto start = std::chrono::steady_clock::now();
        daemon.CloseInput();
        EXPECT_EQ(daemon.Wait(), 0);
        auto took = std::chrono::steady_clock::now() - start;
        best = std::min<int64_t>(
            best, std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
        EXPECT_LT(std::count(daemon.log.begin(), daemon.log.end(), '\n'), 20);
    }
    EXPECT_LT(best, 200);
}

TEST(DaemonStdio, AnswersWhatCameBeforeTheEndOfInputThenEnds_L34) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    daemon.Write(Rpc("1", "echo") + "\n" + Rpc("2", "echo")); // the last without newline
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_NE(daemon.out.find("\"id\":1,"), std::string::npos) << daemon.log;
    EXPECT_NE(daemon.out.find("\"id\":2,"), std::string::npos) << daemon.log;
}

TEST(DaemonStdio, LetsARequestInFlightFinishAfterTheEndOfInputOrASignal_L34) {
    for (int signal : {0, SIGTERM, SIGINT}) {
        Pool pool;
        TempFolder folder;
        std::string gate = folder.Path("gate");
        ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
        pool.args = {"--gate", gate};
        ConfigFile config(Config({pool}));
        Daemon daemon({"--config", config.Path()});
        daemon.Logged("ready");
        daemon.Send(Rpc("1", "echo", "[1]"));
        if (signal) {
            // The request has been read when the answer to something invalid after it is here.
            daemon.Send("nonsense");
            EXPECT_EQ(daemon.Next()["error"]["code"].Number(), -32700);
            daemon.Signal(signal);
        } else {
            daemon.CloseInput();
        }
        daemon.Logged("stopping");
        close(open(gate.c_str(), O_WRONLY));
        EXPECT_EQ(daemon.Next()["result"]["params"].Raw(), "[1]");
        EXPECT_EQ(daemon.Wait(), 0) << daemon.log;
    }
}

// The client cannot answer any more; its request must not wait for that all the time to drain.
TEST(DaemonStdio, AWorkersQuestionIsRefusedAtTheEndOfInputSoThatTheRequestBehindItEnds_L34) {
    Pool pool;
    pool.command = "/bin/sh";
    pool.args = {"-c", R"(read -r request; echo '{"jsonrpc":"2.0","id":7,"method":"ask"}';
                          read -r refusal; echo '{"jsonrpc":"2.0","id":8,"method":"ask_again"}';
                          read -r again; printf '{"jsonrpc":"2.0","id":1,"result":[%s,%s]}\n' \
                                                "$refusal" "$again"; read -r end)"};
    ConfigFile config(Config({pool}));
    Daemon daemon({"--config", config.Path()});
    Json question = daemon.Ask(Rpc("1", "work"));
    EXPECT_EQ(question["method"].Text(), "ask");
    daemon.CloseInput();
    Json result = daemon.Next()["result"];
    for (size_t i : {0, 1}) {
        EXPECT_EQ(result[i]["id"].Number(), static_cast<long long>(7 + i));
        ExpectError(result[i], -32601);
    }
    EXPECT_EQ(daemon.Wait(), 0) << daemon.log;
}

TEST(DaemonStdio, AnswersBadLinesAndGoesOn_L5_L37_A29) {
    ConfigFile config(OnePool(1, "\"max_input_buffer\":1000"));
    Daemon daemon({"--config", config.Path()});
    struct {
        std::string line;
        int code;
    } cases[] = {
        {"hello", -32700},
        {"{", -32700},
        {R"({"id":1,"method":"echo"}{"id":2,"method":"echo"})", -32700},
        {"{\"id\":1,\"method\":\"\xFF\"}", -32700},
        {"[]", -32600},
        {R"([{"jsonrpc":"2.0","id":1,"method":"echo"}])", -32600},
        {"7", -32600},
        {Rpc("1", "echo", "\"" + std::string(1000, 'x') + "\""), -32600},
    };
    for (auto &c : cases) {
        Json error = daemon.Ask(c.line);
        EXPECT_EQ(error["jsonrpc"].Text(), "2.0");
        EXPECT_EQ(error["id"].Raw(), "null") << c.line;
        EXPECT_EQ(error["error"]["code"].Number(), c.code) << c.line;
        EXPECT_FALSE(error["error"]["message"].Text().empty());
        EXPECT_FALSE(error["error"]["data"]["reason"].Text().empty());
        EXPECT_EQ(daemon.Ask(Rpc("\"ok\"", "echo"))["id"].Text(), "ok");
    }
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, TakesLinesHoweverTheyCome_A29_L23) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    for (char c : "\xEF\xBB\xBF" + Rpc("1", "echo", "[\"\xC3\xA4\xE2\x82\xAC\"]") + "\r\n")
        daemon.Write(std::string(1, c));
    EXPECT_EQ(daemon.Next()["result"]["params"].Raw(), "[\"\xC3\xA4\xE2\x82\xAC\"]");
    daemon.Write("\n\r\n   \n" + Rpc("2", "echo") + "\n\n" + Rpc("3", "echo") + "\n");
    EXPECT_EQ(daemon.Next()["id"].Number(), 2);
    EXPECT_EQ(daemon.Next()["id"].Number(), 3);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, PassesLinesOfEverySizeBothWays_L4_A27) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    for (size_t size : {64000, 65535, 65536, 65537, 1000000, 10000000}) {
        std::string params = "[\"" + std::string(size, 'x') + "\"]";
        EXPECT_EQ(daemon.Ask(Rpc("1", "echo", params))["result"]["params"].Raw(), params);
        EXPECT_EQ(daemon.Ask(Rpc("2", "echo", "[2]"))["result"]["params"].Raw(), "[2]");
    }
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, AnswersABurstOf5000Requests_L12) {
    ConfigFile config(OnePool(2));
    Daemon daemon({"--config", config.Path()});
    std::string burst;
    for (int i = 0; i < 5000; i++)
        burst += Rpc(std::to_string(i), "echo") + "\n";
    daemon.Write(burst);
    std::vector<bool> answered(5000);
    for (int i = 0; i < 5000; i++) {
        Json answer = daemon.Next();
        ASSERT_TRUE(answer.Has("result")) << answer.Raw();
        answered[size_t(answer["id"].Number())] = true;
    }
    EXPECT_EQ(std::count(answered.begin(), answered.end(), true), 5000);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, BringsWorkersNotificationsAndRequestsToTheClient_L2_L3) {
    ConfigFile config(OnePool(2));
    Daemon daemon({"--config", config.Path()});
    std::string notification = Rpc("", "progress", R"({"n":1})");
    daemon.Send(Rpc("1", "say", Line(notification)));
    EXPECT_EQ(daemon.Line(), notification);
    EXPECT_EQ(daemon.Next()["id"].Number(), 1);
    std::string request = Rpc("77", "roots/list");
    Json said = daemon.Ask(Rpc("2", "say", Line(request), R"(,"sessionId":"s")"));
    EXPECT_EQ(said.Raw(), request);
    EXPECT_EQ(daemon.Next()["id"].Number(), 2);
    daemon.Send(R"({"jsonrpc":"2.0","id":77,"result":{"roots":[]}})");
    Json heard = daemon.Ask(Rpc("3", "heard", "", R"(,"sessionId":"s")"));
    EXPECT_NE(heard.Raw().find("roots\\\":[]"), std::string::npos) << heard.Raw();
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, WorksOnSocketsAsWell) {
    ConfigFile config(OnePool());
    Daemon::Ends ends;
    ends.socket_stdio = true;
    Daemon daemon({"--config", config.Path()}, ends);
    std::string params = "[\"" + std::string(3000000, 'x') + "\"]";
    EXPECT_EQ(daemon.Ask(Rpc("1", "echo", params))["result"]["params"].Raw(), params);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

// Not every system's poller takes a regular file or a device, or tells of its end.
TEST(DaemonStdio, AnswersTheRequestsInAFileAndEndsWithIt_L34) {
    ConfigFile config(OnePool());
    ConfigFile requests(Rpc("1", "echo") + "\n" + Rpc("2", "echo") + "\n" + Rpc("3", "echo"));
    Daemon::Ends ends;
    ends.input = open(requests.Path().c_str(), O_RDONLY | O_CLOEXEC);
    Daemon daemon({"--config", config.Path()}, ends);
    close(ends.input);
    for (int i = 1; i <= 3; i++)
        EXPECT_EQ(daemon.Next()["id"].Number(), i);
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, EndsAtOnceWithNullDeviceAsItsInput_L34) {
    ConfigFile config(OnePool());
    Daemon::Ends ends;
    ends.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    Daemon daemon({"--config", config.Path()}, ends);
    close(ends.input);
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_EQ(daemon.out, "");
}

TEST(DaemonStdio, KeepsOutputForASlowReaderInLittleMemory_L35_A19) {
    const int count = 100;
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    pid_t worker = WorkerPid(daemon);
    std::string requests;
    for (int i = 0; i < count; i++)
        requests += Rpc(std::to_string(i), "big", R"({"bytes":1000000})") + "\n";
    daemon.Write(requests);
    // Nobody reads: at last both stand still, with most of the answers not made yet.
    Daemon::UntilAsleep(worker);
    Daemon::UntilAsleep(daemon.Pid());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(daemon.PeakMemory(), 48 * 1024) << "KiB, of 100 MB of answers";
#endif
    for (int i = 0; i < count; i++) {
        std::string line = daemon.Line();
        ASSERT_EQ(line.size(), 1000000u);
        ASSERT_EQ(Json::Parse(line)["id"].Number(), i);
    }
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

// A hundred times what the queue of the worker holds, faster than it reads.
TEST(DaemonStdio, LetsAFastSenderWaitInsteadOfRefusing_L35) {
    ConfigFile config(OnePool(1, "\"max_output_queue\":500000"));
    Daemon daemon({"--config", config.Path()});
    std::string params = "[\"" + std::string(99000, 'x') + "\"]", requests;
    const int count = 500;
    for (int i = 0; i < count; i++)
        requests += Rpc(std::to_string(i), "measure", params) + "\n";
    daemon.Write(requests);
    for (int i = 0; i < count; i++) {
        Json answer = daemon.Next();
        ASSERT_EQ(answer["id"].Number(), i);
        ASSERT_TRUE(answer.Has("result")) << answer.Raw();
    }
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

// The other worker of the pool is used as long as it has room, whatever waits for the first.
TEST(DaemonStdio, AWorkerThatDoesNotReadStopsOnlyItself) {
    ConfigFile config(OnePool(2, "\"max_output_queue\":500000"));
    Daemon daemon({"--config", config.Path()});
    std::string deaf = R"(,"sessionId":"deaf")", other = R"(,"sessionId":"other")";
    Json asleep = daemon.Ask(Rpc("1", "deafen", "", deaf));
    ASSERT_NE(daemon.Ask(Rpc("2", "echo", "", other))["result"]["pid"].Number(),
              asleep["result"]["pid"].Number());
    std::string params = "[\"" + std::string(99000, 'x') + "\"]";
    int refused = 0;
    for (int i = 0; i < 20; i++)
        daemon.Send(Rpc(std::to_string(100 + i), "measure", params, deaf));
    daemon.Send(Rpc("\"last\"", "echo", "", other));
    for (Json answer = daemon.Next(); answer["id"].Raw() != "\"last\""; answer = daemon.Next()) {
        EXPECT_EQ(answer["error"]["code"].Number(), -32003) << answer.Raw();
        refused++;
    }
    EXPECT_GT(refused, 10);
    kill(pid_t(asleep["result"]["pid"].Number()), SIGUSR1);
    for (int i = refused; i < 20; i++)
        EXPECT_TRUE(daemon.Next().Has("result"));
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonStdio, EndsWhenNobodyReadsItsOutputAnyMore) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    pid_t worker = WorkerPid(daemon);
    daemon.CloseOutput();
    EXPECT_EQ(daemon.Wait(), 0) << "nothing was lost";
    EXPECT_NE(daemon.log.find("standard output was closed by its reader"), std::string::npos);
    EXPECT_TRUE(IsGone(worker));
}

// --- The log ------------------------------------------------------------------------------

TEST(DaemonLog, NeverHoldsTheBusUpAndTellsOfDroppedLines_L33_L20) {
    ConfigFile config(OnePool());
    Daemon::Ends ends;
    ends.read_stderr = false;
    Daemon daemon({"--config", config.Path(), "--log-level", "debug"}, ends);
    std::string complaint(1000, 'c');
    for (int i = 0; i < 2000; i++) {
        std::string request =
            Rpc(std::to_string(i), "complain", R"({"times":5,"line":")" + complaint + "\"}");
        ASSERT_EQ(daemon.Ask(request)["id"].Number(), i);
    }
    daemon.ReadLog();
    std::string line = daemon.Logged("log lines were dropped because standard error was not read");
    EXPECT_NE(line.find("[WARN]"), std::string::npos) << line;
    EXPECT_EQ(daemon.Ask(Rpc("1", "echo"))["id"].Number(), 1);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonLog, ShowsWhatWorkersWriteToStderrAndKeepsToItsLevel) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    daemon.Ask(Rpc("1", "complain", R"({"line":"the disk is full"})"));
    EXPECT_NE(daemon.Logged("the disk is full").find("[INFO] [worker=0] "), std::string::npos);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);

    Daemon quiet({"--config", config.Path(), "--log-level", "error"});
    quiet.Ask(Rpc("1", "complain", R"({"line":"the disk is full"})"));
    quiet.CloseInput();
    EXPECT_EQ(quiet.Wait(), 0);
    EXPECT_EQ(quiet.log, "");
}

// --- Signals ------------------------------------------------------------------------------

TEST(DaemonSignals, OneEndsItInOrder_L5) {
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ConfigFile config(OnePool(2));
        Daemon daemon({"--config", config.Path()});
        pid_t worker = WorkerPid(daemon);
        daemon.Signal(signal);
        EXPECT_EQ(daemon.Wait(), 0) << daemon.log;
        EXPECT_TRUE(IsGone(worker));
    }
}

TEST(DaemonSignals, ASecondOneEndsItAtOnceAndKillsTheWorkers_L34) {
    struct {
        int signal, code;
    } cases[] = {{SIGTERM, 143}, {SIGINT, 130}};
    for (auto &c : cases) {
        Pool pool;
        pool.args = {"--ignore-term", "--ignore-eof"};
        ConfigFile config(Config({pool}));
        Daemon daemon({"--config", config.Path()});
        Json born = daemon.Ask(Rpc("1", "grandchild", R"({"ignore_term":1})"));
        daemon.Send(Rpc("2", "hold"));
        daemon.Send("nonsense");
        EXPECT_EQ(daemon.Next()["error"]["code"].Number(), -32700);
        daemon.Signal(c.signal);
        daemon.Logged("stopping");
        daemon.Signal(c.signal);
        EXPECT_EQ(daemon.WaitAtMost(5000), c.code) << daemon.log;
        EXPECT_TRUE(IsGone(pid_t(born["result"]["pid"].Number())));
        // Killed with its group, but nobody waited for it: its end may take a moment longer.
        EXPECT_TRUE(BecomesGone(pid_t(born["result"]["child"].Number())));
    }
}

TEST(DaemonSignals, AreNotPassedOnToWorkersAsIgnoredOrBlocked_L32) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    Json inherited = daemon.Ask(Rpc("1", "inherited"))["result"];
    EXPECT_EQ(inherited["descriptors"].Raw(), "[0,1,2]");
    EXPECT_EQ(inherited["signals"].Text(), std::string(32, '0')) << "SIGPIPE among them";
    EXPECT_EQ(inherited["group_is_own"].Raw(), "true");
}

} // namespace
