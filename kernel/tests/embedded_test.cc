// Workers that the host provides as a pair of descriptors instead of a command.
#include "bus_fixture.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// The host's end of an embedded worker, served on the test's own thread.
class Embedded {
  public:
    explicit Embedded(Bus &bus, const char *pool = "p") : bus_(bus) {
        int to[2], from[2];
        EXPECT_EQ(pipe2(to, O_CLOEXEC), 0);
        EXPECT_EQ(pipe2(from, O_CLOEXEC), 0);
        in_ = to[0];
        out_ = from[1];
        fcntl(in_, F_SETFL, O_NONBLOCK);
        id = stdio_bus_register_embedded_worker(bus.get(), to[1], from[0], pool);
        if (id < 0) {
            close(to[1]);
            close(from[0]);
        }
    }
    ~Embedded() {
        CloseBoth();
    }
    Embedded(const Embedded &) = delete;
    Embedded &operator=(const Embedded &) = delete;

    void CloseBoth() {
        for (int *fd : {&in_, &out_}) {
            if (*fd >= 0)
                close(*fd);
            *fd = -1;
        }
    }
    // Stops writing, as a worker that ends; still reads.
    void CloseOutput() {
        close(out_);
        out_ = -1;
    }
    void Write(const std::string &line) {
        std::string text = line + "\n";
        ASSERT_EQ(write(out_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    // The next line that the bus wrote; steps it until it is there.
    std::string Read() {
        size_t end;
        bus_.Until([&] { return (end = Pump().find('\n')) != std::string::npos; },
                   "an embedded worker has received a line");
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
    }
    // Whether the bus closed its end.
    bool IsEnded() {
        return bus_.Until([&] { return Pump().empty() && ended_; }, "the bus closed its end");
    }

    int id;

  private:
    const std::string &Pump() {
        char block[65536];
        ssize_t n;
        while ((n = read(in_, block, sizeof block)) > 0)
            buffer_.append(block, static_cast<size_t>(n));
        ended_ = n == 0;
        return buffer_;
    }
    Bus &bus_;
    int in_, out_;
    bool ended_ = false;
    std::string buffer_;
};

std::string Answer(const std::string &id, const std::string &result) {
    return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":" + result + "}";
}

// A pool whose only process has left, so that embedded workers have it for themselves.
struct EmptyPool : Bus {
    EmptyPool() : Bus(OnePool(1, R"("max_restarts":0)")) {
        Start();
        EXPECT_EQ(stdio_bus_stop_worker(get(), 0, 1), 0);
        Until([&] { return Running() == 0; }, "the process is gone");
    }
};

TEST(Embedded, ItsNumberIsItsOwnAndItIsCountedLikeAnyOther_A30) {
    Bus bus(OnePool(2));
    bus.Start();
    Embedded a(bus), b(bus);
    EXPECT_EQ(a.id, 2);
    EXPECT_EQ(b.id, 3);
    EXPECT_EQ(bus.Running(), 4);
    EXPECT_EQ(stdio_bus_worker_total(bus.get()), 4);
    EXPECT_EQ(bus.Worker(2).state, STDIO_BUS_WORKER_RUNNING);
    EXPECT_EQ(bus.Worker(2).pid, 0);
    EXPECT_STREQ(bus.Worker(2).pool, "p");
    EXPECT_EQ(bus.EventsOf(2, "started"), 1u);
}

TEST(Embedded, RequestsAndAnswersGoBothWays_A30) {
    EmptyPool bus;
    Embedded worker(bus);
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, nullptr, -1, 0, 1}), 0);
    EXPECT_EQ(worker.Read(), Rpc("1", "x"));
    worker.Write(Answer("1", "true"));
    EXPECT_EQ(bus.Answer(1).Raw(), Answer("1", "true"));
    EXPECT_EQ(bus.messages[0].worker, worker.id);
    worker.Write(Rpc("9", "ask"));
    ASSERT_TRUE(bus.Until([&] { return bus.messages.size() == 2; }, "its request has come"));
    EXPECT_EQ(bus.messages[1].kind, STDIO_BUS_REQUEST);
    ASSERT_EQ(bus.Send(Answer("9", "null"), {nullptr, nullptr, worker.id}), 0);
    EXPECT_EQ(worker.Read(), Answer("9", "null"));
}

TEST(Embedded, TwoAtOnceShareTheLoadAndKeepTheirSessions_A30) {
    EmptyPool bus;
    Embedded a(bus), b(bus);
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, "s"}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "x"), {nullptr, "t"}), 0);
    ASSERT_EQ(bus.Send(Rpc("3", "x"), {nullptr, "s"}), 0);
    EXPECT_EQ(a.Read(), Rpc("1", "x"));
    EXPECT_EQ(a.Read(), Rpc("3", "x"));
    EXPECT_EQ(b.Read(), Rpc("2", "x"));
}

