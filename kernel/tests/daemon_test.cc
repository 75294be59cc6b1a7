// The daemon as its users see it: a process with a command line, three streams and signals.
#include <gtest/gtest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <regex>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bus_fixture.h"
#include "daemon_process.h"
#include "processes.h"

namespace {

// A configuration in a file of its own.
class ConfigFile {
  public:
    explicit ConfigFile(const std::string &json) : path_(folder_.Path("bus.json")) {
        std::ofstream(path_, std::ios::binary) << json;
    }
    const std::string &Path() const {
        return path_;
    }
    std::string Beside(const std::string &name) const {
        return folder_.Path(name);
    }

  private:
    TempFolder folder_;
    std::string path_;
};

bool Exists(const std::string &path) {
    struct stat st;
    return lstat(path.c_str(), &st) == 0;
}

pid_t WorkerPid(Daemon &daemon) {
    return pid_t(daemon.Ask(Rpc("\"pid\"", "echo"))["result"]["pid"].Number());
}

// --- The command line ---------------------------------------------------------------------

TEST(DaemonCommandLine, HelpAndVersionGoToStandardOutputWithStatus0_L15) {
    Finished help = RunDaemon({"--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.log, "");
    for (const char *option : {"--config PATH", "--config-fd N", "--stdio", "--unix PATH",
                               "--tcp HOST:PORT", "--log-level", "--check", "--version", "--help"})
        EXPECT_NE(help.out.find(option), std::string::npos) << option;
    Finished version = RunDaemon({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.out, std::string("stdio_bus ") + stdio_bus_version() + "\n");
    EXPECT_EQ(version.log, "");
}

TEST(DaemonCommandLine, RefusesWhatItDoesNotUnderstandInOneLine_L15) {
    struct {
        std::vector<std::string> arguments;
        const char *message;
    } cases[] = {
        {{}, "no configuration; expected --config PATH or --config-fd N"},
        {{"--stdio"}, "no configuration; expected --config PATH or --config-fd N"},
        {{"--config"}, "--config: expected PATH after it"},
        {{"--config", ""}, "--config: expected PATH after it"},
        {{"--config", "--stdio"}, "--config: expected PATH after it"},
        {{"--config-fd", "x"}, "--config-fd x: expected the number of an open descriptor"},
        {{"--config-fd", "-1"}, "--config-fd -1: expected the number of an open descriptor"},
        {{"--config-fd", "3x"}, "--config-fd 3x: expected the number of an open descriptor"},
        {{"--config-fd", "99999999999999999999"},
         "--config-fd 99999999999999999999: expected the number of an open descriptor"},
        {{"--config-fd", "0"},
         "--config-fd 0 is standard input, which --stdio needs for its client"},
        {{"--config-fd", "1"},
         "--config-fd 1 is standard output; expected a descriptor to read from"},
        {{"--config", "c", "--config-fd", "3"}, "--config and --config-fd are mutually exclusive"},
        {{"--config", "c", "--config", "d"}, "--config is given more than once"},
        {{"--config", "c", "--stdio", "--tcp", "h:1"},
         "expected only one of --stdio, --unix and --tcp"},
        {{"--config", "c", "--unix", "u", "--tcp", "h:1"},
         "expected only one of --stdio, --unix and --tcp"},
        {{"--config", "c", "--log-level", "loud"},
         "--log-level loud: expected debug, info, warn or error"},
        {{"--config", "c", "extra"}, "unknown argument extra; --help lists what there is"},
        {{"--configuration", "c"}, "unknown option --configuration; --help lists what there is"},
        {{"-h"}, "unknown option -h; --help lists what there is"},
        {{"--tcp", "localhost"}, "--tcp localhost: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", "h:12ab"}, "--tcp h:12ab: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", "h:99999"}, "--tcp h:99999: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", "h:65536"}, "--tcp h:65536: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", "h: 1"}, "--tcp h: 1: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", "h:"}, "--tcp h:: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", ":80"}, "--tcp :80: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--tcp", "::1:80"}, "--tcp ::1:80: expected brackets around an IPv6 address"},
        {{"--tcp", "[h]:80"}, "--tcp [h]:80: expected an IPv6 address inside the brackets"},
        {{"--tcp", "[::1:80"}, "--tcp [::1:80: expected brackets around an IPv6 address"},
    };
    for (auto &c : cases) {
        Finished run = RunDaemon(c.arguments);
        EXPECT_EQ(run.code, 2) << c.message;
        EXPECT_EQ(run.out, "") << c.message;
        EXPECT_EQ(run.log, std::string("stdio_bus: ") + c.message + "\n");
    }
}

