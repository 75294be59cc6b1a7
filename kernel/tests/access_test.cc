// The access token of a TCP listener: who gets in, who is turned away, and that strangers cost
// nobody else anything.
#include "socket_client.h"

#include <unistd.h>

namespace {

const char kToken[] = "correct horse \"battery\" \xC3\xA9";

std::string Auth(const std::string &token, const std::string &id = "1",
                 const std::string &member = "token") {
    std::string escaped;
    for (char c : token) {
        if (c == '"' || c == '\\')
            escaped += '\\';
        escaped += c;
    }
    return Rpc(id, "stdio_bus/auth", "{\"" + member + "\":\"" + escaped + "\"}");
}

// A bus whose TCP clients must show kToken.
struct GuardedBus : Bus {
    explicit GuardedBus(const std::string &config = OnePool(), const char *host = nullptr)
        : Bus(config, OnTcp(host)) {
        EXPECT_EQ(stdio_bus_set_access_token(get(), kToken), STDIO_BUS_OK);
        Start();
        endpoint = stdio_bus_listen_endpoint(get());
    }
    std::string endpoint;
};

void ExpectTurnedAway(Bus &bus, SocketClient &client) {
    Json answer = client.Next(bus);
    ExpectError(answer, -32600);
    EXPECT_EQ(answer["id"].Raw(), "null");
    EXPECT_EQ(answer["error"]["message"].Text(), "Not authorized");
    client.EndSending();
    EXPECT_TRUE(client.IsEnded(bus));
    EXPECT_EQ(client.Waiting(), 0u);
}

TEST(Access, TheRightTokenInTheFirstLineLetsAClientIn) {
    GuardedBus bus;
    SocketClient client(bus.endpoint);
    Json welcome = client.Ask(bus, Auth(kToken, "\"a\""));
    EXPECT_EQ(welcome["id"].Raw(), "\"a\"");
    EXPECT_EQ(welcome["result"]["version"].Text(), stdio_bus_version());
    EXPECT_EQ(client.Ask(bus, Rpc("2", "echo"))["result"]["pid"].Number(), bus.Worker(0).pid);
    EXPECT_EQ(stdio_bus_client_count(bus.get()), 1);
    EXPECT_EQ(bus.connects.size(), 1u);
}

TEST(Access, WhatFollowsTheTokenInTheSameWriteIsServed) {
    GuardedBus bus(OnePool(1, "\"max_input_buffer\":1048576"));
    SocketClient client(bus.endpoint);
    std::string big(500000, 'x'); // far over what a stranger may send
    client.Send(Auth(kToken) + "\n" + Rpc("2", "echo", "{\"text\":\"" + big + "\"}"));
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
    EXPECT_EQ(client.Next(bus)["result"]["params"]["text"].Text(), big);
}

TEST(Access, AnEscapedTokenAndMethodMeanTheSame) {
    GuardedBus bus;
    SocketClient client(bus.endpoint);
    client.Send(R"({"id":1,"method":"stdio_bus\/auth","params":{"token":)"
                R"("\u0063orrect horse \u0022battery\" \u00e9"}})");
    EXPECT_TRUE(client.Next(bus)["result"].Has("version"));
}

class Refused : public testing::TestWithParam<std::string> {};

TEST_P(Refused, AnyOtherFirstLineIsAnsweredOnceAndTheConnectionClosed) {
    GuardedBus bus;
    SocketClient client(bus.endpoint);
    client.Send(GetParam() + "\n" + Auth(kToken) + "\n" + Rpc("9", "echo"));
    ExpectTurnedAway(bus, client);
    EXPECT_EQ(stdio_bus_client_count(bus.get()), 0);
    EXPECT_TRUE(bus.connects.empty()) << "it never was a client";
    EXPECT_TRUE(bus.disconnects.empty());
    EXPECT_EQ(bus.Worker(0).messages_out, 0u) << "no worker may hear of it";
    for (const auto &log : bus.logs)
        EXPECT_EQ(log.second.find("battery"), std::string::npos) << "no token in the log";
}

INSTANTIATE_TEST_SUITE_P(Access, Refused,
                         testing::Values(Auth("wrong"), Auth(std::string(kToken) + "x"),
                                         Auth(std::string(kToken, sizeof kToken - 2)), Auth(""),
                                         Rpc("1", "echo"), // a client that knows nothing of tokens
                                         Rpc("1", "stdio_bus/stats"),
                                         Rpc("", "stdio_bus/auth", "{\"token\":1}"),
                                         Rpc("1", "stdio_bus/auth"),
                                         Rpc("1", "stdio_bus/auth", "[\"x\"]"),
                                         Rpc("1", "stdio_bus/auth", "{\"token\":null}"),
                                         Auth(kToken, "1", "token\\u0000"), "GET / HTTP/1.1",
                                         "{\"id\":1", std::string(1 << 20, 'x')));

