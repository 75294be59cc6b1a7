// Which worker a message of the host goes to, and what becomes of one that no worker can take.
#include "bus_fixture.h"

namespace {

std::string Held(int id) {
    return Rpc(std::to_string(id), "hold");
}

// --- Pools ----------------------------------------------------------------------------------

TEST(Routing, AnUnknownPoolIsAnsweredWithTheNamesOfThosePresent_L8) {
    Bus bus(Config({{"alpha"}, {"beta"}}));
    bus.Start();
    uint64_t cookie = bus.Cookie();
    ASSERT_EQ(bus.Send(Rpc("\"q\"", "echo"), {"gamma", nullptr, -1, 0, cookie}), 0);
    Json answer = bus.Answer(cookie);
    ExpectError(answer, -32602);
    EXPECT_EQ(answer["id"].Raw(), "\"q\"");
    for (const char *name : {"alpha", "beta", "gamma"})
        EXPECT_NE(answer["error"].Raw().find(name), std::string::npos) << answer.Raw();
    EXPECT_EQ(bus.messages.back().worker, -1);
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Stats().routing_errors, 1u);
}

TEST(Routing, WithSeveralPoolsOneMustBeNamed_L8) {
    Bus bus(Config({{"alpha"}, {"beta"}}));
    bus.Start();
    Json answer = bus.Ask("echo");
    ExpectError(answer, -32602);
    EXPECT_NE(answer["error"].Raw().find("alpha"), std::string::npos);
    EXPECT_NE(answer["error"].Raw().find("beta"), std::string::npos);
}

TEST(Routing, TheMembersOfTheMessageRouteItWhenNothingStandsBeside_L9) {
    Bus bus(Config({{"alpha"}, {"beta"}}));
    bus.Start();
    ASSERT_EQ(bus.Ingest(Rpc("1", "echo", "", R"(,"pool":"beta")")), 0);
    EXPECT_EQ(bus.Next().worker, 1);
    ASSERT_EQ(bus.Ingest(Rpc("2", "echo", "", R"(,"p\u006fol":"bet\u0061")")), 0);
    EXPECT_EQ(bus.Next().worker, 1);
    ASSERT_EQ(bus.Send(Rpc("3", "echo", "", R"(,"pool":"beta")"), {"alpha"}), 0);
    EXPECT_EQ(bus.Next().worker, 0);
}

TEST(Routing, ANotificationThatCannotBeRoutedIsRefusedWithItsReason) {
    Bus bus(Config({{"alpha"}, {"beta"}}));
    bus.Start();
    EXPECT_EQ(bus.Send(Rpc("", "note"), {"gamma"}), STDIO_BUS_ERR_ROUTING);
    EXPECT_EQ(bus.Ingest(Rpc("", "note")), STDIO_BUS_ERR_ROUTING);
    ASSERT_EQ(bus.errors.size(), 2u);
    EXPECT_EQ(bus.errors[0].first, STDIO_BUS_ERR_ROUTING);
    EXPECT_NE(bus.errors[0].second.find("gamma"), std::string::npos);
    EXPECT_EQ(bus.Stats().routing_errors, 2u);
    EXPECT_TRUE(bus.messages.empty());
}

TEST(Routing, AnExplicitWorkerGetsTheMessageWhateverTheLoad) {
    Bus bus(OnePool(3));
    bus.Start();
    for (int i = 0; i < 4; i++)
        ASSERT_EQ(bus.Send(Held(i), {nullptr, nullptr, 2}), 0);
    EXPECT_EQ(bus.PidOf({nullptr, nullptr, 2}), bus.Worker(2).pid);
    EXPECT_EQ(bus.Worker(2).pending, 4u);
}

// --- Least load -----------------------------------------------------------------------------

TEST(Routing, TheLeastLoadedWorkerTakesWhatHasNoSession_L39) {
    Bus bus(OnePool(2));
    bus.Start();
    for (int i = 0; i < 3; i++)
        ASSERT_EQ(bus.Send(Held(i), {nullptr, nullptr, 0}), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bus.PidOf(), bus.Worker(1).pid);
    EXPECT_EQ(bus.Worker(0).pending, 3u);
    EXPECT_EQ(bus.Worker(1).pending, 0u);
}