TEST(DaemonConfig, ErrorsComeWithTheirPathAndStatus2_A3_A5) {
    ConfigFile config(R"({"pools":[{"id":"","command":"cat","instances":0}],"limits":1})");
    for (bool check : {false, true}) {
        std::vector<std::string> arguments{"--config", config.Path()};
        if (check)
            arguments.push_back("--check");
        Finished run = RunDaemon(arguments);
        std::string name = "stdio_bus: " + config.Path() + ": ";
        EXPECT_EQ(run.code, 2);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(run.log,
                  name + "$.pools[0].id: must not be empty\n" + name +
                      "$.pools[0].instances: expected a whole number from 1 to 4096, found 0\n" +
                      name + "$.limits: expected an object, found a number\n");
    }
    std::string missing = config.Beside("missing.json");
    Finished run = RunDaemon({"--config", missing});
    EXPECT_EQ(run.code, 2);
    EXPECT_EQ(run.log, "stdio_bus: " + missing + ": No such file or directory\n");
    Finished closed = RunDaemon({"--config-fd", "77"});
    EXPECT_EQ(closed.code, 2);
    EXPECT_EQ(closed.log, "stdio_bus: descriptor 77: Bad file descriptor\n");
}

TEST(DaemonConfig, CheckStartsNothingAndTellsOfWarnings) {
    ConfigFile config(R"({"pools":[{"id":"p","command":"/no/such","instances":1,"colour":1}]})");
    Finished run = RunDaemon({"--config", config.Path(), "--check"});
    EXPECT_EQ(run.code, 0);
    EXPECT_EQ(run.out, config.Path() + ": the configuration is valid\n");
    EXPECT_EQ(run.log, "stdio_bus: " + config.Path() +
                           ": warning: $.pools[0].colour: unknown key \"colour\" is ignored\n");
}

TEST(DaemonConfig, IsReadFromAnInheritedDescriptor) {
    std::string json = OnePool();
    for (bool as_path : {false, true}) {
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        ASSERT_EQ(write(ends[1], json.data(), json.size()), ssize_t(json.size()));
        close(ends[1]);
        std::string number = std::to_string(ends[0]);
        Daemon::Ends options;
        options.config = ends[0];
        Daemon daemon(as_path ? std::vector<std::string>{"--config", "/dev/fd/" + number}
                              : std::vector<std::string>{"--config-fd", number},
                      options);
        close(ends[0]);
        EXPECT_EQ(daemon.Ask(Rpc("1", "echo", "[5]"))["result"]["params"].Raw(), "[5]");
        // The worker holds nothing but its own three streams.
        EXPECT_EQ(daemon.Ask(Rpc("2", "inherited"))["result"]["descriptors"].Raw(), "[0,1,2]");
        daemon.CloseInput();
        EXPECT_EQ(daemon.Wait(), 0);
    }
}

