// The two envelopes: what a worker sees of the members that route, and what comes back.
#include "bus_fixture.h"

namespace {

std::string Enveloped(const std::string &kind) {
    Pool pool;
    pool.more = ",\"envelope\":\"" + kind + "\"";
    return Config(std::vector<Pool>{pool});
}

// What the worker read when the host ingested `message`, which must be a "raw" request.
std::string AsRead(Bus &bus, const std::string &message) {
    EXPECT_EQ(bus.Ingest(message), 0);
    return bus.Next().Tree()["result"]["line"].Text();
}

const char kSessionNote[] = R"({"jsonrpc":"2.0","method":"update","params":{"sessionId":"s"}})";

TEST(Envelope, StdioBusPassesEveryByteAndAddsNothing) {
    for (const std::string &config : {OnePool(), Enveloped("stdiobus")}) {
        Bus bus(config);
        bus.Start();
        std::string message = R"({ "sessionId" : "s", "pool":"p","agentId":"a", "id" : 1 ,)"
                              R"( "method":"raw","_ext":{"x":[1]} , "params" : { } })";
        EXPECT_EQ(AsRead(bus, message), message);
        EXPECT_FALSE(bus.messages[0].Tree().Has("sessionId"));
        EXPECT_EQ(bus.messages[0].session, "s");
    }
}

struct Splice {
    const char *sent, *read;
};

class StandardEnvelope : public testing::TestWithParam<Splice> {};

TEST_P(StandardEnvelope, TakesItsMembersOffAndLeavesEveryOtherByte_L1) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    EXPECT_EQ(AsRead(bus, GetParam().sent), GetParam().read);
}

INSTANTIATE_TEST_SUITE_P(
    Envelope, StandardEnvelope,
    testing::Values(
        Splice{R"({"jsonrpc":"2.0","id":1,"method":"raw"})",
               R"({"jsonrpc":"2.0","id":1,"method":"raw"})"},
        Splice{R"({"jsonrpc":"2.0","id":1,"method":"raw","sessionId":"s"})",
               R"({"jsonrpc":"2.0","id":1,"method":"raw"})"},
        Splice{R"({"sessionId":"s","id":1,"method":"raw"})", R"({"id":1,"method":"raw"})"},
        Splice{R"({"id":1,"sessionId":"s","method":"raw"})", R"({"id":1,"method":"raw"})"},
        Splice{
            R"({"sessionId":"s","pool":"p","agentId":"a","_ext":{"k":"}"},"id":1,"method":"raw"})",
            R"({"id":1,"method":"raw"})"},
        Splice{R"({"id":1,"pool":"p","method":"raw","agentId":"a","_ext":{}})",
               R"({"id":1,"method":"raw"})"},
        Splice{"{ \"sessionId\" : \"s\" ,\t\"id\" : 1 , \"method\" : \"raw\" }",
               "{ \t\"id\" : 1 , \"method\" : \"raw\" }"},
        Splice{R"({"id":1 , "sessi\u006fnId" : "s" , "method":"raw" , "_e\u0078t":[{"a":"]"}] })",
               R"({"id":1  , "method":"raw"  })"},
        Splice{R"({"id":1,"sessionId":null,"pool":7,"agentId":[],"method":"raw","_ext":"x"})",
               R"({"id":1,"method":"raw"})"},
        Splice{R"({"id":1,"method":"raw","sessionId":""})", R"({"id":1,"method":"raw"})"},
        Splice{R"({"id":1,"method":"raw","SessionId":"s","session":"s","ext":1,"_ex":2})",
               R"({"id":1,"method":"raw","SessionId":"s","session":"s","ext":1,"_ex":2})"},
        Splice{R"({"id":1,"method":"raw","params":{"sessionId":"s","pool":"q","_ext":1}})",
               R"({"id":1,"method":"raw","params":{"sessionId":"s","pool":"q","_ext":1}})"}));

// Of two only one could be taken off, and strict workers refuse the other.
TEST(Envelope, StandardRefusesAMemberThatIsGivenTwice) {
    for (const char *twice :
         {R"(,"sessionId":"a","sessionId":"b")", R"(,"_ext":1,"_\u0065xt":2)"}) {
        Bus bus(Enveloped("standard"));
        bus.Start();
        ASSERT_EQ(bus.Ingest(Rpc("1", "raw", "", twice)), 0);
        Json refusal = bus.Next().Tree();
        ExpectError(refusal, -32600);
        EXPECT_EQ(refusal["id"].Raw(), "1");
        EXPECT_EQ(bus.Ingest(Rpc("", "n", "", twice)), STDIO_BUS_ERR_ROUTING);
        EXPECT_EQ(bus.Ask("heard")["result"]["lines"].Size(), 0u);
        EXPECT_EQ(bus.Pending(), 0);
    }
    Bus bus(OnePool());
    bus.Start();
    std::string twice = Rpc("1", "raw", "", R"(,"sessionId":"a","sessionId":"b")");
    EXPECT_EQ(AsRead(bus, twice), twice) << "which is nothing to a pool that takes nothing off";
    EXPECT_EQ(bus.messages[0].session, "b") << "the last one counts";
}

