// What is different on Windows: jobs instead of process groups, batch files, named pipes, handles.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bus_fixture.h"
#include "socket_client.h"

namespace fs = std::filesystem;

namespace {

std::string Native(const std::string &path) {
    return fs::path(path).make_preferred().string();
}

// A batch file that passes its arguments on to a program, as npx.cmd does.
std::string Shim(const TempFolder &folder, const std::string &name, const std::string &lines) {
    std::string path = folder.Path(name);
    std::ofstream(path, std::ios::binary) << lines;
    return path;
}

// What worker_scripted runs as, for a batch file.
std::string Program() {
    return "\"" + Native(ScriptedWorker()) + ".exe\"";
}

pid_t GrandchildOf(Bus &bus, const std::string &params = "{}") {
    return static_cast<pid_t>(bus.Ask("grandchild", params)["result"]["child"].Number());
}

// One line from whoever answers one at a time; what there was before the end.
std::string ReadLine(HANDLE from) {
    std::string line;
    static thread_local char block[65536];
    for (DWORD n; ReadFile(from, block, sizeof block, &n, nullptr) && n > 0;) {
        line.append(block, n);
        if (line.back() == '\n') {
            line.pop_back();
            break;
        }
    }
    return line;
}

// --- Jobs -----------------------------------------------------------------------------------

TEST(WindowsJob, WhatAWorkerHasStartedEndsWithIt_L18) {
    Bus bus(OnePool());
    bus.Start();
    pid_t child = GrandchildOf(bus);
    EXPECT_FALSE(IsGone(child));
    bus.Stop();
    EXPECT_TRUE(BecomesGone(child));
}

TEST(WindowsJob, WhatIsDetachedDoesNotLeaveIt_L18) {
    Bus bus(OnePool());
    bus.Start();
    pid_t child = GrandchildOf(bus, R"({"ignore_term":1,"new_session":1})");
    EXPECT_FALSE(IsGone(child));
    bus.Ingest(Rpc("", "exit", R"({"code":3})"));
    bus.Until([&] { return bus.EventsOf(0, "restarting") == 1; }, "the worker has exited");
    EXPECT_TRUE(BecomesGone(child));
}

TEST(WindowsJob, AWorkerThatDoesNotEndIsEndedWithAllItHasStarted_L18) {
    Pool pool;
    pool.args = {"--ignore-eof"};
    Bus bus(Config({pool}));
    bus.Start();
    pid_t child = GrandchildOf(bus), worker = bus.PidOf();
    bus.Stop(1);
    EXPECT_TRUE(BecomesGone(worker));
    EXPECT_TRUE(BecomesGone(child));
    EXPECT_EQ(bus.Worker(0).last_exit_code, 1);
}

TEST(WindowsJob, ABusThatIsDestroyedLeavesNothing) {
    pid_t child = 0;
    {
        Bus bus(OnePool(2));
        bus.Start();
        child = GrandchildOf(bus);
    }
    EXPECT_TRUE(BecomesGone(child));
}

// --- The host is killed -----------------------------------------------------------------------

// The daemon with a pipe at its standard input and output.
class Host {
  public:
    explicit Host(const std::string &config) {
        SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
        HANDLE their_in = nullptr, their_out = nullptr;
        CreatePipe(&their_in, &in_, &inherited, 0);
        CreatePipe(&out_, &their_out, &inherited, 0);
        SetHandleInformation(in_, HANDLE_FLAG_INHERIT, 0);
        SetHandleInformation(out_, HANDLE_FLAG_INHERIT, 0);
        std::string line =
            "\"" + Native(SB_DAEMON) + ".exe\" --log-level error --config \"" + config + "\"";
        STARTUPINFOA startup{};
        startup.cb = sizeof startup;
        startup.dwFlags = STARTF_USESTDHANDLES;
        startup.hStdInput = their_in;
        startup.hStdOutput = their_out;
        startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
        PROCESS_INFORMATION made{};
        EXPECT_TRUE(CreateProcessA(nullptr, line.data(), nullptr, nullptr, TRUE, 0, nullptr,
                                   nullptr, &startup, &made));
        process_ = made.hProcess;
        CloseHandle(made.hThread);
        CloseHandle(their_in);
        CloseHandle(their_out);
    }
    ~Host() {
        Kill();
        CloseInput();
        CloseHandle(out_);
        CloseHandle(process_);
    }
    Json Ask(const std::string &request) {
        DWORD n;
        std::string line = request + "\n";
        EXPECT_TRUE(WriteFile(in_, line.data(), static_cast<DWORD>(line.size()), &n, nullptr));
        return Json::Parse(ReadLine(out_));
    }
    void CloseInput() {
        if (in_)
            CloseHandle(in_);
        in_ = nullptr;
    }
    void Kill() {
        TerminateProcess(process_, 9);
    }
    DWORD Wait() {
        DWORD code = STILL_ACTIVE;
        EXPECT_EQ(WaitForSingleObject(process_, 30000), WAIT_OBJECT_0);
        GetExitCodeProcess(process_, &code);
        return code;
    }