TEST(Routing, ANewSessionGoesToTheWorkerWithFewestPendingThenFewestSessions) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(bus.Send(Held(1), {nullptr, nullptr, 0}), 0);
    EXPECT_EQ(bus.PidOf({nullptr, "a"}), bus.Worker(1).pid);
    EXPECT_EQ(bus.PidOf({nullptr, "b"}), bus.Worker(1).pid) << "worker 0 still has one pending";
    ASSERT_EQ(bus.Send(Rpc("", "release"), {nullptr, nullptr, 0}), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).pending == 0; }, "worker 0 is free"));
    EXPECT_EQ(bus.PidOf({nullptr, "c"}), bus.Worker(0).pid);
    EXPECT_EQ(bus.PidOf({nullptr, "d"}), bus.Worker(0).pid) << "1 session against 2";
    EXPECT_EQ(bus.Worker(0).sessions, 2u);
    EXPECT_EQ(bus.Worker(1).sessions, 2u);
}

// --- Sessions -------------------------------------------------------------------------------

TEST(Routing, ASessionIsNotLeftForALessLoadedWorker) {
    Bus bus(OnePool(2));
    bus.Start();
    pid_t pid = bus.PidOf({nullptr, "s"});
    for (int i = 0; i < 5; i++)
        ASSERT_EQ(bus.Send(Held(i), {nullptr, "s"}), 0);
    EXPECT_EQ(bus.PidOf({nullptr, "s"}), pid);
}

TEST(Routing, ANotificationFollowsItsSessionToo) {
    Bus bus(OnePool(3));
    bus.Start();
    bus.PidOf({nullptr, "other"});
    bus.PidOf({nullptr, "s"});
    ASSERT_EQ(bus.Send(Rpc("", "for s"), {nullptr, "s"}), 0);
    Json heard = bus.Ask("heard", "", {nullptr, "s"})["result"]["lines"];
    ASSERT_EQ(heard.Size(), 2u);
    EXPECT_EQ(heard[1].Text(), Rpc("", "for s"));
}

TEST(Routing, TheRouteBesideTheMessageWinsOverTheMemberInIt) {
    Bus bus(OnePool(2));
    bus.Start();
    pid_t a = bus.PidOf({nullptr, "a"}), b = bus.PidOf({nullptr, "b"});
    ASSERT_NE(a, b);
    ASSERT_EQ(bus.Send(Rpc("1", "echo", "", R"(,"sessionId":"a")"), {nullptr, "b", -1, 0, 99}), 0);
    EXPECT_EQ(bus.Answer(99)["result"]["pid"].Number(), b);
    ASSERT_EQ(bus.Send(Rpc("2", "echo", "", R"(,"sessionId":"a")"), {nullptr, nullptr, -1, 0, 98}),
              0);
    EXPECT_EQ(bus.Answer(98)["result"]["pid"].Number(), a);
}

TEST(Routing, SessionNamesCompareByTheirDecodedText) {
    Bus bus(OnePool(2));
    bus.Start();
    pid_t pid = bus.PidOf({nullptr, "ab"});
    bus.PidOf({nullptr, "other"});
    ASSERT_EQ(bus.Send(Rpc("1", "echo", "", R"(,"sessi\u006fnId":"a\u0062")"),
                       {nullptr, nullptr, -1, 0, 99}),
              0);
    EXPECT_EQ(bus.Answer(99)["result"]["pid"].Number(), pid);
    EXPECT_EQ(bus.Sessions(), 2);
}

TEST(Routing, TheSameSessionNameInTwoPoolsIsTwoSessions) {
    Bus bus(Config({{"a", 2}, {"b", 2}}));
    bus.Start();
    EXPECT_NE(bus.PidOf({"a", "s"}), bus.PidOf({"b", "s"}));
    EXPECT_EQ(bus.Sessions(), 2);
}

