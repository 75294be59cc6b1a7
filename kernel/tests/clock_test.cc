// What takes its time: back-off, windows, deadlines. The bus's clock is the test's own and stands
// still until it is moved, so that nothing here waits and every limit is met to the millisecond.
#include "bus_fixture.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <regex>

namespace {

// Far ahead of the real clock, so that no timer of the system ends a wait.
std::atomic<int64_t> fake_ms{int64_t(1) << 40};

void Advance(int64_t milliseconds) {
    fake_ms += milliseconds;
}

} // namespace

extern "C" {
int __real_clock_gettime(clockid_t id, timespec *now);
int __wrap_clock_gettime(clockid_t id, timespec *now);

int __wrap_clock_gettime(clockid_t id, timespec *now) {
    if (id != CLOCK_MONOTONIC)
        return __real_clock_gettime(id, now);
    now->tv_sec = static_cast<time_t>(fake_ms / 1000);
    now->tv_nsec = static_cast<long>(fake_ms % 1000 * 1000000);
    return 0;
}
}

namespace {

// One step for the timers that are due, and what follows from them.
void Pass(Bus &bus, int64_t milliseconds) {
    Advance(milliseconds);
    bus.Settle();
    stdio_bus_step(bus.get(), 0);
}

// Ends the worker; returns how long the bus says that it waits, -1: for ever.
int64_t Exit(Bus &bus) {
    bus.logs.clear();
    ExpectError(bus.Ask("exit"), -32002);
    std::regex delay("restarts in ([0-9]+) ms");
    std::smatch found;
    for (const auto &line : bus.logs)
        if (std::regex_search(line.second, found, delay))
            return std::stoll(found[1]);
    return -1;
}

// Whether the worker is started again after exactly this time.
void ExpectRestartAfter(Bus &bus, int64_t milliseconds) {
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RESTARTING);
    Pass(bus, milliseconds - 1);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RESTARTING) << "a millisecond too early";
    Pass(bus, 1);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RUNNING);
}

TEST(Clock, BackOffDoublesFromATenthToFiveSecondsWithATenthOfJitter_L13) {
    Bus bus(OnePool(1, R"("max_restarts":100,"restart_window_sec":86400)"));
    bus.Start();
    for (int64_t base : {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
        int64_t delay = Exit(bus);
        EXPECT_GE(delay, base - base / 10);
        EXPECT_LE(delay, base + base / 10);
        ExpectRestartAfter(bus, delay);
    }
    EXPECT_EQ(bus.Worker(0).restarts, 9u);
    EXPECT_EQ(bus.Stats().worker_restarts, 9u);
}

TEST(Clock, WorkersThatFailTogetherDoNotComeBackTogether) {
    Bus bus(OnePool(20));
    bus.Start();
    for (int worker = 0; worker < 20; worker++)
        ExpectError(bus.Ask("exit", "", {nullptr, nullptr, worker}), -32002);
    size_t most = 0;
    for (int passed = 0, before = 0; passed < 110; passed++) {
        Pass(bus, 1);
        most = std::max(most, static_cast<size_t>(bus.Running() - before));
        before = bus.Running();
    }
    EXPECT_EQ(bus.Running(), 20);
    EXPECT_LT(most, 20u);
}

TEST(Clock, OneRestartMoreThanAllowedWithinTheWindowIsTheEnd) {
    Bus bus(OnePool(1, R"("max_restarts":3,"restart_window_sec":10)"));
    bus.Start();
    for (int i = 0; i < 3; i++)
        ExpectRestartAfter(bus, Exit(bus));
    EXPECT_EQ(Exit(bus), -1);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_FAILED);
    EXPECT_EQ(bus.EventsOf(0, "restarting"), 3u);
    EXPECT_EQ(bus.EventsOf(0, "started"), 4u);
    EXPECT_EQ(bus.EventsOf(0, "failed"), 1u);
    Pass(bus, 1000000);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_FAILED) << "which time alone does not change";
}

TEST(Clock, TheWindowForgetsOldRestartsAndBackOffBeginsAnew) {
    Bus bus(OnePool(1, R"("max_restarts":1,"restart_window_sec":10)"));
    bus.Start();
    for (int i = 0; i < 20; i++) {
        int64_t delay = Exit(bus);
        EXPECT_LE(delay, 110);
        ExpectRestartAfter(bus, delay);
        Pass(bus, 10000 - delay);
    }
    int64_t delay = Exit(bus);
    ExpectRestartAfter(bus, delay);
    Pass(bus, 9999 - delay);
    EXPECT_EQ(Exit(bus), -1) << "a millisecond before the window has passed";
}

TEST(Clock, OfScreamsOnStderrTenThousandASecondArePassedOnAndTheRestIsCounted_L20) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("complain", R"({"line":"aargh","times":25000})");
    ASSERT_TRUE(bus.Until([&] { return bus.stderr_lines.size() == 10000; }, "10,000 are read"));
    bus.Ask("complain", R"({"line":"once more"})");
    bus.Settle();
    EXPECT_EQ(bus.stderr_lines.size(), 10000u);
    Pass(bus, 1000);
    bus.Ask("complain", R"({"line":"a second later"})");
    ASSERT_TRUE(bus.Until([&] { return bus.stderr_lines.size() == 10001; }, "it is heard again"));
    EXPECT_EQ(bus.stderr_lines.back().second, "a second later");
    EXPECT_TRUE(bus.HasLogged("wrote 25001 lines to stderr in a second: 15001 were not passed on"));
}

