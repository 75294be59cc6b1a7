// A daemon that a host started for itself: what it is given through a descriptor, and that it goes
// with the host and not with the host's terminal.
#include <gtest/gtest.h>

#include <csignal>
#include <unistd.h>

#include "bus_fixture.h"
#include "daemon_config.h"
#include "daemon_process.h"
#include "socket_client.h"

namespace {

const char ready[] = R"({"jsonrpc":"2.0","method":"stdio_bus/ready"})";

std::string EndpointOf(Daemon &daemon) {
    std::string line = daemon.Logged("ready: ");
    return line.substr(line.rfind(' ') + 1);
}

TEST(DaemonHost, GivesTokenAndConfigurationAndIsToldWhenClientsAreServed) {
    Daemon daemon({"--host-fd", "0", "--tcp", "127.0.0.1:0"});
    daemon.Send("secret of the host");
    daemon.Send(OnePool());
    EXPECT_EQ(daemon.Line(), ready);
    Bus idle(OnePool()); // for its client's steps only
    idle.Start();
    std::string endpoint = EndpointOf(daemon);
    SocketClient right(endpoint), wrong(endpoint);
    wrong.Send(Rpc("1", "stdio_bus/auth", "{\"token\":\"secret\"}"));
    ExpectError(wrong.Next(idle), -32600);
    right.Send(Rpc("1", "stdio_bus/auth", "{\"token\":\"secret of the host\"}"));
    EXPECT_TRUE(right.Next(idle)["result"].Has("version"));
    // What else the host says there means nothing.
    daemon.Send("{}");
    right.Send(Rpc("2", "echo", "[5]"));
    EXPECT_EQ(right.Next(idle)["result"]["params"].Raw(), "[5]");
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
    EXPECT_NE(daemon.log.find("stopping: the host has gone"), std::string::npos) << daemon.log;
    EXPECT_EQ(daemon.log.find("secret"), std::string::npos);
    EXPECT_EQ(daemon.out, std::string(ready) + "\n");
}

TEST(DaemonHost, MayGiveNoTokenWhereNoneIsNeeded) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Daemon daemon({"--host-fd", "0", "--unix", path});
    daemon.Send("");
    daemon.Send(OnePool());
    EXPECT_EQ(daemon.Line(), ready);
    EXPECT_EQ(EndpointOf(daemon), path);
    daemon.CloseInput();
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonHost, WaitsForRequestsInFlightWhenItGoes) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Daemon daemon({"--host-fd", "0", "--unix", path});
    daemon.Send("\n" + OnePool());
    EXPECT_EQ(daemon.Line(), ready);
    Bus idle(OnePool());
    idle.Start();
    SocketClient client(path);
    client.Send(Rpc("1", "hold"));
    // The hold is with the worker when what was sent behind it has been answered.
    client.Send(Rpc("2", "echo", "[1]"));
    EXPECT_EQ(client.Next(idle)["id"].Number(), 2);
    daemon.CloseInput();
    daemon.Logged("stopping, 1 requests in flight");
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 128 + SIGTERM);
}

TEST(DaemonHost, IsNotLeftForASignalOfTheTerminal) {
    TempFolder folder;
    Daemon daemon({"--host-fd", "0", "--unix", folder.Path("bus.sock")});
    daemon.Send("\n" + OnePool());
    EXPECT_EQ(daemon.Line(), ready);
    daemon.Signal(SIGINT);
    Bus idle(OnePool());
    idle.Start();
    SocketClient client(folder.Path("bus.sock"));
    client.Send(Rpc("1", "echo", "[1]"));
    EXPECT_EQ(client.Next(idle)["id"].Number(), 1);
    daemon.Signal(SIGTERM);
    EXPECT_EQ(daemon.Wait(), 0);
}

TEST(DaemonHost, HasToGiveBothLines) {
    struct {
        std::string given, complaint;
    } cases[] = {
        {"", "descriptor 0: expected two lines, the access token and the configuration"},
        {"token\n{}", "descriptor 0: expected two lines, the access token and the configuration"},
        {std::string(1025, 'x') + "\n{}\n",
         "--host-fd 0: its first line is longer than 1024 bytes"},
        {"token\n{}\n", "descriptor 0: $.pools"},
        {"token\n" + std::string(5 * 1024 * 1024, ' ') + "\n", "descriptor 0: "},
    };
    for (auto &c : cases) {
        Daemon daemon({"--host-fd", "0", "--tcp", "127.0.0.1:0"});
        daemon.Write(c.given);
        daemon.CloseInput();
        EXPECT_EQ(daemon.Wait(), 2) << c.complaint;
        EXPECT_EQ(daemon.log.rfind("stdio_bus: " + c.complaint, 0), 0u) << daemon.log;
        EXPECT_EQ(daemon.out, "");
    }
}

TEST(DaemonOwnGroup, IsLeftToTheTerminalUnlessItIsAskedFor) {
    ConfigFile config(OnePool());
    for (bool own : {false, true}) {
        std::vector<std::string> arguments{"--config", config.Path()};
        if (own)
            arguments.push_back("--own-group");
        Daemon daemon(arguments);
        daemon.Logged("ready: ");
        EXPECT_EQ(getpgid(daemon.Pid()), own ? daemon.Pid() : getpgrp());
        daemon.CloseInput();
        EXPECT_EQ(daemon.Wait(), 0);
    }
    Daemon::Ends ends;
    ends.own_group = true;
    Daemon leader({"--config", config.Path(), "--own-group"}, ends);
    leader.Logged("ready: ");
    EXPECT_EQ(leader.log.find("--own-group"), std::string::npos) << "it has one already";
    leader.CloseInput();
    EXPECT_EQ(leader.Wait(), 0);
}

} // namespace
