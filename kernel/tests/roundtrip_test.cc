// Round trips: what goes in comes out, at the same worker where it should, whatever its size.
#include "bus_fixture.h"

#include <algorithm>
#include <map>
#include <set>

namespace {

// A request of exactly `bytes` bytes.
std::string RequestOf(size_t bytes, const std::string &id, const std::string &method) {
    std::string empty = Rpc(id, method, "\"\"");
    return Rpc(id, method, "\"" + std::string(bytes - empty.size(), 'a') + "\"");
}

unsigned Hash(const std::string &text) {
    unsigned hash = 2166136261u;
    for (char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash;
}

TEST(RoundTrip, ARequestWithPoolAndSessionComesBackWithBothNamed_A27) {
    Bus bus(Config({{"one"}, {"two"}}));
    bus.Start();
    uint64_t cookie = bus.Cookie();
    ASSERT_EQ(bus.Send(Rpc("7", "echo", R"({"text":"häé"})"), {"two", "s1", -1, 0, cookie}), 0);
    Json answer = bus.Answer(cookie);
    EXPECT_EQ(answer["id"].Raw(), "7");
    EXPECT_EQ(answer["result"]["params"].Raw(), R"({"text":"häé"})");
    const Message &message = bus.messages.back();
    EXPECT_EQ(message.kind, STDIO_BUS_RESPONSE);
    EXPECT_EQ(message.worker, 1);
    EXPECT_EQ(message.pool, "two");
    EXPECT_EQ(message.session, "s1");
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.Sessions(), 1);
}

TEST(RoundTrip, TheVersionTwoInterfaceAloneIsEnough_A27) {
    Bus::Options options;
    options.handler = Bus::Handler::kVersionTwo;
    Bus bus(Config({{"one"}, {"two"}}), options);
    bus.Start();
    ASSERT_EQ(bus.Ingest(R"({"jsonrpc":"2.0","id":"x","method":"echo","pool":"two"})"), 0);
    Json answer = bus.Next().Tree();
    EXPECT_EQ(answer["id"].Raw(), "\"x\"");
    EXPECT_EQ(answer["result"]["pid"].Number(), bus.Worker(1).pid);
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(RoundTrip, ASessionStaysWithItsProcessAndSessionsSpreadOverAll_A27_L9) {
    Bus bus(OnePool(3));
    bus.Start();
    std::map<std::string, pid_t> first;
    for (const char *session : {"s1", "s2", "s3"})
        first[session] = bus.PidOf({nullptr, session});
    std::set<pid_t> distinct;
    for (const auto &entry : first)
        distinct.insert(entry.second);
    EXPECT_EQ(distinct.size(), 3u);
    for (const char *session : {"s3", "s1", "s2"})
        EXPECT_EQ(bus.PidOf({nullptr, session}), first[session]) << session;
    EXPECT_EQ(bus.Sessions(), 3);
}

TEST(RoundTrip, NineMessagesWithoutASessionAreThreeAWorker_A27) {
    Bus bus(OnePool(3));
    bus.Start();
    std::vector<uint64_t> cookies;
    for (int i = 0; i < 9; i++) {
        cookies.push_back(bus.Cookie());
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "echo"), {nullptr, nullptr, -1, 0, cookies[i]}),
                  0);
    }
    std::map<long long, int> by_pid;
    for (uint64_t cookie : cookies)
        by_pid[bus.Answer(cookie)["result"]["pid"].Number()]++;
    ASSERT_EQ(by_pid.size(), 3u);
    for (const auto &entry : by_pid)
        EXPECT_EQ(entry.second, 3);
}

TEST(RoundTrip, OneAfterTheOtherGoesRoundTheWorkers_A27) {
    Bus bus(OnePool(3));
    bus.Start();
    std::map<pid_t, int> by_pid;
    for (int i = 0; i < 9; i++)
        by_pid[bus.PidOf()]++;
    ASSERT_EQ(by_pid.size(), 3u);
    for (const auto &entry : by_pid)
        EXPECT_EQ(entry.second, 3);
}

TEST(RoundTrip, AlternatingBetweenTwoPoolsUsesEveryWorkerOfEach_L39) {
    Bus bus(Config({{"a", 2}, {"b", 2}}));
    bus.Start();
    std::map<std::string, std::set<pid_t>> pids;
    for (int i = 0; i < 4; i++)
        for (const char *pool : {"a", "b"})
            pids[pool].insert(bus.PidOf({pool}));
    EXPECT_EQ(pids["a"].size(), 2u);
    EXPECT_EQ(pids["b"].size(), 2u);
}