TEST(Clock, AFullQueueThatDoesNotMoveForAMinuteEndsItsWorker) {
    Pool deaf;
    deaf.args = {"--deaf"};
    Bus bus(Config({deaf}, R"("max_output_queue":1000000)"));
    bus.Start();
    std::string block = Quote(std::string(700000, 'a'));
    ASSERT_EQ(bus.Send(Rpc("1", "x", block), {nullptr, nullptr, -1, 0, 1}), 0);
    bus.Settle(); // what fits into the pipe is in it: from now on nothing moves
    Pass(bus, 1000000);
    EXPECT_EQ(bus.Pending(), 1) << "nobody was refused yet, so nobody minds";
    ASSERT_EQ(bus.Send(Rpc("2", "x", block), {nullptr, nullptr, -1, 0, 2}), 0);
    ExpectError(bus.Answer(2), -32003);
    Pass(bus, 59999);
    EXPECT_EQ(bus.Pending(), 1);
    Pass(bus, 1);
    Json answer = bus.Answer(1);
    ExpectError(answer, -32002);
    EXPECT_NE(answer["error"]["data"]["reason"].Text().find("backpressure_timeout_sec"),
              std::string::npos);
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_RESTARTING);
}

// Each of the two: it cannot be worked with any more, though it lives.
TEST(Clock, AWorkerThatClosesAStreamAndLivesOnIsReplaced) {
    for (const char *stream : {"output", "input"}) {
        Bus bus(OnePool());
        bus.Start();
        pid_t pid = bus.PidOf();
        bus.Ask(std::string("close_") + stream);
        ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
        // The end of its output is seen; that of its input only when it is written to.
        ASSERT_TRUE(bus.Until(
            [&] {
                Advance(100);
                return bus.Send(Rpc("", "n")) == 0 && bus.Worker(0).restarts == 1;
            },
            "it is replaced"));
        EXPECT_TRUE(IsGone(pid));
        EXPECT_NE(bus.PidOf(), pid);
        EXPECT_TRUE(bus.HasLogged(std::string("closed its std") +
                                  (stream[0] == 'o' ? "out" : "in") + " and was replaced"));
    }
}

// --- Stop ---------------------------------------------------------------------------------------

TEST(Clock, RequestsInFlightHaveTheTimeToDrainAndNoMore_L34) {
    Bus bus(OnePool(1, R"("drain_timeout_sec":12)"));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 0), 0);
    Pass(bus, 11999);
    EXPECT_EQ(bus.Pending(), 1);
    EXPECT_EQ(bus.EventsOf(0, "stopping"), 0u);
    Pass(bus, 1);
    EXPECT_EQ(bus.EventsOf(0, "stopping"), 1u);
    ExpectError(bus.Answer(1), -32004);
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "it ends"));
    EXPECT_EQ(bus.Worker(0).last_exit_code, 0);
}

TEST(Clock, AWorkerIsAskedToEndAtHalfTimeAndKilledAtTheDeadline_A21_L18) {
    Pool stubborn;
    stubborn.args = {"--ignore-eof", "--ignore-term"};
    Bus bus(Config({stubborn}));
    bus.Start();
    pid_t pid = bus.PidOf();
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    bus.Settle();
    EXPECT_EQ(bus.EventsOf(0, "stopping"), 1u) << "nothing was in flight";
    Pass(bus, 9999);
    EXPECT_FALSE(IsGone(pid));
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPING);
    EXPECT_FALSE(bus.HasLogged("did not stop in time"));
    Pass(bus, 1);
    EXPECT_TRUE(bus.HasLogged("did not stop in time: killed"));
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "it ends"));
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGKILL);
    EXPECT_TRUE(IsGone(pid)) << "STOPPED means that nothing runs any more";
}

TEST(Clock, EndOfFileIsGivenHalfOfTheTimeBeforeSigterm_A21) {
    Pool stubborn;
    stubborn.args = {"--ignore-eof"};
    Bus bus(Config({stubborn}));
    bus.Start();
    pid_t pid = bus.PidOf();
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    bus.Settle();
    Pass(bus, 4999);
    EXPECT_FALSE(IsGone(pid));
    Pass(bus, 1);
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "it ends"));
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGTERM);
}

Pool Stubborn() {
    Pool pool;
    pool.args = {"--ignore-term", "--ignore-eof"};
    return pool;
}

TEST(Clock, AWorkerThatAHostKillsLateIsWaitedForAllTheSame) {
    Bus bus(Config({Stubborn()}));
    bus.Start();
    ASSERT_EQ(stdio_bus_stop(bus.get(), 2), 0);
    bus.Settle();
    Advance(60000);
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "it stopped"));
    EXPECT_EQ(bus.Worker(0).state, STDIO_BUS_WORKER_STOPPED);
    EXPECT_EQ(bus.Worker(0).last_exit_signal, SIGKILL);
}

TEST(Clock, ARequestThatWaitsForARestartIsAnsweredWhenTheBusStopsInstead) {
    Bus bus(Config({Stubborn()}));
    bus.Start();
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), 0, 0), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {nullptr, nullptr, -1, 0, 1}), 0);
    EXPECT_EQ(bus.Pending(), 1);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 2), 0);
    bus.Settle();
    Advance(60000);
    ASSERT_TRUE(bus.Until([&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }, "it stopped"));
    ExpectError(bus.Answer(1), -32004);
}

} // namespace
