// Where a bus listens, what it refuses to listen on, and what it leaves behind.
#include "connection.h"
#include "socket_client.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "os/os.h"
}

namespace {

// A listening socket that nobody serves, as a program that crashed leaves it behind.
int BoundSocket(const std::string &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd, 4), 0);
    return fd;
}

// Expects that the bus does not start and that the reason holds `part`.
void ExpectRefusal(Bus &bus, const std::string &part) {
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR);
    ASSERT_FALSE(bus.errors.empty());
    EXPECT_NE(bus.errors.back().second.find(part), std::string::npos) << bus.errors.back().second;
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
    EXPECT_EQ(bus.EventsOf(0, "started"), 0u) << "the listener comes first";
}

class Loopback : public testing::TestWithParam<std::pair<const char *, const char *>> {};

TEST_P(Loopback, IsListenedOnAtAPortThatTheSystemChooses_A25) {
    Bus bus(OnePool(), OnTcp(GetParam().first));
    EXPECT_STREQ(stdio_bus_listen_endpoint(bus.get()), "");
    bus.Start();
    std::string endpoint = stdio_bus_listen_endpoint(bus.get());
    EXPECT_EQ(endpoint.rfind(GetParam().second, 0), 0u) << endpoint;
    EXPECT_NE(endpoint.substr(endpoint.rfind(':')), ":0");
    SocketClient client(endpoint);
    EXPECT_EQ(client.Ask(bus, Rpc("1", "echo"))["result"]["pid"].Number(), bus.Worker(0).pid);
    EXPECT_EQ(bus.connects.size(), 1u);
    EXPECT_EQ(stdio_bus_client_count(bus.get()), 1);
    bus.Stop();
    EXPECT_FALSE(SocketClient::CanConnect(endpoint));
}

INSTANTIATE_TEST_SUITE_P(Listener, Loopback,
                         testing::Values(std::make_pair(nullptr, "127.0.0.1:"),
                                         std::make_pair("127.0.0.1", "127.0.0.1:"),
                                         std::make_pair("::1", "[::1]:"),
                                         std::make_pair("localhost", "")));

TEST(Listener, AnAddressThatIsNotThisMachinesOwnIsRefused) {
    for (auto [host, where] : {std::pair{"0.0.0.0", "'0.0.0.0:0'"}, std::pair{"::", "'[::]:0'"}}) {
        Bus bus(OnePool(), OnTcp(host));
        ExpectRefusal(bus, where);
        EXPECT_NE(bus.errors.back().second.find("without an access token"), std::string::npos);
    }
}

TEST(Listener, ANameNobodyKnowsIsRefused_L15) {
    Bus bus(OnePool(), OnTcp("no-such-host.invalid"));
    ExpectRefusal(bus, "no-such-host.invalid");
}

TEST(Listener, APortInUseIsRefusedBeforeAnyWorkerStarts_L15) {
    Bus first(OnePool(), OnTcp("127.0.0.1"));
    first.Start();
    std::string endpoint = stdio_bus_listen_endpoint(first.get());
    auto port = static_cast<uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
    Bus second(OnePool(), OnTcp("127.0.0.1", port));
    ExpectRefusal(second, std::to_string(port));
}

TEST(Listener, APortIsFreeForTheNextBusAtOnce) {
    uint16_t port = 0;
    for (int round = 0; round < 3; round++) {
        Bus bus(OnePool(), OnTcp("127.0.0.1", port));
        bus.Start();
        std::string endpoint = stdio_bus_listen_endpoint(bus.get());
        port = static_cast<uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
        SocketClient client(endpoint);
        EXPECT_TRUE(client.Ask(bus, Rpc("1", "echo")).Has("result"));
        bus.Stop();
    }
}