TEST(Routing, ASessionInParamsGoesWhereItIsBound) {
    Bus bus(OnePool(2));
    bus.Start();
    pid_t pid = bus.PidOf({nullptr, "s"});
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bus.Ask("echo", R"({"sessionId":"s"})")["result"]["pid"].Number(), pid);
    EXPECT_EQ(bus.Sessions(), 1);
}

// As when a client loads a session of an earlier run: nobody handed it out in this one.
TEST(Routing, ASessionFirstSeenInParamsStaysWithTheWorkerThatGotIt) {
    Bus bus(OnePool(2));
    bus.Start();
    long long pid = bus.Ask("echo", R"({"sessionId":"s"})")["result"]["pid"].Number();
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bus.Ask("echo", R"({"sessionId":"s"})")["result"]["pid"].Number(), pid);
}

TEST(Routing, AKnownSessionNamesItsPoolToo) {
    Bus bus(Config({{"a"}, {"b"}}));
    bus.Start();
    pid_t pid = bus.PidOf({"b", "s"});
    EXPECT_EQ(bus.PidOf({nullptr, "s"}), pid);
    EXPECT_EQ(bus.Ask("echo", R"({"sessionId":"s"})")["result"]["pid"].Number(), pid);
}

TEST(Routing, ASessionThatAWorkerHandsOutIsBoundToThatWorker) {
    Bus bus(OnePool(3));
    bus.Start();
    Route third{nullptr, nullptr, 2};
    Json answer = bus.Ask("answer", With(R"("result":{"sessionId":"fresh"})"), third);
    ASSERT_EQ(answer["result"]["sessionId"].Text(), "fresh");
    EXPECT_EQ(bus.Sessions(), 1);
    EXPECT_EQ(bus.Worker(2).sessions, 1u);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(bus.Ask("echo", R"({"sessionId":"fresh"})")["result"]["pid"].Number(),
                  bus.Worker(2).pid);
    EXPECT_EQ(bus.PidOf({nullptr, "fresh"}), bus.Worker(2).pid);
}

TEST(Routing, MembersOfAnotherTypeAreNoRouting) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo", "", R"(,"sessionId":5,"pool":["p"])"),
                       {nullptr, nullptr, -1, 0, 99}),
              0);
    EXPECT_TRUE(bus.Answer(99).Has("result"));
    EXPECT_EQ(bus.Sessions(), 0);
}

// --- What is no message ---------------------------------------------------------------------

class NoMessage : public testing::TestWithParam<std::string> {};

TEST_P(NoMessage, IsRefusedAndReportedAndReachesNobody_L37) {
    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(bus.Ingest(GetParam()), STDIO_BUS_ERR_INVALID);
    EXPECT_EQ(bus.Send(GetParam()), STDIO_BUS_ERR_INVALID);
    ASSERT_EQ(bus.errors.size(), 2u);
    EXPECT_EQ(bus.errors[0].first, STDIO_BUS_ERR_INVALID);
    EXPECT_EQ(bus.Ask("heard")["result"]["lines"].Size(), 0u);
    EXPECT_EQ(bus.Pending(), 0);
}

INSTANTIATE_TEST_SUITE_P(Routing, NoMessage,
                         testing::Values("", "   ", "not json", "{\"id\":1,\"method\":\"x\"",
                                         "{\"id\":1}}", Rpc("1", "a") + Rpc("2", "b"), "5",
                                         "\"text\"", "null", "[]", "[" + Rpc("1", "a") + "]",
                                         "{\"id\":1,\"method\":\"\xFF\"}",
                                         "{\"id\":1,\"method\":\"\xC3\"}",
                                         "{\"id\":1,\"method\":\"a\nb\"}", "{'id':1,'method':'x'}",
                                         "{\"id\":01,\"method\":\"x\"}"));

TEST(Routing, AnObjectThatIsNeitherRequestNorResponseIsRefused) {
    Bus bus(OnePool());
    bus.Start();
    for (const char *text : {"{}", R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","method":7})"})
        EXPECT_LT(bus.Ingest(text), 0) << text;
    EXPECT_EQ(bus.Ask("heard")["result"]["lines"].Size(), 0u);
}