TEST(RoundTrip, WorkersAreNumberedOverAllPoolsInTheirOrder) {
    Bus bus(Config({{"a", 2}, {"b", 1}}));
    bus.Start();
    ASSERT_EQ(stdio_bus_worker_total(bus.get()), 3);
    for (int id = 0; id < 3; id++) {
        EXPECT_EQ(bus.Worker(id).id, id);
        EXPECT_STREQ(bus.Worker(id).pool, id < 2 ? "a" : "b");
        EXPECT_EQ(bus.Ask("echo", "", {nullptr, nullptr, id})["result"]["pid"].Number(),
                  bus.Worker(id).pid);
    }
    stdio_bus_worker_info_t info{};
    info.size = sizeof info;
    EXPECT_EQ(stdio_bus_worker_at(bus.get(), 3, &info), STDIO_BUS_ENOTFOUND);
    EXPECT_EQ(stdio_bus_worker_at(bus.get(), -1, &info), STDIO_BUS_ENOTFOUND);
}

class Size : public testing::TestWithParam<size_t> {};

TEST_P(Size, GoesToTheWorkerWholeAndASmallOneFollows_A27_L4) {
    Bus bus(OnePool());
    bus.Start();
    std::string large = RequestOf(GetParam(), "1", "measure");
    ASSERT_EQ(large.size(), GetParam());
    uint64_t first = bus.Cookie(), second = bus.Cookie();
    ASSERT_EQ(bus.Send(large, {nullptr, nullptr, -1, 0, first}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "echo", "[]"), {nullptr, nullptr, -1, 0, second}), 0);
    Json answer = bus.Answer(first);
    EXPECT_EQ(answer["result"]["bytes"].Number(), static_cast<long long>(large.size()));
    EXPECT_EQ(answer["result"]["hash"].Number(), Hash(large));
    EXPECT_EQ(bus.Answer(second)["result"]["params"].Raw(), "[]");
}

TEST_P(Size, ComesFromTheWorkerWholeAndASmallOneFollows_A27_L4) {
    Bus bus(OnePool());
    bus.Start();
    uint64_t first = bus.Cookie(), second = bus.Cookie();
    std::string params = "{\"bytes\":" + std::to_string(GetParam()) + "}";
    ASSERT_EQ(bus.Send(Rpc("1", "big", params), {nullptr, nullptr, -1, 0, first}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "echo", "[]"), {nullptr, nullptr, -1, 0, second}), 0);
    EXPECT_EQ(bus.Answer(first).Raw().size(), GetParam());
    EXPECT_EQ(bus.Answer(second)["result"]["params"].Raw(), "[]");
    EXPECT_EQ(bus.Worker(0).invalid_lines, 0u);
}

INSTANTIATE_TEST_SUITE_P(RoundTrip, Size,
                         testing::Values(64000, 65535, 65536, 65537, 1000000, 10 * 1024 * 1024));

TEST(RoundTrip, FiftyMegabytesPassWhenTheLimitsAllowThem_A27) {
    size_t bytes = 50 * 1000 * 1000;
    Bus bus(OnePool(1, R"("max_input_buffer":60000000,"max_output_queue":120000000)"));
    bus.Start();
    std::string large = RequestOf(bytes, "1", "measure");
    uint64_t cookie = bus.Cookie();
    ASSERT_EQ(bus.Send(large, {nullptr, nullptr, -1, 0, cookie}), 0);
    EXPECT_EQ(bus.Answer(cookie)["result"]["hash"].Number(), Hash(large));
    uint64_t back = bus.Cookie();
    ASSERT_EQ(bus.Send(Rpc("2", "big", "{\"bytes\":" + std::to_string(bytes) + "}"),
                       {nullptr, nullptr, -1, 0, back}),
              0);
    EXPECT_EQ(bus.Answer(back).Raw().size(), bytes);
}

// /bin/cat sends every request back, which makes it a request of the worker to the host.
TEST(RoundTrip, CatEchoesEveryByteInOrder_A27) {
    Bus bus(Config({{"p", 1, {}, "/bin/cat"}}));
    bus.Start();
    std::vector<std::string> sent;
    for (int i = 0; i < 500; i++) {
        size_t bytes = static_cast<size_t>(60 + i * 300);
        sent.push_back(i % 2 ? RequestOf(bytes, "", "note " + std::to_string(i))
                             : Rpc("", "spaced", "{ \"a\" :\t[ 1.50e+1 , \"\\u00e4\\/\" ] }"));
    }
    for (const std::string &line : sent)
        ASSERT_EQ(bus.Send(line), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.messages.size() >= sent.size(); }, "all came back"));
    ASSERT_EQ(bus.messages.size(), sent.size());
    for (size_t i = 0; i < sent.size(); i++) {
        EXPECT_EQ(bus.messages[i].text, sent[i]);
        EXPECT_EQ(bus.messages[i].kind, STDIO_BUS_NOTIFICATION);
        EXPECT_EQ(bus.messages[i].worker, 0);
    }
}