TEST(Envelope, StandardTakesItsMembersOffNotificationsAndAnswersToo_L1) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    bus.Ask("say", Line(Rpc("5", "ask")));
    ASSERT_EQ(bus.Ingest(Rpc("", "n", "[1]", R"(,"agentId":"a","sessionId":"s")")), 0);
    ASSERT_EQ(bus.Ingest(R"({"sessionId":"s","jsonrpc":"2.0","id":5,"result":{"_ext":1}})"), 0);
    Json heard = bus.Ask("heard")["result"]["lines"];
    EXPECT_EQ(heard[1].Text(), Rpc("", "n", "[1]"));
    EXPECT_EQ(heard[2].Text(), R"({"jsonrpc":"2.0","id":5,"result":{"_ext":1}})");
}

TEST(Envelope, StandardPutsTheSessionBackOnRequestsOfTheWorkerToo_L3) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    std::string ask = R"({ "jsonrpc":"2.0","id":9,"method":"ask","params":{"sessionId":"s"}})";
    ASSERT_EQ(bus.Ingest(Rpc("1", "say", Line(ask), R"(,"sessionId":"s")")), 0);
    EXPECT_EQ(bus.Next().text, R"({"sessionId":"s",)" + ask.substr(1));
}

TEST(Envelope, ASessionThatTheWorkerItselfNamesIsNotPutBackTwice) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    std::string note = Rpc("", "n", "", R"(,"sessionId":"s")");
    ASSERT_EQ(bus.Ingest(Rpc("1", "say", Line(note), R"(,"sessionId":"s")")), 0);
    EXPECT_EQ(bus.Next().text, note);
    ASSERT_EQ(bus.Ingest(
                  Rpc("2", "answer", With(R"("sessionId":"s","result":1)"), R"(,"sessionId":"s")")),
              0);
    bus.Next();
    EXPECT_EQ(bus.Next().text, R"({"jsonrpc":"2.0","id":2,"sessionId":"s","result":1})");
}

TEST(Envelope, StandardPutsTheSessionBackOnWhatReturns) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    ASSERT_EQ(bus.Ingest(Rpc("1", "say", Line(kSessionNote), R"(,"sessionId":"s")")), 0);
    Json note = bus.Next().Tree(), answer = bus.Next().Tree();
    EXPECT_EQ(note["method"].Text(), "update");
    EXPECT_EQ(note["sessionId"].Text(), "s");
    EXPECT_EQ(note["params"]["sessionId"].Text(), "s");
    EXPECT_EQ(answer["id"].Raw(), "1");
    EXPECT_EQ(answer["sessionId"].Text(), "s");
}

TEST(Envelope, TheSessionComesBackInItsOwnLettersEvenWithEscapes) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    ASSERT_EQ(bus.Ingest(Rpc("1", "echo", "", R"(,"sessionId":"ä \"q\"")")), 0);
    EXPECT_EQ(bus.Next().Tree()["sessionId"].Text(), "ä \"q\"");
}

TEST(Envelope, AnErrorOfTheKernelCarriesTheSessionToo) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    ASSERT_EQ(bus.Ingest(Rpc("1", "exit", R"({"code":3})", R"(,"sessionId":"s")")), 0);
    Json answer = bus.Next().Tree();
    ExpectError(answer, -32002);
    EXPECT_EQ(answer["sessionId"].Text(), "s");
}

TEST(Envelope, ASessionBesideTheMessageIsNotPutIntoTheAnswer) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    Json answer = bus.Ask("raw", "", {nullptr, "s"});
    EXPECT_EQ(answer["result"]["line"].Text().find("session"), std::string::npos);
    EXPECT_FALSE(answer.Has("sessionId"));
    EXPECT_EQ(bus.messages[0].session, "s");
}

TEST(Envelope, VerbatimMeansThatNothingIsTakenOffOrPutBack) {
    Bus bus(Enveloped("standard"));
    bus.Start();
    std::string message = Rpc("1", "raw", "", R"(,"sessionId":"s","pool":"elsewhere")");
    ASSERT_EQ(bus.Send(message, {"p", nullptr, -1, STDIO_BUS_ROUTE_VERBATIM, 9}), 0);
    Json answer = bus.Answer(9);
    EXPECT_EQ(answer["result"]["line"].Text(), message);
    EXPECT_FALSE(answer.Has("sessionId"));
}

TEST(Envelope, EachPoolHasItsOwn) {
    Pool plain{"plain"}, strict{"strict"};
    strict.more = R"(,"envelope":"standard")";
    Bus bus(Config({plain, strict}));
    bus.Start();
    std::string to_plain = Rpc("1", "raw", "", R"(,"pool":"plain","sessionId":"s")");
    EXPECT_EQ(AsRead(bus, to_plain), to_plain);
    EXPECT_EQ(AsRead(bus, Rpc("1", "raw", "", R"(,"pool":"strict","sessionId":"s")")),
              Rpc("1", "raw"));
}

} // namespace
