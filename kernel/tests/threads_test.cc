// What other threads may do, and that a bus with nothing to do does nothing.
#include "bus_fixture.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <poll.h>
#include <thread>

namespace {

// Releases at the end of its life, so that no early return leaks it.
struct Waker {
    stdio_bus_waker_t *waker;
    explicit Waker(Bus &bus) : waker(stdio_bus_waker(bus.get())) {
    }
    ~Waker() {
        stdio_bus_waker_release(waker);
    }
    Waker(const Waker &) = delete;
    void Wake() const {
        stdio_bus_waker_wake(waker);
    }
};

TEST(Threads, AWakeFromAnotherThreadEndsABlockingStep_A26) {
    Bus bus(OnePool());
    bus.Start();
    Waker waker(bus);
    for (int i = 0; i < 100; i++) {
        std::thread other([&] { waker.Wake(); });
        EXPECT_GE(stdio_bus_step(bus.get(), -1), 0); // would never return otherwise
        other.join();
        bus.Settle();
    }
}

TEST(Threads, AWakeBeforeTheStepIsNotLostAndManyAreOne_A26) {
    Bus bus(OnePool());
    bus.Start();
    bus.PidOf();
    bus.Settle();
    Waker waker(bus);
    for (int i = 0; i < 1000; i++)
        waker.Wake();
    EXPECT_EQ(stdio_bus_step(bus.get(), -1), 0);
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(stdio_bus_step(bus.get(), 50), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(49))
        << "all of them ended one step";
}

TEST(Threads, AWakeDuringAStepIsSeenByTheNext_A26) {
    Bus bus(OnePool());
    bus.Start();
    Waker waker(bus);
    bus.on_message = [&](const Message &) { waker.Wake(); };
    ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
    while (bus.messages.empty())
        ASSERT_GE(stdio_bus_step(bus.get(), -1), 0);
    EXPECT_GE(stdio_bus_step(bus.get(), -1), 0);
}

TEST(Threads, AWakerOutlivesItsBus_A26) {
    stdio_bus_waker_t *waker, *second;
    {
        Bus bus(OnePool());
        waker = stdio_bus_waker(bus.get());
        second = stdio_bus_waker(bus.get());
        ASSERT_NE(waker, nullptr);
        bus.Start();
    }
    std::thread other([=] {
        for (int i = 0; i < 1000; i++)
            stdio_bus_waker_wake(waker);
        stdio_bus_waker_release(waker);
    });
    stdio_bus_waker_wake(second);
    stdio_bus_waker_release(second);
    other.join();
    stdio_bus_waker_release(nullptr);
}

TEST(Threads, AThreadMayWakeWhileTheBusIsDestroyed_A26) {
    for (int i = 0; i < 20; i++) {
        std::atomic<bool> done{false};
        std::thread other;
        {
            Bus bus(OnePool());
            bus.Start();
            stdio_bus_waker_t *waker = stdio_bus_waker(bus.get());
            other = std::thread([=, &done] {
                while (!done)
                    stdio_bus_waker_wake(waker);
                stdio_bus_waker_release(waker);
            });
            EXPECT_TRUE(bus.Ask("echo").Has("result"));
        }
        done = true;
        other.join();
    }
}

TEST(Threads, ALoopThatSleepsUntilWokenServesRequestsOfOtherThreads_A26) {
    Bus bus(OnePool(2));
    bus.Start();
    Waker waker(bus);
    std::mutex mutex;
    std::vector<uint64_t> queue;
    constexpr uint64_t kEach = 500;
    auto produce = [&](uint64_t first) {
        for (uint64_t i = 0; i < kEach; i++) {
            {
                std::lock_guard<std::mutex> lock(mutex);
                queue.push_back(first + i);
            }
            waker.Wake();
        }
    };
    std::thread a(produce, 1), b(produce, 1 + kEach);
    while (bus.messages.size() < 2 * kEach) {
        std::vector<uint64_t> taken;
        {
            std::lock_guard<std::mutex> lock(mutex);
            taken.swap(queue);
        }
        for (uint64_t cookie : taken)
            ASSERT_EQ(
                bus.Send(Rpc(std::to_string(cookie), "echo"), {nullptr, nullptr, -1, 0, cookie}),
                0);
        ASSERT_GE(stdio_bus_step(bus.get(), -1), 0);
    }
    a.join();
    b.join();
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Threads, AnIdleBusSleepsAndIsNotWokenByItself_A26) {
    Bus bus(OnePool(3));
    bus.Start();
    for (int worker : {0, 1, 2})
        bus.PidOf({nullptr, nullptr, worker});
    bus.Settle();
    Waker waker(bus);
    std::mutex mutex;
    std::condition_variable never;
    // The span over which it is watched; nothing is expected to happen meanwhile.
    std::thread other([&] {
        std::unique_lock<std::mutex> lock(mutex);
        never.wait_for(lock, std::chrono::milliseconds(600), [] { return false; });
        waker.Wake();
    });
    long before = VoluntarySwitches();
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(stdio_bus_step(bus.get(), -1), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
    EXPECT_LE(VoluntarySwitches() - before, 5) << "it slept once, not again and again";
    other.join();
}

TEST(Threads, TheDescriptorToWaitOnIsReadableExactlyWhenThereIsWork_L9) {
    Bus bus(OnePool());
    pollfd ready{stdio_bus_get_poll_fd(bus.get()), POLLIN, 0};
    ASSERT_GE(ready.fd, 0);
    bus.Start();
    bus.PidOf();
    bus.Settle();
    EXPECT_EQ(poll(&ready, 1, 0), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
    stdio_bus_step(bus.get(), 0); // writes it
    while (bus.messages.size() < 2) {
        ASSERT_EQ(poll(&ready, 1, 30000), 1);
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    }
    bus.Settle();
    EXPECT_EQ(poll(&ready, 1, 0), 0);
    Waker waker(bus);
    waker.Wake();
    EXPECT_EQ(poll(&ready, 1, 0), 1) << "a wake is work";
    bus.Settle();
    EXPECT_EQ(poll(&ready, 1, 0), 0);
}

TEST(Threads, TheDescriptorTellsOfARestartThatIsDueAndOfTheStop) {
    Bus bus(OnePool());
    bus.Start();
    pollfd ready{stdio_bus_get_poll_fd(bus.get()), POLLIN, 0};
    ExpectError(bus.Ask("exit"), -32002);
    while (bus.Running() == 0) {
        ASSERT_EQ(poll(&ready, 1, 30000), 1);
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    }
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    while (bus.State() != STDIO_BUS_STATE_STOPPED) {
        ASSERT_EQ(poll(&ready, 1, 30000), 1);
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    }
}

TEST(Threads, BusesOnTheirOwnThreadsKnowNothingOfEachOther) {
    std::vector<std::thread> threads;
    std::atomic<int> answered{0};
    for (int t = 0; t < 3; t++) {
        threads.emplace_back([&] {
            Bus bus(OnePool(2));
            bus.Start();
            for (int i = 0; i < 50; i++)
                if (bus.Ask("echo").Has("result"))
                    answered++;
            bus.Ask("exit");
            bus.Stop();
        });
    }
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(answered, 150);
}

TEST(Threads, AStepWithATimeoutComesBackAfterIt) {
    Bus bus(OnePool());
    bus.Start();
    bus.PidOf();
    bus.Settle();
    EXPECT_EQ(stdio_bus_step(bus.get(), 0), 0);
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(stdio_bus_step(bus.get(), 30), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(29));
}

TEST(Threads, AllBlockingStepsOfAnExchangeNeedNoWaker) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
    while (bus.messages.empty())
        ASSERT_GE(stdio_bus_step(bus.get(), -1), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "exit")), 0);
    while (bus.Worker(0).restarts == 0)
        ASSERT_GE(stdio_bus_step(bus.get(), -1), 0) << "back-off is a timer of the loop's own";
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    while (bus.State() != STDIO_BUS_STATE_STOPPED)
        ASSERT_GE(stdio_bus_step(bus.get(), -1), 0);
}

