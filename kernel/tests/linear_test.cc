// The work that a message costs: in bytes that are moved, searched, scanned and compared, which
// are counted by standing between the kernel and the functions that do it. Time is not looked at.
#include "bus_fixture.h"

#include <cstring>
#include <malloc.h>

extern "C" {
#include "json.h"
}

namespace {

struct Work {
    size_t moved, searched, scanned, scans, compared;
} work;

} // namespace

extern "C" {
void *__real_memmove(void *to, const void *from, size_t n);
void *__real_memcpy(void *to, const void *from, size_t n);
void *__real___memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__real___memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__real_memchr(const void *p, int c, size_t n);
int __real_memcmp(const void *a, const void *b, size_t n);
sb_scan_status __real_sb_json_scan(const char *text, size_t len, sb_scan *out);

void *__wrap_memmove(void *to, const void *from, size_t n) {
    work.moved += n;
    return __real_memmove(to, from, n);
}
void *__wrap_memcpy(void *to, const void *from, size_t n) {
    work.moved += n;
    return __real_memcpy(to, from, n);
}
void *__wrap___memmove_chk(void *to, const void *from, size_t n, size_t room) {
    work.moved += n;
    return __real___memmove_chk(to, from, n, room);
}
void *__wrap___memcpy_chk(void *to, const void *from, size_t n, size_t room) {
    work.moved += n;
    return __real___memcpy_chk(to, from, n, room);
}
void *__wrap_memchr(const void *p, int c, size_t n) {
    void *found = __real_memchr(p, c, n);
    work.searched += found ? static_cast<size_t>((char *)found - (const char *)p) + 1 : n;
    return found;
}
int __wrap_memcmp(const void *a, const void *b, size_t n) {
    work.compared++;
    return __real_memcmp(a, b, n);
}
sb_scan_status __wrap_sb_json_scan(const char *text, size_t len, sb_scan *out) {
    work.scans++;
    work.scanned += len;
    return __real_sb_json_scan(text, len, out);
}
}