  private:
    HANDLE process_ = nullptr, in_ = nullptr, out_ = nullptr;
};

std::string ConfigFile(const TempFolder &folder, const std::string &config) {
    std::ofstream(folder.Path("config.json"), std::ios::binary) << config;
    return folder.Path("config.json");
}

TEST(WindowsHost, NothingIsLeftWhenItIsKilled_A21) {
    TempFolder folder;
    Host host(ConfigFile(folder, OnePool()));
    Json answer = host.Ask(Rpc("1", "grandchild"));
    auto worker = static_cast<pid_t>(answer["result"]["pid"].Number());
    auto child = static_cast<pid_t>(answer["result"]["child"].Number());
    EXPECT_FALSE(IsGone(worker));
    EXPECT_FALSE(IsGone(child));
    host.Kill();
    EXPECT_TRUE(BecomesGone(worker));
    EXPECT_TRUE(BecomesGone(child));
}

TEST(WindowsHost, TheDaemonEndsInOrderAtTheEndOfItsInput_L6) {
    TempFolder folder;
    Host host(ConfigFile(folder, OnePool()));
    EXPECT_EQ(host.Ask(Rpc("1", "echo", R"({"text":"häé"})"))["result"]["params"].Raw(),
              R"({"text":"häé"})");
    host.CloseInput();
    EXPECT_EQ(host.Wait(), 0u);
}

TEST(WindowsHost, TheDaemonPassesLargeMessagesBothWays_L4) {
    TempFolder folder;
    Host host(ConfigFile(folder, OnePool()));
    EXPECT_EQ(
        host.Ask(Rpc("1", "measure", "\"" + std::string(300000, 'a') + "\""))["result"]["bytes"]
            .Number(),
        300000 + static_cast<long long>(Rpc("1", "measure", "\"\"").size()));
    EXPECT_EQ(host.Ask(Rpc("2", "big", R"({"bytes":1000000})")).Raw().size(), 1000000u);
}

// --- Batch files ------------------------------------------------------------------------------

TEST(WindowsBatch, AShimOnPathRunsWithAllItStarts_L22_L18) {
    TempFolder folder;
    Shim(folder, "shim.cmd", "@echo off\r\n" + Program() + " %*\r\n");
    Pool pool;
    pool.command = "shim";
    pool.more = ",\"env\":{\"Path\":" + Quote(Native(folder.Path("."))) + "}";
    Bus bus(Config({pool}));
    bus.Start();
    pid_t worker = bus.PidOf(), child = GrandchildOf(bus);
    EXPECT_NE(worker, bus.Worker(0).pid); // cmd.exe is between
    bus.Stop();
    EXPECT_TRUE(BecomesGone(worker));
    EXPECT_TRUE(BecomesGone(child));
}

TEST(WindowsBatch, AShimThatDoesNotEndIsEndedToTheLastProcess_L18) {
    TempFolder folder;
    Pool pool;
    pool.command = Shim(folder, "a shim & more.cmd", "@" + Program() + " --ignore-eof %*\r\n");
    Bus bus(Config({pool}));
    bus.Start();
    pid_t worker = bus.PidOf(), child = GrandchildOf(bus);
    bus.Stop(1);
    EXPECT_TRUE(BecomesGone(worker));
    EXPECT_TRUE(BecomesGone(child));
}

TEST(WindowsBatch, ArgumentsArriveAsTheyWereGiven_L22) {
    TempFolder folder;
    for (const char *argument : {"two words", "a&b", "a|b", "<in >out", "c^d", "(e)", "!f!", "g\\",
                                 "x=y;z,w", "\xC3\xA4"}) {
        Pool pool;
        pool.command = Shim(folder, "shim.cmd", "@" + Program() + " %*\r\n");
        pool.args = {"--complain", argument};
        Bus bus(Config({pool}));
        bus.Start();
        bus.Until([&] { return !bus.stderr_lines.empty(); }, "the worker has complained");
        EXPECT_EQ(bus.stderr_lines[0].second, argument);
    }
}

TEST(WindowsBatch, AnArgumentThatCannotBePassedOnIsRefusedInWords) {
    TempFolder folder;
    Pool pool;
    pool.command = Shim(folder, "shim.cmd", "@" + Program() + "\r\n");
    pool.args = {"a\nb"};
    Bus bus(Config({pool}));
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
    ASSERT_FALSE(bus.errors.empty());
    EXPECT_NE(bus.errors.back().second.find("line break"), std::string::npos);
}

// --- Children ---------------------------------------------------------------------------------

TEST(WindowsChild, ACommandThatIsNowhereIsNamed) {
    Pool pool;
    pool.command = "no-such-command";
    Bus bus(Config({pool}));
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
    EXPECT_NE(bus.errors.back().second.find("cannot execute 'no-such-command'"), std::string::npos);
    EXPECT_NE(bus.errors.back().second.find("looked up on PATH"), std::string::npos);
}

TEST(WindowsChild, AWorkingDirectoryThatIsNowhereIsNamed) {
    Pool pool;
    pool.more = R"(,"cwd":"C:\\no such folder")";
    Bus bus(Config({pool}));
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
    EXPECT_NE(bus.errors.back().second.find("working directory 'C:\\no such folder'"),
              std::string::npos);
}

TEST(WindowsChild, RunsInItsFolderWithItsVariables) {
    TempFolder folder;
    fs::create_directory(fs::u8path(folder.Path("\xC3\xA4 b")));
    Pool pool;
    pool.more =
        ",\"cwd\":" + Quote(Native(folder.Path("\xC3\xA4 b"))) + ",\"env\":{\"MARK\":\"of ours\"}";
    Bus bus(Config({pool}));
    bus.Start();
    Json answer = bus.Ask("surroundings", R"({"name":"MARK"})");
    EXPECT_EQ(answer["result"]["value"].Text(), "of ours");
}

TEST(WindowsChild, ManyLivesOfWorkersLeaveNoHandle_A21) {
    auto live = [] {
        Bus bus(OnePool(2));
        bus.Start();
        bus.PidOf();
        bus.Stop();
    };
    auto handles = [] {
        DWORD count = 0;
        GetProcessHandleCount(GetCurrentProcess(), &count);
        return count;
    };
    for (int i = 0; i < 5; i++) // the system's thread pool and the like
        live();
    DWORD before = handles();
    for (int i = 0; i < 50; i++)
        live();
    EXPECT_LE(handles(), before + 3); // threads of the pool come and go
}

TEST(WindowsChild, DescriptorsOfTheCLibraryAreRefusedAsEmbeddedWorkers_A30) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(stdio_bus_register_embedded_worker(bus.get(), 3, 4, nullptr), STDIO_BUS_EINVAL);
}