// Makes lent steps on a thread of its own until `reached`, or until one does not succeed; returns
// that one's code.
int StepElsewhere(Bus &bus, const std::function<bool()> &reached) {
    int code = 0;
    std::thread([&] {
        while (!reached() && code >= 0)
            code = stdio_bus_step_lent(bus.get(), -1);
    }).join();
    return code;
}

TEST(Threads, WhoWaitsForAnAnswerMayMakeTheSteps) {
    Bus bus(OnePool());
    bus.Start();
    for (size_t i = 1; i <= 100; i++) {
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "echo")), 0);
        EXPECT_GE(StepElsewhere(bus, [&] { return bus.messages.size() == i; }), 0);
    }
    EXPECT_EQ(bus.Pending(), 0);
}

TEST(Threads, AWakeEndsALentStep) {
    Bus bus(OnePool());
    bus.Start();
    bus.PidOf();
    bus.Settle();
    Waker waker(bus);
    std::thread other([&] { waker.Wake(); });
    EXPECT_EQ(stdio_bus_step_lent(bus.get(), -1), 0); // would never return otherwise
    other.join();
}

// A worker's process ends with the thread that started it, and a thread that waits for an answer
// may end.
TEST(Threads, ALentStepLeavesRestartsToTheThreadOfTheBus) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "exit")), 0);
    EXPECT_EQ(StepElsewhere(bus, [&] { return false; }), STDIO_BUS_EAGAIN)
        << "the time of the restart has come, and it is not this thread's to do";
    EXPECT_EQ(bus.EventsOf(0, "restarting"), 1u);
    EXPECT_EQ(bus.Worker(0).restarts, 0u);
    EXPECT_EQ(stdio_bus_step_lent(bus.get(), 0), STDIO_BUS_EAGAIN);
    ASSERT_TRUE(bus.Until([&] { return bus.Worker(0).restarts == 1; }, "restart"));
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_GE(stdio_bus_step_lent(bus.get(), 0), 0);
}

TEST(Threads, ALentStepIsRefusedWhereAStepIs) {
    Bus bus(OnePool());
    EXPECT_EQ(stdio_bus_step_lent(bus.get(), 0), STDIO_BUS_ERR_STATE);
    bus.Start();
    int code = 0;
    bus.on_message = [&](const Message &) { code = stdio_bus_step_lent(bus.get(), 0); };
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(code, STDIO_BUS_ERR_STATE);
    bus.Stop();
    EXPECT_EQ(stdio_bus_step_lent(bus.get(), 0), STDIO_BUS_ERR_STATE);
}

TEST(Threads, AnOrderlyEndCanBeDrivenByLentSteps) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    EXPECT_GE(StepElsewhere(bus, [&] { return bus.State() == STDIO_BUS_STATE_STOPPED; }), 0);
    EXPECT_EQ(bus.messages.size(), 1u);
}

} // namespace
