// A request that was given up: whoever did so is told once when it is over, whatever ends it.
#include "bus_fixture.h"

namespace {

using Cookies = std::vector<uint64_t>;

Route To(int worker, uint64_t cookie) {
    return {nullptr, nullptr, worker, 0, cookie};
}

TEST(Settled, ByItsLateAnswerAndNotBefore) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), To(0, 7)), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "hold"), To(0, 8)), 0);
    ASSERT_EQ(stdio_bus_forget(bus.get(), 7), 0);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(bus.settled, Cookies{}) << "an answer to another one says nothing of it";
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    EXPECT_TRUE(bus.Answer(8).Has("result"));
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1; }, "it came late"));
    EXPECT_EQ(bus.settled, Cookies{7}) << "one that was answered in time was not given up";
}

TEST(Settled, ByTheEndOfTheProcess) {
    Bus bus(OnePool(2));
    bus.Start();
    for (uint64_t cookie : {7, 8, 9}) {
        ASSERT_EQ(bus.Send(Rpc(std::to_string(cookie), "hold"), To(cookie == 9, cookie)), 0);
        ASSERT_EQ(stdio_bus_forget(bus.get(), cookie), 0);
    }
    bus.on_settled = [&](uint64_t) { EXPECT_EQ(bus.EventsOf(0, "restarting"), 0u); };
    ExpectError(bus.Ask("exit", "", To(0, 0)), -32002);
    EXPECT_EQ(bus.settled, (Cookies{7, 8})) << "before the event of the exit";
    bus.on_settled = nullptr;
    bus.Stop();
    EXPECT_EQ(bus.settled, (Cookies{7, 8, 9}));
}

TEST(Settled, AtOnceWhenNoWorkerHadIt) {
    Bus bus(OnePool());
    bus.Start();
    bus.LoseWorkerForAWhile();
    ASSERT_EQ(bus.Send(Rpc("1", "waits"), To(-1, 7)), 0);
    ASSERT_EQ(stdio_bus_forget(bus.get(), 7), 0);
    EXPECT_EQ(bus.settled, Cookies{7});
    EXPECT_EQ(stdio_bus_forget(bus.get(), 7), STDIO_BUS_ENOTFOUND);
    EXPECT_EQ(bus.settled, Cookies{7});
}

TEST(Settled, OfMoreThanTheBusKeepsTheOldestCountAsOver) {
    Bus bus(OnePool());
    bus.Start();
    for (uint64_t cookie = 1; cookie <= 1026; cookie++) {
        ASSERT_EQ(bus.Send(Rpc(std::to_string(cookie), "hold"), To(0, cookie)), 0);
        ASSERT_EQ(stdio_bus_forget(bus.get(), cookie), 0);
    }
    EXPECT_EQ(bus.settled, (Cookies{1, 2}));
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1026; }, "all came"));
    ASSERT_EQ(bus.settled.size(), 1026u) << "each once";
    EXPECT_EQ(bus.settled.back(), 1026u);
}

TEST(Settled, WhoIsToldMaySendUnderTheSameIdAndCookieAndForgetAgain) {
    Bus bus(OnePool());
    bus.Start();
    int again = 0;
    bus.on_settled = [&](uint64_t cookie) {
        if (++again > 2)
            return;
        ASSERT_EQ(bus.Send(Rpc("1", "hold"), To(-1, cookie)), 0);
        ASSERT_EQ(stdio_bus_forget(bus.get(), cookie), 0);
        ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    };
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), To(-1, 7)), 0);
    ASSERT_EQ(stdio_bus_forget(bus.get(), 7), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return again == 3; }, "each was told"));
    EXPECT_EQ(bus.Counters().late_replies, 3u);
}

TEST(Settled, OneWithoutACookieIsNotTold) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Ingest(Rpc("1", "hold")), 0);
    ASSERT_EQ(bus.Ingest(Rpc("", "stdio_bus/forget", R"({"id":1})")), 0);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    ASSERT_TRUE(bus.Until([&] { return bus.Counters().late_replies == 1; }, "it came late"));
    EXPECT_EQ(bus.settled, Cookies{});
}

} // namespace
