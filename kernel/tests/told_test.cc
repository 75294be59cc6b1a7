// What annotated clients are told beyond their own messages: which of the requests that they gave
// up are over, and what workers wrote that is no message.
#include "trusted_bus.h"

namespace {

// --- Requests that were given up -----------------------------------------------------------------

TEST(SettledClient, OneThatAskedForItIsToldByTheIdThatItSent) {
    TrustedBus bus;
    SocketClient client(bus.path), other(bus.path);
    EXPECT_EQ(Annotate(bus, client)["tells"].Raw(),
              R"(["placed","settled","worker","skipped","log"])");
    Annotate(bus, other);
    client.Send(Beside(R"({"tell":true})", Rpc(R"("\u0061")", "hold")));
    client.Send(Beside(R"({"tell":false})", Rpc("2", "hold")));
    EXPECT_EQ(Told(bus, client, "placed")["id"].Raw(), R"("\u0061")");
    client.Send(Rpc("", "stdio_bus/forget", R"({"id":"a"})"));
    client.Send(Rpc("", "stdio_bus/forget", R"({"id":2})"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 0; }, "both are given up"));
    EXPECT_EQ(client.Waiting(), 0u);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    EXPECT_EQ(Told(bus, client, "settled").Raw(), R"({"id":"\u0061"})");
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 2; }, "both came late"));
    EXPECT_EQ(client.Waiting() + other.Waiting(), 0u);
    EXPECT_TRUE(bus.settled.empty()) << "the host has not given anything up";
}

TEST(SettledClient, OneThatWaitedForAWorkerIsOverAtOnce) {
    TrustedBus bus;
    bus.LoseWorkerForAWhile();
    SocketClient client(bus.path);
    Annotate(bus, client);
    client.Send(Beside(R"({"tell":true})", Rpc("1", "waits")));
    client.Send(Rpc("\"f\"", "stdio_bus/forget", R"({"id":1})"));
    EXPECT_EQ(Told(bus, client, "settled").Raw(), R"({"id":1})");
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "\"f\"");
}

TEST(SettledClient, OneThatHasLeftIsNotTold) {
    TrustedBus bus;
    {
        SocketClient client(bus.path);
        Annotate(bus, client);
        client.Send(Beside(R"({"tell":true})", Rpc("1", "hold")));
        client.Send(Beside(R"({"tell":true})", Rpc("2", "hold")));
        client.Send(Rpc("", "stdio_bus/forget", R"({"id":1})"));
        ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "one is in flight"));
    }
    ASSERT_TRUE(bus.Until([&] { return stdio_bus_client_count(bus.get()) == 0; }, "it has left"));
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 2; }, "both came late"));
    EXPECT_EQ(bus.Counters().dropped_notifications, 0u);
}

// --- Lines that are no message -------------------------------------------------------------------

TEST(SkippedClient, AnnotatedClientsAreToldAndNoOthers) {
    TrustedBus bus;
    SocketClient annotated(bus.path), plain(bus.path);
    Annotate(bus, annotated);
    plain.Ask(bus, Rpc("1", "echo"));
    bus.Ask("say", Line("a \"b\" \x01("));
    bus.Ask("say", Line("more"));
    Json told = Told(bus, annotated, "skipped");
    EXPECT_EQ(told["worker"].Raw(), "0");
    EXPECT_EQ(told["reason"].Text(), "not valid JSON");
    EXPECT_EQ(told["line"].Text(), "a \"b\" \x01(");
    EXPECT_EQ(annotated.Waiting() + plain.Waiting(), 0u);
}

TEST(SkippedClient, WhoeverIsAnnotatedLaterIsToldOfWhatThereIsOnce) {
    TrustedBus bus(OnePool(2));
    bus.Ask("say", Line("banner"), {nullptr, nullptr, 1});
    SocketClient client(bus.path);
    Annotate(bus, client);
    EXPECT_EQ(Told(bus, client, "skipped").Raw(),
              R"({"worker":1,"reason":"not valid JSON","line":"banner"})");
    Annotate(bus, client, R"({"log":"error"})");
    EXPECT_EQ(client.Waiting(), 0u);
    ExpectError(bus.Ask("exit", "", {nullptr, nullptr, 1}), -32002);
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(1, "started") == 2; }, "it runs again"));
    SocketClient other(bus.path);
    Annotate(bus, other);
    EXPECT_EQ(other.Waiting(), 0u) << "the process that wrote it is gone";
}

} // namespace