TEST(WindowsChild, ThereIsNoDescriptorToPoll) {
    Bus bus(OnePool());
    EXPECT_EQ(stdio_bus_get_poll_fd(bus.get()), -1);
}

// --- Named pipes ------------------------------------------------------------------------------

std::string PipeName() {
    static int count = 0;
    return "\\\\.\\pipe\\stdio_bus_test." + std::to_string(GetCurrentProcessId()) + "." +
           std::to_string(++count);
}

// Asks on a thread of its own, as the other end blocks.
std::vector<std::string> AskThroughPipe(const std::string &name,
                                        const std::vector<std::string> &lines) {
    std::vector<std::string> answers;
    HANDLE pipe = INVALID_HANDLE_VALUE;
    while ((pipe = CreateFileA(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                               OPEN_EXISTING, 0, nullptr)) == INVALID_HANDLE_VALUE)
        if (GetLastError() != ERROR_PIPE_BUSY || !WaitNamedPipeA(name.c_str(), 30000))
            return answers;
    for (const auto &line : lines) {
        DWORD n;
        WriteFile(pipe, (line + "\n").data(), static_cast<DWORD>(line.size() + 1), &n, nullptr);
        answers.push_back(ReadLine(pipe));
    }
    CloseHandle(pipe);
    return answers;
}

