// The daemon's command line, where its configuration comes from, and what it serves socket
// clients with.
#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "bus_fixture.h"
#include "connection.h"
#include "daemon_config.h"
#include "daemon_process.h"
#include "processes.h"

namespace {

bool Exists(const std::string &path) {
    struct stat st;
    return lstat(path.c_str(), &st) == 0;
}

// --- The command line ---------------------------------------------------------------------

TEST(DaemonCommandLine, HelpAndVersionGoToStandardOutputWithStatus0_L15) {
    Finished help = RunDaemon({"--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.log, "");
    for (const char *option : {"--config PATH", "--config-fd N", "--host-fd N", "--stdio",
                               "--unix PATH", "--tcp HOST:PORT", "--log-level", "--own-group",
                               "--check", "--ping HOST:PORT", "--version", "--help"})
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
        {{}, "no configuration; expected --config PATH, --config-fd N or --host-fd N"},
        {{"--stdio"}, "no configuration; expected --config PATH, --config-fd N or --host-fd N"},
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
        {{"--config", "c", "--config-fd", "3"},
         "--config, --config-fd and --host-fd are mutually exclusive"},
        {{"--config", "c", "--host-fd", "0", "--tcp", "h:1"},
         "--config, --config-fd and --host-fd are mutually exclusive"},
        {{"--host-fd", "x"}, "--host-fd x: expected the number of an open descriptor"},
        {{"--host-fd", "0"},
         "--host-fd is for --tcp and --unix: with --stdio the host is the client"},
        {{"--host-fd", "2", "--tcp", "h:1"},
         "--host-fd 2 is standard error; expected a descriptor to read from"},
        {{"--host-fd", "0", "--tcp", "h:1", "--token-file", "t"},
         "--token-file does not go with --host-fd, which brings the token"},
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
        {{"--ping", "h"}, "--ping h: expected HOST:PORT, with PORT from 0 to 65535"},
        {{"--ping", "h:1", "--config", "c"}, "--ping goes with no other option but --token-file"},
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

// --- Listeners ----------------------------------------------------------------------------

TEST(DaemonListener, ServesAUnixSocketOfItsOwnUserAndRemovesIt_L14) {
    ConfigFile config(OnePool());
    std::string path = config.Beside("bus.sock");
    Daemon daemon({"--config", config.Path(), "--unix", path});
    EXPECT_EQ(daemon.Endpoint(), path);
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
    EXPECT_EQ(first.Endpoint(), live);
    EXPECT_EQ(RunDaemon({"--config", config.Path(), "--unix", live}).code, 1);
    EXPECT_EQ(Connection(live).Ask(Rpc("1", "echo"))["id"].Number(), 1);
    first.Signal(SIGKILL);
    EXPECT_EQ(first.Wait(), -SIGKILL);
    EXPECT_TRUE(Exists(live)) << "left behind";
    Daemon second({"--config", config.Path(), "--unix", live});
    EXPECT_EQ(second.Endpoint(), live);
    EXPECT_EQ(Connection(live).Ask(Rpc("1", "echo"))["id"].Number(), 1);
}

TEST(DaemonListener, ServesTcpAndTellsThePortTheSystemChose) {
    ConfigFile config(OnePool());
    for (const char *host : {"127.0.0.1", "localhost"}) {
        Daemon daemon({"--config", config.Path(), "--tcp", std::string(host) + ":0"});
        std::string endpoint = daemon.Endpoint();
        EXPECT_EQ(endpoint.rfind("127.0.0.1:", 0), 0u) << endpoint;
        EXPECT_NE(endpoint, "127.0.0.1:0");
        EXPECT_EQ(Connection(endpoint).Ask(Rpc("1", "echo", "[1]"))["result"]["params"].Raw(),
                  "[1]");
        Finished taken = RunDaemon({"--config", config.Path(), "--tcp", endpoint});
        EXPECT_EQ(taken.code, 1);
        EXPECT_NE(taken.log.find("in use"), std::string::npos) << taken.log;
        daemon.Signal(SIGINT);
        EXPECT_EQ(daemon.Wait(), 0);
    }
}

TEST(DaemonPing, TellsWhetherADaemonServes) {
    ConfigFile config(OnePool());
    std::string token = config.Beside("token");
    std::ofstream(token) << "a \"secret\"\n";
    Daemon daemon({"--config", config.Path(), "--tcp", "127.0.0.1:0", "--token-file", token});
    std::string endpoint = EndpointOf(daemon);
    for (bool with_token : {false, true}) {
        std::vector<std::string> arguments{"--ping", endpoint};
        if (with_token)
            arguments.insert(arguments.end(), {"--token-file", token});
        Finished run = RunDaemon(arguments);
        EXPECT_EQ(run.code, 0);
        EXPECT_EQ(run.out, endpoint + " answers\n");
        EXPECT_EQ(run.log, "");
    }
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 0);
    Finished none = RunDaemon({"--ping", endpoint});
    EXPECT_EQ(none.code, 1);
    EXPECT_EQ(none.log, "stdio_bus: --ping " + endpoint + ": Connection refused\n");
    Finished nowhere = RunDaemon({"--ping", "no-such-host.invalid:1"});
    EXPECT_EQ(nowhere.code, 1);
    EXPECT_EQ(nowhere.log.rfind("stdio_bus: --ping no-such-host.invalid:1: ", 0), 0u)
        << nowhere.log;
}

TEST(DaemonPing, GivesUpOnOneThatIsStopped) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path(), "--tcp", "127.0.0.1:0"});
    std::string endpoint = EndpointOf(daemon);
    daemon.Signal(SIGSTOP);
    Finished run = RunDaemon({"--ping", endpoint});
    EXPECT_EQ(run.code, 1);
    EXPECT_EQ(run.log, "stdio_bus: --ping " + endpoint + ": no answer within 3 s\n");
    daemon.Signal(SIGCONT);
}

} // namespace
