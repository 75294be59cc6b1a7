// An answer over max_input_buffer: its request ends with an error, wherever its id stands.
#include "bus_fixture.h"

extern "C" {
#include "long_answer.h"
}

namespace {

constexpr size_t kLimit = 65536;

std::string Head(const std::string &line) {
    sb_token id = {nullptr, 0};
    switch (sb_long_answer_head(line.data(), line.size(), &id)) {
    case SB_LONG_OTHER:
        return "other";
    case SB_LONG_ANSWER:
        return "answer";
    case SB_LONG_ANSWER_ID:
        return std::string(id.p, id.len);
    }
    return "?";
}

std::string Tail(const std::string &end) {
    sb_token id = {nullptr, 0};
    return sb_long_answer_tail(end.data(), end.size(), &id) ? std::string(id.p, id.len) : "none";
}

TEST(LongAnswer, TheIdInFrontOfTheResultIsRead) {
    EXPECT_EQ(Head(R"({"jsonrpc":"2.0","id":7,"result":{"a":[1,)"), "7");
    EXPECT_EQ(Head(R"( { "id" : "a\"b" , "error" : {)"), R"("a\"b")");
    EXPECT_EQ(Head(R"({"id":-1.5e3,"x":null,"y":true,"result":")"), "-1.5e3");
    EXPECT_EQ(Head(R"({"id":1,"id":2,"result":)"), "2") << "the last one counts";
}

TEST(LongAnswer, ThatItIsAnAnswerIsSeenWithoutItsId) {
    EXPECT_EQ(Head(R"({"result":"xxx)"), "answer");
    EXPECT_EQ(Head(R"({"jsonrpc":"2.0","error":{"code":1)"), "answer");
    EXPECT_EQ(Head(R"({"id":null,"result":1)"), "answer");
}

TEST(LongAnswer, WhatIsNoAnswerIsNotTakenForOne) {
    for (const char *line :
         {"", "{", "[", "x", R"({"id":1)", R"({"id":1,)", R"({"id":1,"res)",
          R"({"id":1,"method":"m","result":1)", R"({"id":1,"params":{"a":1},"result":1)",
          R"({"id":[1],"result":1)", R"({"id" 1,"result":1)", R"({"id":1 "result":1)",
          R"({"id":tru,"result":1)", R"({"id":"cut)", R"({"method":"m")"})
        EXPECT_EQ(Head(line), "other") << line;
}

TEST(LongAnswer, TheIdBehindTheResultIsRead) {
    EXPECT_EQ(Tail(R"(xxx"}],"jsonrpc":"2.0","id":7})"), "7");
    EXPECT_EQ(Tail("xxx\" , \"id\" : \"a\\\"b\" , \"jsonrpc\" : \"2.0\" } \r"), R"("a\"b")");
    EXPECT_EQ(Tail(R"(}},"id":-12,"x":null,"y":false})"), "-12");
    EXPECT_EQ(Tail(R"(\\","id":1})"), "1");
}

TEST(LongAnswer, WhatLooksLikeAnIdInsideOfTheResultIsNone) {
    for (const char *end :
         {"", "}", "]", R"("id":7})", R"({"id":7}})", R"(,"id":7}])", R"(,\"id\":\"7\"})",
          R"(x\",\"id\":\"x"})", R"(,"id":7x})", R"(,"id":null})", R"(,"id":[7]})", R"(,"id":})",
          R"(,"id"7})", R"(,id:7})", R"(,"id":"7\"})"})
        EXPECT_EQ(Tail(end), "none") << end;
}

std::string Big(size_t bytes, bool id_last) {
    return "{\"bytes\":" + std::to_string(bytes) + ",\"id_last\":" + (id_last ? "1" : "0") + "}";
}

void ExpectTooLong(const Json &answer) {
    ExpectError(answer, -32003);
    const Json &error = answer["error"];
    EXPECT_EQ(error["message"].Text(), "Answer too long");
    EXPECT_EQ(error["data"]["reason"].Text(),
              "the answer is longer than max_input_buffer (65536 bytes)");
    EXPECT_EQ(error["data"]["limit"].Text(), "max_input_buffer");
    EXPECT_EQ(error["data"]["value"].Number(), 65536);
    EXPECT_EQ(error["data"]["worker"].Number(), 0);
    EXPECT_EQ(error["data"]["written"].Raw(), "true");
}

std::string SmallBuffer() {
    return OnePool(1, "\"max_input_buffer\":" + std::to_string(kLimit));
}

TEST(LongAnswer, ItsRequestIsAnsweredAtOnceWhereverTheIdStands) {
    Bus bus(SmallBuffer());
    bus.Start();
    for (bool id_last : {false, true})
        for (size_t bytes : {kLimit + 1, 2 * kLimit, 10 * kLimit + 77})
            ExpectTooLong(bus.Ask("big", Big(bytes, id_last)));
    EXPECT_TRUE(bus.Ask("big", Big(kLimit, true)).Has("result")) << "the longest that passes";
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Worker(0).invalid_lines, 6u);
}

TEST(LongAnswer, OfSeveralRequestsOnlyThatOneEnds) {
    Bus bus(SmallBuffer());
    bus.Start();
    Route held, big;
    held.cookie = bus.Cookie();
    big.cookie = bus.Cookie();
    ASSERT_EQ(bus.Send(Rpc("\"held\"", "hold"), held), 0);
    ASSERT_EQ(bus.Send(Rpc("\"big\"", "big", Big(3 * kLimit, true)), big), 0);
    ExpectTooLong(bus.Answer(big.cookie));
    EXPECT_EQ(bus.Pending(), 1);
    bus.Ask("release");
    EXPECT_TRUE(bus.Answer(held.cookie).Has("result"));
}

TEST(LongAnswer, OfARequestThatWasGivenUpIsLateAndSettlesIt) {
    Bus bus(SmallBuffer());
    bus.Start();
    for (bool id_last : {false, true}) {
        Route route;
        route.cookie = bus.Cookie();
        ASSERT_EQ(bus.Send(Rpc("1", "big", Big(2 * kLimit, id_last)), route), 0);
        ASSERT_EQ(stdio_bus_forget(bus.get(), route.cookie), 0);
        EXPECT_TRUE(bus.Ask("echo").Has("result"));
        ASSERT_EQ(bus.settled.size(), id_last ? 2u : 1u);
        EXPECT_EQ(bus.settled.back(), route.cookie);
    }
    EXPECT_EQ(bus.Counters().late_replies, 2u);
    EXPECT_EQ(bus.Pending(), 0);
}

} // namespace