TEST(Listener, AUnixSocketIsForThisUserAloneAndGoneAtTheEnd_L14) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    struct stat status {};
    {
        Bus bus(OnePool(), OnUnix(path));
        EXPECT_NE(stat(path.c_str(), &status), 0) << "not before start";
        bus.Start();
        EXPECT_EQ(stdio_bus_listen_endpoint(bus.get()), path);
        ASSERT_EQ(stat(path.c_str(), &status), 0);
        EXPECT_TRUE(S_ISSOCK(status.st_mode));
        EXPECT_EQ(status.st_mode & 0777, 0600u);
        SocketClient client(path);
        EXPECT_TRUE(client.Ask(bus, Rpc("1", "echo")).Has("result"));
        bus.Stop();
        EXPECT_NE(stat(path.c_str(), &status), 0) << "removed by stop";
    }
    {
        Bus bus(OnePool(), OnUnix(path));
        bus.Start();
    }
    EXPECT_NE(stat(path.c_str(), &status), 0) << "removed by destroy";
}

TEST(Listener, AStaleSocketIsReplaced_L14) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    close(BoundSocket(path));
    Bus bus(OnePool(), OnUnix(path));
    bus.Start();
    SocketClient client(path);
    EXPECT_TRUE(client.Ask(bus, Rpc("1", "echo")).Has("result"));
}

TEST(Listener, ALiveSocketIsLeftAlone_L14) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    int live = BoundSocket(path);
    {
        Bus bus(OnePool(), OnUnix(path));
        ExpectRefusal(bus, path);
    }
    EXPECT_TRUE(SocketClient::CanConnect(path));
    close(live);
}

TEST(Listener, AFileThatIsNoSocketIsLeftAlone_L14) {
    TempFolder folder;
    std::string path = folder.Path("precious");
    std::ofstream(path) << "data";
    {
        Bus bus(OnePool(), OnUnix(path));
        ExpectRefusal(bus, path);
    }
    std::ifstream file(path);
    std::string text;
    file >> text;
    EXPECT_EQ(text, "data");
}

TEST(Listener, AFileThatTookTheSocketsPlaceIsLeftAlone_L14) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Bus bus(OnePool(), OnUnix(path));
    bus.Start();
    ASSERT_EQ(unlink(path.c_str()), 0);
    std::ofstream(path) << "another's";
    bus.Stop();
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