TEST(DaemonConfig, RelativePathsStartAtTheFile) {
    Pool pool;
    pool.command = "./worker";
    pool.more = R"(,"cwd":"sub")";
    ConfigFile config(Config({pool}));
    ASSERT_EQ(symlink(ScriptedWorker().c_str(), config.Beside("worker").c_str()), 0);
    ASSERT_EQ(mkdir(config.Beside("sub").c_str(), 0700), 0);
    Daemon daemon({"--config", config.Path()});
    Json answer = daemon.Ask(Rpc("1", "surroundings", R"({"name":"HOME"})"));
    EXPECT_EQ(answer["result"]["cwd"].Text(), config.Beside("sub"));
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonConfig, ACommandThatCannotRunIsNamedWithStatus1) {
    Pool pool;
    pool.command = "/no/such/program";
    ConfigFile config(Config({pool}));
    Finished run = RunDaemon({"--config", config.Path()});
    EXPECT_EQ(run.code, 1);
    EXPECT_EQ(run.out, "");
    EXPECT_NE(run.log.find("/no/such/program"), std::string::npos) << run.log;
    EXPECT_NE(run.log.find("No such file or directory"), std::string::npos) << run.log;
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
    std::ifstream status("/proc/" + std::to_string(daemon.Pid()) + "/status");
    long peak = 0;
    for (std::string line; std::getline(status, line);)
        if (line.compare(0, 6, "VmHWM:") == 0)
            peak = std::stol(line.substr(6));
    EXPECT_GT(peak, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(peak, 48 * 1024) << "kB, of 100 MB of answers";
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
        EXPECT_TRUE(IsGone(pid_t(born["result"]["child"].Number())));
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

// --- Listeners ----------------------------------------------------------------------------

// A blocking client of a listening daemon.
class Connection {
  public:
    explicit Connection(const std::string &endpoint) {
        sockaddr_un local{};
        sockaddr_in remote{};
        const void *address = &local;
        socklen_t size = sizeof local;
        if (endpoint[0] == '/') {
            local.sun_family = AF_UNIX;
            std::strcpy(local.sun_path, endpoint.c_str());
        } else {
            size_t colon = endpoint.rfind(':');
            remote.sin_family = AF_INET;
            remote.sin_port = htons(uint16_t(std::stoi(endpoint.substr(colon + 1))));
            inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &remote.sin_addr);
            address = &remote;
            size = sizeof remote;
        }
        auto generic = static_cast<const sockaddr *>(address);
        fd_ = socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(connect(fd_, generic, size), 0) << endpoint;
    }
    ~Connection() {
        close(fd_);
    }
    Json Ask(const std::string &request) {
        std::string line = request + "\n";
        EXPECT_EQ(write(fd_, line.data(), line.size()), ssize_t(line.size()));
        std::string answer;
        for (char c; read(fd_, &c, 1) == 1 && c != '\n';)
            answer += c;
        return Json::Parse(answer);
    }

  private:
    int fd_;
};

std::string EndpointOf(Daemon &daemon) {
    std::string line = daemon.Logged("ready");
    return line.substr(line.rfind(' ') + 1);
}

TEST(DaemonListener, ServesAUnixSocketOfItsOwnUserAndRemovesIt_L14) {
    ConfigFile config(OnePool());
    std::string path = config.Beside("bus.sock");
    Daemon daemon({"--config", config.Path(), "--unix", path});
    EXPECT_EQ(EndpointOf(daemon), path);
    struct stat st;
    ASSERT_EQ(stat(path.c_str(), &st), 0);
    EXPECT_TRUE(S_ISSOCK(st.st_mode));
    EXPECT_EQ(st.st_mode & 0777, 0600u);
    Connection one(path), two(path);
    EXPECT_EQ(one.Ask(Rpc("1", "echo", "[1]"))["result"]["params"].Raw(), "[1]");
    EXPECT_EQ(two.Ask(Rpc("1", "echo", "[2]"))["result"]["params"].Raw(), "[2]");
    EXPECT_EQ(two.Ask("nonsense")["error"]["code"].Number(), -32700);
    EXPECT_EQ(one.Ask(Rpc("2", "echo", "[3]"))["result"]["params"].Raw(), "[3]");
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_EQ(daemon.out, "") << "standard output is not the clients'";
    EXPECT_FALSE(Exists(path));
}

TEST(DaemonListener, RefusesAPathThatIsTakenBeforeAnyWorkerStarts_L14_L15) {
    Pool pool;
    TempFolder folder;
    pool.args = {"--complain", "a worker was started"};
    ConfigFile config(Config({pool}));
    std::string path = folder.Path("file");
    std::ofstream(path) << "precious";
    Finished run = RunDaemon({"--config", config.Path(), "--unix", path});
    EXPECT_EQ(run.code, 1);
    EXPECT_NE(run.log.find(path), std::string::npos) << run.log;
    EXPECT_EQ(run.log.find("a worker was started"), std::string::npos) << run.log;
    std::string text;
    std::ifstream(path) >> text;
    EXPECT_EQ(text, "precious");

    std::string live = folder.Path("live.sock");
    Daemon first({"--config", config.Path(), "--unix", live});
    EXPECT_EQ(EndpointOf(first), live);
    EXPECT_EQ(RunDaemon({"--config", config.Path(), "--unix", live}).code, 1);
    EXPECT_EQ(Connection(live).Ask(Rpc("1", "echo"))["id"].Number(), 1);
    first.Signal(SIGKILL);
    EXPECT_EQ(first.Wait(), -SIGKILL);
    EXPECT_TRUE(Exists(live)) << "left behind";
    Daemon second({"--config", config.Path(), "--unix", live});
    EXPECT_EQ(EndpointOf(second), live);
    EXPECT_EQ(Connection(live).Ask(Rpc("1", "echo"))["id"].Number(), 1);
}

TEST(DaemonListener, ServesTcpAndTellsThePortTheSystemChose) {
    ConfigFile config(OnePool());
    for (const char *host : {"127.0.0.1", "localhost"}) {
        Daemon daemon({"--config", config.Path(), "--tcp", std::string(host) + ":0"});
        std::string endpoint = EndpointOf(daemon);
        EXPECT_EQ(endpoint.rfind("127.0.0.1:", 0), 0u) << endpoint;
        EXPECT_NE(endpoint, "127.0.0.1:0");
        EXPECT_EQ(Connection(endpoint).Ask(Rpc("1", "echo", "[1]"))["result"]["params"].Raw(),
                  "[1]");
        Finished taken = RunDaemon({"--config", config.Path(), "--tcp", endpoint});
        EXPECT_EQ(taken.code, 1);
        EXPECT_NE(taken.log.find("Address already in use"), std::string::npos) << taken.log;
        daemon.Signal(SIGINT);
        EXPECT_EQ(daemon.Wait(), 0);
    }
}

} // namespace
