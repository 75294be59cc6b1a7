// stdio_bus/pause and stdio_bus/resume: a connection that does not want a worker's output for now
// is spared it, unless somebody else waits for something from that worker.
#include <csignal>

#include "daemon_config.h"
#include "daemon_process.h"
#include "trusted_bus.h"

namespace {

constexpr uint32_t kDeclined = 0x20000;

// A client that has been told something by worker 0 already, and would be told more.
struct DecliningTest : testing::Test {
    TrustedBus bus{OnePool(2)};
    SocketClient client{bus.path};

    void SetUp() override {
        client.Ask(bus, Rpc("0", "echo", "", R"(,"sessionId":"s")"));
        worker = bus.Worker(0).sessions == 1 ? 0 : 1;
    }
    std::string Params() const {
        return "{\"worker\":" + std::to_string(worker) + "}";
    }
    void Pause() {
        Json answer = client.Ask(bus, Rpc("\"p\"", "stdio_bus/pause", Params()));
        EXPECT_EQ(answer["result"].Raw(), "{}") << answer.Raw();
    }
    void Resume() {
        client.Send(Rpc("", "stdio_bus/resume", Params()));
    }
    bool IsDeclined() {
        return bus.Worker(worker).paused & kDeclined;
    }
    // The worker answers the client from a request of the host, which does not wait for it.
    void WorkerSpeaks(const std::string &text) {
        std::string note = Rpc("", "n", Quote(text), R"(,"sessionId":"s")");
        ASSERT_EQ(bus.Send(Rpc("", "say", Line(note)), {nullptr, "s"}), 0);
    }
    void UntilRead() {
        bus.Settle();
        ASSERT_TRUE(
            bus.Until([&] { return bus.Worker(worker).queued_bytes == 0; }, "the worker has it"));
    }
    int worker = 0;
};

TEST_F(DecliningTest, TheWorkersOutputWaitsUntilItIsWantedAgain) {
    Pause();
    EXPECT_TRUE(IsDeclined());
    for (int i = 0; i < 3; i++)
        WorkerSpeaks(std::to_string(i));
    UntilRead();
    SocketClient other(bus.path);
    int its = 1 - worker;
    Annotate(bus, other);
    other.Ask(bus, Beside("{\"worker\":" + std::to_string(its) + "}", Rpc("1", "echo")));
    EXPECT_EQ(client.Waiting(), 0u) << "another worker is read meanwhile";
    Resume();
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(client.Next(bus)["params"].Text(), std::to_string(i)) << "nothing is lost";
    EXPECT_FALSE(IsDeclined());
}

TEST_F(DecliningTest, ItsOwnAnswersWaitToo) {
    Pause();
    client.Send(Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    UntilRead();
    EXPECT_TRUE(IsDeclined());
    EXPECT_EQ(client.Waiting(), 0u);
    Resume();
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
}

TEST_F(DecliningTest, SomebodyElsesRequestLiftsItUntilItIsAnswered) {
    Pause();
    WorkerSpeaks("news");
    SocketClient other(bus.path);
    other.Send(Rpc("1", "hold", "", R"(,"sessionId":"s")"));
    EXPECT_EQ(client.Next(bus)["params"].Text(), "news");
    EXPECT_FALSE(IsDeclined());
    SocketClient third(bus.path);
    third.Send(Rpc("2", "release", "", R"(,"sessionId":"s")"));
    EXPECT_EQ(other.Next(bus)["id"].Raw(), "1") << "the answers went through";
    EXPECT_EQ(third.Next(bus)["id"].Raw(), "2");
    EXPECT_TRUE(IsDeclined()) << "and now nobody waits for it any more";
}

TEST_F(DecliningTest, TheHostsRequestLiftsItToo) {
    Pause();
    Json answer = bus.Ask("echo", "", {nullptr, "s"});
    EXPECT_TRUE(answer.Has("result"));
    EXPECT_TRUE(IsDeclined());
}

TEST_F(DecliningTest, ARequestOfOneWhoDeclinesAsWellDoesNotLiftIt) {
    SocketClient other(bus.path);
    other.Ask(bus, Rpc("0", "stdio_bus/pause", Params()));
    EXPECT_TRUE(IsDeclined());
    Pause();
    other.Send(Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    UntilRead();
    EXPECT_TRUE(IsDeclined());
    other.Send(Rpc("2", "stdio_bus/resume", Params()));
    EXPECT_EQ(other.Next(bus)["id"].Raw(), "2");
    EXPECT_EQ(other.Next(bus)["id"].Raw(), "1") << "once it wants its answer it gets it";
    EXPECT_TRUE(IsDeclined()) << "the first one still does not";
}

TEST_F(DecliningTest, ARequestThatIsForgottenHoldsNobodyToReadOn) {
    Pause();
    SocketClient other(bus.path);
    other.Send(Rpc("1", "hold", "", R"(,"sessionId":"s")"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1 && !IsDeclined(); }, "it is lifted"));
    other.Send(Rpc("", "stdio_bus/forget", R"({"id":1})"));
    ASSERT_TRUE(bus.Until([&] { return IsDeclined(); }, "nobody waits any more"));
}

TEST_F(DecliningTest, ItEndsWithTheConnection) {
    Pause();
    SocketClient other(bus.path);
    other.Ask(bus, Rpc("0", "stdio_bus/pause", Params()));
    client.Close();
    ASSERT_TRUE(
        bus.Until([&] { return stdio_bus_client_count(bus.get()) == 1; }, "the client has gone"));
    EXPECT_TRUE(IsDeclined()) << "another one still declines";
    other.Reset();
    ASSERT_TRUE(bus.Until([&] { return !IsDeclined(); }, "both have gone"));
    EXPECT_TRUE(bus.Ask("echo", "", {nullptr, nullptr, worker}).Has("result"));
}

TEST_F(DecliningTest, ItEndsWithTheInputOfAConnectionWhichCouldNotResumeAnyMore) {
    Pause();
    client.Send(Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    client.EndSending();
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
    EXPECT_TRUE(client.IsEnded(bus));
    EXPECT_FALSE(IsDeclined());
}

TEST_F(DecliningTest, ItEndsWithTheWorkersProcess) {
    for (bool by_exit : {true, false}) {
        Pause();
        uint64_t before = bus.Worker(worker).restarts;
        if (by_exit)
            ASSERT_EQ(kill(pid_t(bus.Worker(worker).pid), SIGKILL), 0);
        else
            ASSERT_EQ(stdio_bus_restart_worker(bus.get(), worker, 0), 0);
        ASSERT_TRUE(bus.Until([&] { return bus.Worker(worker).restarts > before; }, "it is back"));
        EXPECT_EQ(bus.Worker(worker).paused, 0u);
    }
}

TEST_F(DecliningTest, AStopOfTheBusReadsEverybody) {
    Pause();
    client.Send(Rpc("1", "echo", "", R"(,"sessionId":"s")"));
    ASSERT_TRUE(bus.Until([&] { return bus.Pending() == 1; }, "it is in flight"));
    EXPECT_LT(bus.Stop(), 5000) << "the drain has not waited for its time to end";
    client.Pump();
    EXPECT_EQ(client.Next(bus)["id"].Raw(), "1");
}

TEST_F(DecliningTest, ItDoesNotMakeAClientOneThatUsesTheWorker) {
    SocketClient stranger(bus.path);
    stranger.Ask(bus, Rpc("0", "stdio_bus/pause", Params()));
    stranger.Ask(bus, Rpc("1", "stdio_bus/resume", Params()));
    ASSERT_EQ(bus.Send(Rpc("", "say", Line(Rpc("", "to_all"))), {nullptr, "s"}), 0);
    EXPECT_EQ(client.Next(bus)["method"].Text(), "to_all");
    EXPECT_EQ(stranger.Waiting(), 0u);
}

TEST_F(DecliningTest, PausingTwiceIsPausingOnceAndResumingWhatIsNotPausedIsNothing) {
    Resume();
    Pause();
    Pause();
    Resume();
    ASSERT_TRUE(bus.Until([&] { return !IsDeclined(); }, "it is read again"));
}

TEST(Declining, TheHostsOwnReasonsAreKeptApart) {
    TrustedBus bus;
    SocketClient client(bus.path);
    client.Ask(bus, Rpc("0", "stdio_bus/pause", R"({"worker":0})"));
    ASSERT_EQ(stdio_bus_pause_worker(bus.get(), 0, 1), 0);
    EXPECT_EQ(bus.Worker(0).paused, kDeclined | 1);
    client.Ask(bus, Rpc("1", "stdio_bus/resume", R"({"worker":0})"));
    EXPECT_EQ(bus.Worker(0).paused, 1u);
    ASSERT_EQ(stdio_bus_resume_worker(bus.get(), 0, 0xFFFF), 0);
    EXPECT_EQ(bus.Worker(0).paused, 0u);
}

TEST(Declining, AWorkerThatDoesNotRunCannotBePaused) {
    TrustedBus bus(OnePool(1, R"("max_restarts":0)"));
    ExpectError(bus.Ask("exit"), -32002);
    SocketClient client(bus.path);
    EXPECT_EQ(client.Ask(bus, Rpc("0", "stdio_bus/pause", R"({"worker":0})"))["result"].Raw(),
              "{}");
    EXPECT_EQ(bus.Worker(0).paused, 0u);
}

TEST(DecliningDaemon, TheClientOnStandardInputPausesAndResumes) {
    ConfigFile config(OnePool());
    Daemon daemon({"--config", config.Path()});
    daemon.Send(Rpc("1", "stdio_bus/pause", R"({"worker":0})"));
    EXPECT_EQ(daemon.Next()["result"].Raw(), "{}");
    daemon.Send(Rpc("2", "echo"));
    Json w = daemon.Ask(Rpc("3", "stdio_bus/workers"))["result"]["workers"][0];
    EXPECT_EQ(w["paused"].Number(), kDeclined) << "its own request does not lift it";
    EXPECT_EQ(w["pending"].Number(), 1);
    daemon.Send(Rpc("4", "stdio_bus/resume", R"({"worker":0})"));
    EXPECT_EQ(daemon.Next()["id"].Raw(), "4");
    EXPECT_EQ(daemon.Next()["id"].Raw(), "2");
    daemon.Send(Rpc("", "stdio_bus/pause", R"({"worker":0})"));
    daemon.Send(Rpc("5", "echo"));
    daemon.CloseInput();
    EXPECT_EQ(daemon.WaitAtMost(5000), 0);
    EXPECT_NE(daemon.out.find(R"("id":5,"result")"), std::string::npos)
        << "the end of the bus reads everybody";
}

} // namespace