TEST(Embedded, UnregisteringAnswersWhatIsPendingClosesBothEndsAndIsIdempotent_A30) {
    EmptyPool bus;
    Embedded worker(bus);
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, nullptr, -1, 0, 1}), 0);
    worker.Read();
    EXPECT_EQ(stdio_bus_unregister_embedded_worker(bus.get(), worker.id), 0);
    ExpectError(bus.Answer(1), -32002);
    EXPECT_TRUE(worker.IsEnded());
    EXPECT_EQ(bus.Running(), 0);
    EXPECT_EQ(bus.Pending(), 0);
    EXPECT_EQ(bus.EventsOf(worker.id, "stopped"), 1u);
    int again = stdio_bus_unregister_embedded_worker(bus.get(), worker.id);
    EXPECT_TRUE(again == STDIO_BUS_OK || again == STDIO_BUS_ENOTFOUND) << again;
    EXPECT_EQ(bus.EventsOf(worker.id, "stopped"), 1u);
    EXPECT_EQ(stdio_bus_unregister_embedded_worker(bus.get(), 0), STDIO_BUS_ENOTFOUND)
        << "a process";
    EXPECT_EQ(stdio_bus_unregister_embedded_worker(bus.get(), 99), STDIO_BUS_ENOTFOUND);
}

TEST(Embedded, BadArgumentsAndStatesAreRefused_A30) {
    Bus bus(OnePool());
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    auto add = [&](int to, int from, const char *pool) {
        return stdio_bus_register_embedded_worker(bus.get(), to, from, pool);
    };
    EXPECT_EQ(add(ends[1], ends[0], "p"), STDIO_BUS_ERR_STATE);
    bus.Start();
    EXPECT_EQ(add(-1, ends[0], "p"), STDIO_BUS_EINVAL);
    EXPECT_EQ(add(ends[1], -1, "p"), STDIO_BUS_EINVAL);
    EXPECT_EQ(add(ends[1], ends[0], "nobody"), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_worker_total(bus.get()), 1);
    EXPECT_NE(fcntl(ends[0], F_GETFD), -1) << "what was refused stays the host's";
    EXPECT_NE(fcntl(ends[1], F_GETFD), -1);
    close(ends[0]);
    close(ends[1]);
}

TEST(Embedded, TheHostClosingItsEndEndsTheWorker_A30) {
    EmptyPool bus;
    Embedded worker(bus);
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, nullptr, -1, 0, 1}), 0);
    worker.Read();
    worker.CloseBoth();
    ExpectError(bus.Answer(1), -32002);
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(worker.id, "stopped") == 1; }, "reported"));
    EXPECT_EQ(bus.Running(), 0);
    EXPECT_EQ(bus.EventsOf(worker.id, "restarting"), 0u) << "nobody could start it again";
    ExpectError(bus.Ask("x"), -32001);
}

TEST(Embedded, ItsLastAnswersAreDeliveredBeforeItsEnd_A30) {
    EmptyPool bus;
    Embedded worker(bus);
    for (uint64_t i = 1; i <= 3; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "x"), {nullptr, nullptr, -1, 0, i}), 0);
    for (int i = 0; i < 3; i++)
        worker.Read();
    worker.Write(Answer("2", "2"));
    worker.Write(Answer("1", "1"));
    worker.CloseOutput();
    EXPECT_EQ(bus.Answer(1)["result"].Raw(), "1");
    EXPECT_EQ(bus.Answer(2)["result"].Raw(), "2");
    ExpectError(bus.Answer(3), -32002);
}

TEST(Embedded, OneThatIsNotServedHoldsUpNobodyAndLosesNothing_A30) {
    EmptyPool bus;
    Embedded slow(bus), quick(bus);
    std::string block = Quote(std::string(100000, 'a'));
    constexpr uint64_t kCount = 20;
    for (uint64_t i = 1; i <= kCount; i++)
        ASSERT_EQ(bus.Send(Rpc(std::to_string(i), "x", block), {nullptr, nullptr, slow.id, 0, i}),
                  0);
    ASSERT_EQ(bus.Send(Rpc("99", "x"), {nullptr, nullptr, quick.id, 0, 99}), 0);
    quick.Read();
    quick.Write(Answer("99", "1"));
    EXPECT_TRUE(bus.Answer(99).Has("result"));
    EXPECT_GT(bus.Worker(slow.id).queued_bytes, 0u);
    for (uint64_t i = 1; i <= kCount; i++)
        EXPECT_EQ(slow.Read(), Rpc(std::to_string(i), "x", block));
    EXPECT_EQ(bus.Worker(slow.id).queued_bytes, 0u);
}