TEST(WindowsPipe, SeveralClientsOfANamedPipeAreServedAtOnce_A27) {
    std::string name = PipeName();
    ListeningBus bus(OnePool(2), OnUnix(name));
    EXPECT_EQ(bus.endpoint, name);
    std::atomic<int> done{0};
    std::vector<std::string> answers[6];
    std::vector<std::thread> clients;
    for (int i = 0; i < 6; i++) // ids of equal length that stay as they are
        clients.emplace_back([&, i] {
            std::string first = std::to_string(10 + i), second = std::to_string(20 + i);
            answers[i] = AskThroughPipe(
                name, {Rpc(first, "echo"), Rpc(second, "big", R"({"bytes":200000})")});
            done++;
        });
    bus.Until([&] { return done == 6; }, "all clients are answered");
    for (auto &client : clients)
        client.join();
    for (const auto &mine : answers) {
        ASSERT_EQ(mine.size(), 2u);
        EXPECT_GT(Json::Parse(mine[0])["result"]["pid"].Number(), 0) << mine[0];
        EXPECT_EQ(mine[1].size(), 200000u);
    }
    bus.Until([&] { return bus.disconnects.size() == 6; }, "all clients have gone");
}

TEST(WindowsPipe, ANameThatIsTakenIsRefused_L14) {
    std::string name = PipeName();
    ListeningBus bus(OnePool(), OnUnix(name));
    Bus second(OnePool(), OnUnix(name));
    EXPECT_EQ(stdio_bus_start(second.get()), STDIO_BUS_ERR);
    ASSERT_FALSE(second.errors.empty());
    EXPECT_NE(second.errors[0].second.find("another process listens there"), std::string::npos)
        << second.errors[0].second;
}

TEST(WindowsPipe, TheNameIsFreeAgainAfterTheEnd) {
    std::string name = PipeName();
    for (int i = 0; i < 3; i++) {
        ListeningBus bus(OnePool(), OnUnix(name));
        bus.Stop();
    }
}

TEST(WindowsPipe, AnAnswerThatNobodyHasReadYetSurvivesTheEndOfTheBus) {
    std::string name = PipeName();
    std::string answer;
    std::thread client;
    {
        ListeningBus bus(OnePool(), OnUnix(name));
        client = std::thread([&] { answer = AskThroughPipe(name, {Rpc("1", "hold")}).at(0); });
        bus.Until([&] { return bus.Pending() == 1; }, "the request is with the worker");
        bus.Stop(1);
    }
    client.join();
    ExpectError(Json::Parse(answer), -32004);
}

} // namespace