// Listens at the path, tells whether that went well, and stays until it is killed.
pid_t Starter(const std::string &path, int gate, int report) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char byte, why[512];
    sb_source source;
    sb_socket_file file;
    while (read(gate, &byte, 1) < 0)
        continue; // until all of them are let go at once
    byte = sb_listen_unix(path.c_str(), &source, &file, why, sizeof why) == 0 ? 'y' : 'n';
    if (byte == 'n' && !std::strstr(why, "another process listens there"))
        byte = '?';
    if (write(report, &byte, 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

TEST(Listener, OfManyThatStartAtOnceOnAStaleSocketOneGetsItAndKeepsIt_L14) {
    TempFolder folder;
    constexpr int kStarters = 8;
    for (int round = 0; round < 25; round++) {
        std::string path = folder.Path("bus" + std::to_string(round));
        if (round % 5) // sometimes there is nothing at the path
            close(BoundSocket(path));
        int gate[2], report[2];
        ASSERT_EQ(pipe(gate), 0);
        ASSERT_EQ(pipe(report), 0);
        std::vector<pid_t> starters;
        for (int i = 0; i < kStarters; i++)
            starters.push_back(Starter(path, gate[0], report[1]));
        ASSERT_EQ(write(gate[1], "gggggggg", kStarters), kStarters);
        std::string reports;
        for (char byte; reports.size() < kStarters && read(report[0], &byte, 1) == 1;)
            reports += byte;
        std::sort(reports.begin(), reports.end());
        EXPECT_EQ(reports, "nnnnnnny");
        EXPECT_TRUE(SocketClient::CanConnect(path)) << "whoever has it can be reached";
        EXPECT_NE(access((path + ".lock").c_str(), F_OK), 0) << "nothing else is left there";
        for (pid_t pid : starters) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
        for (int fd : {gate[0], gate[1], report[0], report[1]})
            close(fd);
    }
}

TEST(Listener, AFileWithTheNameOfTheLockIsLeftAlone_L14) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    std::ofstream(path + ".lock") << "precious";
    Bus bus(OnePool(), OnUnix(path));
    ExpectRefusal(bus, path + ".lock");
    std::string text;
    std::ifstream(path + ".lock") >> text;
    EXPECT_EQ(text, "precious");
}

// What the mode of the file does not keep out is turned away by its number.
TEST(Listener, AProcessOfAnotherUserIsTurnedAway_L14) {
    if (geteuid() != 0)
        GTEST_SKIP() << "only root can become somebody else";
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Bus bus(OnePool(), OnUnix(path));
    bus.Start();
    ASSERT_EQ(chmod(folder.Path(".").c_str(), 0755), 0);
    auto connect_as_nobody = [&] {
        pid_t pid = StartConnectAsNobody(path);
        int status = 0;
        bus.Until([&] { return waitpid(pid, &status, WNOHANG) == pid; }, "it has tried");
        return WEXITSTATUS(status);
    };
    EXPECT_EQ(connect_as_nobody(), kNotAllowed) << "by the file's mode";
    ASSERT_EQ(chmod(path.c_str(), 0666), 0);
    EXPECT_EQ(connect_as_nobody(), kClosed) << "without a word";
    EXPECT_TRUE(bus.HasLogged("refused a connection of another user"));
    EXPECT_EQ(bus.Stats().client_connects, 0u);
    SocketClient own(path);
    EXPECT_TRUE(own.Ask(bus, Rpc("1", "echo")).Has("result"));
}

TEST(Listener, APathTooLongForASocketIsRefusedInWords) {
    TempFolder folder;
    Bus bus(OnePool(), OnUnix(folder.Path(std::string(200, 'x'))));
    ExpectRefusal(bus, "xxxx");
}

TEST(Listener, AClientBeyondTheLimitIsToldSoAndTurnedAway_L36) {
    Bus bus(OnePool(1, R"("max_clients":2)"), OnTcp(nullptr));
    bus.Start();
    std::string endpoint = stdio_bus_listen_endpoint(bus.get());
    SocketClient a(endpoint), b(endpoint);
    EXPECT_TRUE(a.Ask(bus, Rpc("1", "echo")).Has("result"));
    EXPECT_TRUE(b.Ask(bus, Rpc("1", "echo")).Has("result"));
    SocketClient beyond(endpoint);
    Json refusal = beyond.Next(bus);
    ExpectError(refusal, -32003);
    EXPECT_NE(refusal["error"].Raw().find("max_clients"), std::string::npos) << refusal.Raw();
    EXPECT_TRUE(beyond.IsEnded(bus));
    EXPECT_EQ(stdio_bus_client_count(bus.get()), 2);
    EXPECT_TRUE(a.Ask(bus, Rpc("2", "echo")).Has("result"));
    b.Close();
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 1; }, "b has left"));
    SocketClient next(endpoint);
    EXPECT_TRUE(next.Ask(bus, Rpc("1", "echo")).Has("result"));
}

TEST(Listener, ClientsAreNumberedFromOneAndTheirEndsReported) {
    Bus bus(OnePool(), OnTcp(nullptr));
    bus.Start();
    std::string endpoint = stdio_bus_listen_endpoint(bus.get());
    for (int round = 1; round <= 3; round++) {
        SocketClient client(endpoint);
        client.Ask(bus, Rpc("1", "echo"));
        ASSERT_EQ(bus.connects.size(), static_cast<size_t>(round));
        EXPECT_EQ(bus.connects.back().first, round);
        EXPECT_FALSE(bus.connects.back().second.empty());
        client.Close();
        ASSERT_TRUE(bus.Until([&] { return bus.disconnects.size() == bus.connects.size(); },
                              "its end is reported"));
        EXPECT_EQ(bus.disconnects.back().first, round);
        EXPECT_FALSE(bus.disconnects.back().second.empty());
    }
    EXPECT_EQ(bus.Stats().client_connects, 3u);
    EXPECT_EQ(bus.Stats().client_disconnects, 3u);
    EXPECT_EQ(stdio_bus_client_count(bus.get()), 0);
}

} // namespace