TEST(Embedded, BeyondTheQueueLimitSendersAreTold_A30) {
    Bus bus(OnePool(1, R"("max_output_queue":1048576)"));
    bus.Start();
    Embedded slow(bus);
    std::string block = Quote(std::string(600000, 'a'));
    uint64_t id = 0;
    while (bus.messages.empty() && id < 10) {
        id++;
        ASSERT_EQ(bus.Send(Rpc(std::to_string(id), "x", block), {nullptr, nullptr, slow.id, 0, id}),
                  0);
    }
    ExpectError(bus.Answer(id), -32003);
    EXPECT_EQ(bus.Send(Rpc("", "x", block), {nullptr, nullptr, slow.id}), STDIO_BUS_EFULL);
}

TEST(Embedded, ASocketServesForBothDirections) {
    EmptyPool bus;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    int other = dup(ends[0]);
    int id = stdio_bus_register_embedded_worker(bus.get(), ends[0], other, "p");
    ASSERT_GE(id, 0);
    std::string note = Rpc("", "hello") + "\n";
    ASSERT_EQ(write(ends[1], note.data(), note.size()), static_cast<ssize_t>(note.size()));
    EXPECT_EQ(bus.Next().text, Rpc("", "hello"));
    close(ends[1]);
    EXPECT_TRUE(bus.Until([&] { return bus.EventsOf(id, "stopped") == 1; }, "its end is seen"));
}

TEST(Embedded, StopClosesItsEndsAndWaitsForItsAnswers_L34) {
    EmptyPool bus;
    Embedded worker(bus);
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, nullptr, -1, 0, 1}), 0);
    worker.Read();
    ASSERT_EQ(stdio_bus_stop(bus.get(), 10), 0);
    worker.Write(Answer("1", "\"late but in time\""));
    EXPECT_TRUE(bus.Answer(1).Has("result"));
    bus.Stop();
    EXPECT_TRUE(worker.IsEnded());
    EXPECT_EQ(bus.EventsOf(worker.id, "stopped"), 1u);
}

TEST(Embedded, IsGreetedLikeAProcess) {
    Pool pool;
    pool.more = R"(,"handshake":[{"id":1,"method":"initialize"},{"method":"ready"}])";
    Bus bus(Config({pool}));
    bus.Start();
    ASSERT_TRUE(bus.Until([&] { return bus.Running() == 1; }, "the pool's own worker runs"));
    ASSERT_EQ(stdio_bus_stop_worker(bus.get(), 0, 0), STDIO_BUS_OK);
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "stopped") == 1; }, "it was stopped"));
    Embedded worker(bus);
    EXPECT_EQ(bus.Running(), 0);
    ASSERT_EQ(bus.Send(Rpc("1", "work"), {nullptr, nullptr, -1, 0, 5}), 0) << "it is held";
    EXPECT_EQ(worker.Read(), Rpc("1", "initialize"));
    worker.Write(R"({"jsonrpc":"2.0","id":1,"result":{"name":"inside"}})");
    EXPECT_EQ(worker.Read(), Rpc("", "ready"));
    EXPECT_EQ(worker.Read(), Rpc("1", "work"));
    worker.Write(R"({"jsonrpc":"2.0","id":1,"result":8})");
    EXPECT_EQ(bus.Answer(5)["result"].Raw(), "8");
    EXPECT_STREQ(bus.Worker(worker.id).handshake, R"({"name":"inside"})");
}

TEST(Embedded, ThatRefusesTheHandshakeIsClosed) {
    Pool pool;
    pool.more = R"(,"handshake":[{"id":1,"method":"hold"}])";
    Bus bus(Config({pool}));
    bus.Start();
    ASSERT_EQ(stdio_bus_stop_worker(bus.get(), 0, 0), STDIO_BUS_OK);
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(0, "stopped") == 1; }, "it was stopped"));
    Embedded worker(bus);
    ASSERT_EQ(bus.Send(Rpc("1", "work"), {nullptr, nullptr, -1, 0, 5}), 0);
    worker.Read();
    worker.Write(R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}})");
    Json answer = bus.Answer(5);
    ExpectError(answer, -32001);
    EXPECT_NE(answer.Raw().find("refused the handshake: 'hold' got -1: no"), std::string::npos)
        << answer.Raw();
    EXPECT_TRUE(worker.IsEnded());
    EXPECT_EQ(bus.Worker(worker.id).state, STDIO_BUS_WORKER_STOPPED);
}

} // namespace