TEST(RoundTrip, FiveThousandRequestsInABurstAreAllAnswered_L12) {
    Bus bus(OnePool(3));
    bus.Start();
    constexpr uint64_t kCount = 5000;
    for (uint64_t i = 1; i <= kCount; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "echo", "{\"n\":" + std::to_string(i) + "}"),
                           {nullptr, nullptr, -1, 0, i}),
                  0);
    EXPECT_EQ(bus.Pending(), static_cast<int>(kCount));
    ASSERT_TRUE(bus.Until([&] { return bus.messages.size() >= kCount; }, "all are answered"));
    std::set<uint64_t> cookies;
    for (const Message &message : bus.messages) {
        Json answer = message.Tree();
        ASSERT_EQ(answer["id"].Number(), static_cast<long long>(message.cookie));
        ASSERT_EQ(answer["result"]["params"]["n"].Number(), static_cast<long long>(message.cookie));
        cookies.insert(message.cookie);
    }
    EXPECT_EQ(cookies.size(), kCount);
    EXPECT_EQ(bus.Pending(), 0);
}

class Id : public testing::TestWithParam<std::string> {};

TEST_P(Id, ReachesTheWorkerAndComesBackByteForByte) {
    Bus bus(OnePool());
    bus.Start();
    std::string request = Rpc(GetParam(), "raw");
    uint64_t cookie = bus.Cookie();
    ASSERT_EQ(bus.Send(request, {nullptr, nullptr, -1, 0, cookie}), 0);
    Json answer = bus.Answer(cookie);
    EXPECT_EQ(answer["id"].Raw(), GetParam());
    EXPECT_EQ(answer["result"]["line"].Text(), request);
    EXPECT_EQ(bus.Pending(), 0);
}

INSTANTIATE_TEST_SUITE_P(RoundTrip, Id,
                         testing::Values("0", "-1", "1.50", "1e3", "9007199254740993",
                                         "18446744073709551616", "\"\"", "\"1\"",
                                         R"("a \"quoted\" \u00e9\/ id")", "null",
                                         "\"" + std::string(300, 'k') + "\""));

TEST(RoundTrip, IdsThatDifferOnlyAtTheirEndOrInTheirTypeAreNotMixedUp_L31) {
    Bus bus(OnePool());
    bus.Start();
    std::string prefix(300, 'k');
    std::vector<std::string> ids = {"1", "\"1\"", "\"" + prefix + "a\"", "\"" + prefix + "b\""};
    for (size_t i = 0; i < ids.size(); i++)
        ASSERT_EQ(bus.Send(Rpc(ids[i], "hold"), {nullptr, nullptr, -1, 0, i + 1}), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release_reversed")), 0);
    for (size_t i = 0; i < ids.size(); i++)
        EXPECT_EQ(bus.Answer(i + 1)["id"].Raw(), ids[i]);
}

TEST(RoundTrip, SessionsThatDifferOnlyAtTheirEndAreNotMixedUp_L31) {
    Bus bus(OnePool(2));
    bus.Start();
    std::string a = std::string(400, 's') + "a", b = std::string(400, 's') + "b";
    EXPECT_NE(bus.PidOf({nullptr, a.c_str()}), bus.PidOf({nullptr, b.c_str()}));
    EXPECT_EQ(bus.Sessions(), 2);
}

TEST(RoundTrip, StatisticsCountLinesAndBytesOfBothDirections) {
    Bus bus(OnePool());
    bus.Start();
    std::string request = Rpc("1", "echo");
    ASSERT_EQ(bus.Send(request), 0);
    std::string answer = bus.Next().text;
    // The host's request comes in and goes out to the worker, the answer comes in and goes out.
    stdio_bus_stats_t stats = bus.Stats();
    EXPECT_EQ(stats.messages_in, 2u);
    EXPECT_EQ(stats.messages_out, 2u);
    EXPECT_EQ(stats.bytes_in, request.size() + answer.size() + 2);
    EXPECT_EQ(stats.bytes_out, request.size() + answer.size() + 2);
    stdio_bus_worker_info_t worker = bus.Worker(0);
    EXPECT_EQ(worker.messages_out, 1u);
    EXPECT_EQ(worker.bytes_out, request.size() + 1);
    EXPECT_EQ(worker.messages_in, 1u);
    EXPECT_EQ(worker.bytes_in, answer.size() + 1);
}

} // namespace