TEST(Routing, OneNewlineAtTheEndIsTheCallersHabitAndNotPartOfTheMessage) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Ingest(Rpc("1", "raw") + "\n"), 0);
    EXPECT_EQ(bus.Next().Tree()["result"]["line"].Text(), Rpc("1", "raw"));
    ASSERT_EQ(bus.Ingest(Rpc("2", "raw") + "\r\n"), 0);
    EXPECT_EQ(bus.Next().Tree()["result"]["line"].Text(), Rpc("2", "raw"));
}

// --- Duplicates, late answers ---------------------------------------------------------------

TEST(Routing, ARepeatedIdInFlightIsRefusedAndTheFirstStaysValid) {
    Bus bus(OnePool(2));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("\"twice\"", "hold"), {nullptr, nullptr, 0, 0, 1}), 0);
    ASSERT_EQ(bus.Send(Rpc("\"tw\\u0069ce\"", "echo"), {nullptr, nullptr, 1, 0, 2}), 0);
    Json refusal = bus.Answer(2);
    ExpectError(refusal, -32600);
    EXPECT_EQ(refusal["id"].Raw(), "null");
    EXPECT_EQ(refusal["error"]["data"]["id"].Text(), "twice");
    ASSERT_EQ(bus.Send(Rpc("", "release"), {nullptr, nullptr, 0}), 0);
    EXPECT_EQ(bus.Answer(1)["id"].Raw(), "\"twice\"");
    EXPECT_EQ(bus.Ask("echo")["error"].Raw(), "");
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Routing, AnIdIsFreeAgainOnceItIsAnswered) {
    Bus bus(OnePool());
    bus.Start();
    for (int i = 0; i < 3; i++) {
        ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
        EXPECT_TRUE(bus.Next().Tree().Has("result"));
    }
}

TEST(Routing, AnAnswerToNoRequestIsDroppedAndCounted) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("say", Line(R"({"jsonrpc":"2.0","id":4711,"result":1})"));
    EXPECT_EQ(bus.messages.size(), 1u);
    EXPECT_EQ(bus.Counters().late_replies, 1u);
}

TEST(Routing, ASecondAnswerToOneRequestIsDroppedAndCounted) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("5", "say", Line(R"({"jsonrpc":"2.0","id":5,"result":"early"})")),
                       {nullptr, nullptr, -1, 0, 1}),
              0);
    EXPECT_EQ(bus.Answer(1)["result"].Text(), "early");
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1; }, "the second came"));
    EXPECT_EQ(bus.messages.size(), 1u);
}

// --- States ---------------------------------------------------------------------------------

TEST(Routing, NothingIsTakenBeforeStartNorAfterStop_A14) {
    Bus bus(OnePool());
    EXPECT_EQ(bus.Ingest(Rpc("1", "echo")), STDIO_BUS_ERR_STATE);
    EXPECT_EQ(stdio_bus_step(bus.get(), 0), STDIO_BUS_ERR_STATE);
    bus.Start();
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_STATE);
    bus.Stop();
    EXPECT_EQ(bus.Ingest(Rpc("1", "echo")), STDIO_BUS_ERR_STATE);
    EXPECT_EQ(bus.Send(Rpc("1", "echo")), STDIO_BUS_ERR_STATE);
    EXPECT_EQ(stdio_bus_step(bus.get(), 0), STDIO_BUS_ERR_STATE);
    EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_STATE);
}

TEST(Routing, AMessageSentFromACallbackIsHandledLikeAnyOther) {
    Bus bus(OnePool());
    bus.Start();
    bus.on_message = [&](const Message &message) {
        uint64_t next = message.cookie + 1;
        if (next <= 50) {
            EXPECT_EQ(bus.Send(Rpc(std::to_string(next), "echo"), {nullptr, nullptr, -1, 0, next}),
                      0);
        }
    };
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    EXPECT_TRUE(bus.Answer(50).Has("result"));
}

} // namespace