namespace {

// Takes everything and says nothing, but keeps its output open.
Pool Sink() {
    Pool pool;
    pool.command = "/bin/sh";
    pool.args = {"-c", "exec cat 3>&1 >/dev/null"};
    return pool;
}

std::string Large(size_t bytes) {
    return "\"" + std::string(bytes, 'x') + "\"";
}

// What it costs to send so many bytes to a worker and to have them back, in the kernel's own
// functions: everything between is the system's.
Work CostOfThereAndBack(size_t bytes) {
    Bus::Options options;
    options.handler = Bus::Handler::kNone; // the fixture copies what it is handed
    std::string limit = std::to_string(2 * bytes + 1000);
    Bus bus(Config({{"p", 1, {}, "/bin/cat"}},
                   "\"max_input_buffer\":" + limit + ",\"max_output_queue\":" + limit),
            options);
    bus.Start();
    std::string note = Rpc("", "n", Large(bytes));
    work = {};
    EXPECT_EQ(bus.Send(note), 0);
    // Not Until, which allocates and copies on its own behalf.
    while (bus.Worker(0).messages_in == 0 && stdio_bus_step(bus.get(), 1000) >= 0)
        continue;
    return work;
}

TEST(Linear, TenTimesAsLongAMessageIsTenTimesTheWork_L40) {
    constexpr size_t kBytes = 1000 * 1000;
    Work one = CostOfThereAndBack(kBytes), ten = CostOfThereAndBack(10 * kBytes);
    EXPECT_EQ(one.scans, 2u);
    EXPECT_EQ(ten.scans, 2u) << "once on the way out, once on the way back";
    EXPECT_LE(one.scanned, 2 * (kBytes + 100));
    EXPECT_LE(ten.scanned, 2 * (10 * kBytes + 100));
    // The search for line breaks on both ways, with room for what short lines cost.
    EXPECT_LE(one.searched, 6 * kBytes);
    EXPECT_LE(ten.searched, 6 * 10 * kBytes);
    // Into the queue, and from one buffer into the next one while it grows.
    EXPECT_LE(one.moved, 6 * kBytes);
    EXPECT_LE(ten.moved, 6 * 10 * kBytes);
    EXPECT_GE(ten.searched, 10 * kBytes) << "or the counting does not count";
    EXPECT_GE(ten.moved, 10 * kBytes);
}

TEST(Linear, AQueueOfManyMessagesIsNotMovedForEachOfThem_L40) {
    auto cost = [](int count) {
        Pool deaf;
        deaf.args = {"--deaf"};
        Bus bus(Config({deaf}));
        bus.Start();
        std::string note = Rpc("", "n", Large(1000));
        work = {};
        for (int i = 0; i < count; i++) {
            EXPECT_EQ(bus.Send(note), 0);
            stdio_bus_step(bus.get(), 0);
        }
        return work.moved;
    };
    size_t thousand = cost(1000), ten_thousand = cost(10000);
    EXPECT_LE(ten_thousand, 15 * thousand);
    EXPECT_LE(ten_thousand, size_t(6) * 10000 * 1100);
}

// --- Many sessions, many requests
// ------------------------------------------------------------------

Work CostOfANoteWithSessions(Bus &bus, int sessions) {
    for (int i = bus.Sessions(); i < sessions; i++) {
        EXPECT_EQ(bus.Send(Rpc("", "n"), {nullptr, ("s" + std::to_string(i)).c_str()}), 0);
        if (i % 100 == 0)
            bus.Settle();
    }
    EXPECT_EQ(bus.Sessions(), sessions);
    bus.Settle();
    work = {};
    for (int i = 0; i < 1000; i++) {
        std::string session = "s" + std::to_string(i * 7919LL % sessions);
        EXPECT_EQ(bus.Send(Rpc("", "n"), {nullptr, session.c_str()}), 0);
    }
    bus.Settle();
    return work;
}

TEST(Linear, AHundredThousandSessionsCostNoMoreAMessageThanAHundred_L12) {
    Pool sink = Sink();
    sink.instances = 2;
    Bus bus(Config({sink}, R"("max_sessions":100000)"));
    bus.Start();
    Work few = CostOfANoteWithSessions(bus, 100);
    Work many = CostOfANoteWithSessions(bus, 100000);
    EXPECT_GE(few.compared, 1000u) << "or the counting does not count";
    EXPECT_LE(many.compared, few.compared * 5 / 4);
    EXPECT_LE(many.moved, few.moved * 5 / 4 + 10000) << "session names are a little longer";
    EXPECT_EQ(bus.Counters().sessions_evicted, 0u);
    EXPECT_EQ(bus.Worker(0).sessions + bus.Worker(1).sessions, 100000u);
}

Work CostOfARequestBeside(Bus &bus, uint64_t pending) {
    for (uint64_t i = static_cast<uint64_t>(bus.Pending()) + 1; i <= pending; i++) {
        EXPECT_EQ(bus.Send(Rpc(std::to_string(i), "n"), {nullptr, nullptr, 0, 0, i}), 0);
        if (i % 100 == 0)
            bus.Settle();
    }
    EXPECT_EQ(static_cast<uint64_t>(bus.Pending()), pending);
    bus.Settle();
    work = {};
    for (int i = 0; i < 1000; i++)
        bus.Ask("echo", "", {nullptr, nullptr, 1});
    return work;
}

TEST(Linear, SixtyFiveThousandRequestsInFlightMakeTheNextNoDearer_L12) {
    Bus bus(Config({Sink(), {"echo"}}));
    bus.Start();
    // The fixture looks through the messages it has for an answer, so they are not kept.
    bus.on_message = [](const Message &) {};
    Work few = CostOfARequestBeside(bus, 10);
    bus.messages.clear();
    Work many = CostOfARequestBeside(bus, 65000);
    EXPECT_GE(few.compared, 1000u) << "or the counting does not count";
    EXPECT_LE(many.compared, few.compared * 5 / 4);
    EXPECT_EQ(bus.Pending(), 65000);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

TEST(Linear, SessionsAndRequestsTakeMemoryInProportion_L12) {
    Bus bus(Config({Sink()}, R"("max_sessions":200000)"));
    bus.Start();
    auto used = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
    auto open = [&](int from, int to) {
        size_t before = used();
        for (int i = from; i < to; i++) {
            EXPECT_EQ(bus.Send(Rpc("", "n"), {nullptr, ("s" + std::to_string(i)).c_str()}), 0);
            bus.Settle();
        }
        return (used() - before) / static_cast<size_t>(to - from);
    };
    // A table doubles at times, so a share of it may be twice what is used.
    EXPECT_LE(open(0, 50000), 250u);
    EXPECT_LE(open(50000, 100000), 250u);
    auto ask = [&](uint64_t from, uint64_t to) {
        size_t before = used();
        for (uint64_t i = from; i < to; i++) {
            EXPECT_EQ(bus.Send(Rpc(std::to_string(i), "n"), {nullptr, nullptr, -1, 0, i}), 0);
            bus.Settle();
        }
        return (used() - before) / static_cast<size_t>(to - from);
    };
    EXPECT_LE(ask(1, 32001), 1000u);
    EXPECT_LE(ask(32001, 64001), 1000u);
    size_t full = used();
    for (uint64_t i = 1; i <= 64000; i++)
        ASSERT_EQ(stdio_bus_forget(bus.get(), i), 0);
    EXPECT_LE(used(), full - size_t(64000) * 350) << "and gives it back";
    EXPECT_EQ(bus.Pending(), 0);
}

#endif

} // namespace