TEST(Access, AStrangerWhoStaysSilentIsTurnedAwayAfterThreeSeconds) {
    GuardedBus bus;
    SocketClient client(bus.endpoint), half(bus.endpoint);
    half.SendBytes(Auth(kToken).substr(0, 20));
    ExpectTurnedAway(bus, client);
    ExpectTurnedAway(bus, half);
    EXPECT_TRUE(bus.HasLogged("no access token within three seconds"));
}

TEST(Access, AStrangerWhoIsTurnedAwayAndDoesNotGoIsClosed) {
    GuardedBus bus;
    SocketClient client(bus.endpoint);
    client.Send("nonsense");
    ExpectError(client.Next(bus), -32600);
    EXPECT_TRUE(client.IsEnded(bus)) << "though it never ended its own side";
}

TEST(Access, StrangersTakeNoPlaceOfAClient) {
    GuardedBus bus(OnePool(1, "\"max_clients\":2"));
    std::vector<std::unique_ptr<SocketClient>> strangers;
    for (int i = 0; i < 300; i++) { // more than are let to wait, too
        strangers.push_back(std::make_unique<SocketClient>(bus.endpoint));
        bus.Settle();
    }
    SocketClient a(bus.endpoint), b(bus.endpoint), c(bus.endpoint);
    EXPECT_TRUE(a.Ask(bus, Auth(kToken))["result"].Has("version"));
    EXPECT_TRUE(b.Ask(bus, Auth(kToken))["result"].Has("version"));
    Json full = c.Ask(bus, Auth(kToken));
    ExpectError(full, -32003);
    EXPECT_EQ(full["error"]["data"]["reason"].Text(), "max_clients is reached");
    EXPECT_TRUE(strangers[0]->IsEnded(bus)) << "the longest there made room";
    EXPECT_EQ(a.Ask(bus, Rpc("2", "echo"))["id"].Raw(), "2");
}

TEST(Access, AUnixSocketNeedsNoToken) {
    TempFolder folder;
    std::string path = folder.Path("bus.sock");
    Bus bus(OnePool(), OnUnix(path));
    ASSERT_EQ(stdio_bus_set_access_token(bus.get(), kToken), STDIO_BUS_OK);
    bus.Start();
    SocketClient client(path);
    EXPECT_EQ(client.Ask(bus, Rpc("1", "echo"))["id"].Raw(), "1");
    EXPECT_TRUE(client.Ask(bus, Auth("anything"))["result"].Has("version"))
        << "the peer is known already";
}

TEST(Access, WithATokenAnyAddressCanBeListenedOn) {
    GuardedBus bus(OnePool(), "0.0.0.0");
    EXPECT_EQ(bus.endpoint.rfind("0.0.0.0:", 0), 0u) << bus.endpoint;
    SocketClient client("127.0.0.1" + bus.endpoint.substr(bus.endpoint.rfind(':')));
    EXPECT_TRUE(client.Ask(bus, Auth(kToken))["result"].Has("version"));
}

TEST(Access, ATokenIsSetBeforeTheStartAndHas1To1024Bytes) {
    Bus bus(OnePool());
    EXPECT_EQ(stdio_bus_set_access_token(bus.get(), ""), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_set_access_token(bus.get(), std::string(1025, 'x').c_str()),
              STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_set_access_token(bus.get(), std::string(1024, 'x').c_str()), STDIO_BUS_OK);
    EXPECT_EQ(stdio_bus_set_access_token(bus.get(), nullptr), STDIO_BUS_OK);
    EXPECT_EQ(stdio_bus_set_access_token(nullptr, "x"), STDIO_BUS_EINVAL);
    bus.Start();
    EXPECT_EQ(stdio_bus_set_access_token(bus.get(), "x"), STDIO_BUS_ERR_STATE);
}

TEST(Access, StoppingDoesNotWaitForStrangers) {
    GuardedBus bus;
    SocketClient stranger(bus.endpoint);
    bus.Settle();
    EXPECT_LT(bus.Stop(), 2500) << "shorter than a stranger may stay";
    EXPECT_TRUE(stranger.IsEnded(bus));
}

} // namespace
