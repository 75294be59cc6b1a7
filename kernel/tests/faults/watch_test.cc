// A system that watches no more descriptors: nobody is left unheard for it.
#include "faulty_calls.h"
#include "socket_client.h"

namespace {

// Nothing can be watched anew for as long as it lives.
class Blind {
  public:
    Blind() {
        Faults().unwatched = 1024;
        Faults().armed = 1;
    }
    ~Blind() {
        Faults().armed = 0;
        Faults().unwatched = 0;
    }
    Blind(const Blind &) = delete;
    Blind &operator=(const Blind &) = delete;
};

TEST(Watch, AWorkerWhosePipeIsFullAndCannotBeWatchedIsReplaced) {
    Bus bus(OnePool());
    bus.Start();
    bus.Ask("deafen");
    uint64_t cookie = bus.Cookie();
    std::string long_text = "\"" + std::string(1024 * 1024, 'x') + "\"";
    ASSERT_EQ(bus.Send(Rpc("1", "echo", long_text), {nullptr, nullptr, -1, 0, cookie}), 0);
    {
        Blind blind;
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    }
    Json answer = bus.Answer(cookie);
    ExpectError(answer, -32002);
    EXPECT_EQ(answer["error"]["data"]["reason"].Text(), "could not be watched and was replaced");
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

TEST(Watch, AWorkerThatCannotBeReadAgainAfterAPauseIsReplaced) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(stdio_bus_pause_worker(bus.get(), 0, 1), 0);
    uint64_t cookie = bus.Cookie();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, cookie}), 0);
    bus.Settle();
    ASSERT_EQ(stdio_bus_resume_worker(bus.get(), 0, 1), 0);
    {
        Blind blind;
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    }
    ExpectError(bus.Answer(cookie), -32002);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
}

TEST(Watch, AStartThatCannotWatchItsWorkersFailsAndLeavesNothingBehind) {
    Bus bus(OnePool(2));
    {
        Blind blind;
        EXPECT_EQ(stdio_bus_start(bus.get()), STDIO_BUS_ERR_WORKER);
    }
    EXPECT_EQ(bus.State(), STDIO_BUS_STATE_STOPPED);
    EXPECT_TRUE(Children().empty());
}

TEST(Watch, AListenerGoesOnAfterATimeWithoutDescriptorsAndWatches) {
    Bus bus(OnePool(), OnTcp());
    bus.Start();
    SocketClient client(stdio_bus_listen_endpoint(bus.get()));
    {
        Blind blind;
        Faults().refused = 1024;
        ASSERT_TRUE(bus.Until([&] { return bus.HasLogged("no descriptor left"); },
                              "there is no descriptor for a client"));
        Faults().refused = 0;
        ASSERT_TRUE(bus.Until([&] { return bus.HasLogged("cannot be watched"); },
                              "the listener cannot be watched"));
    }
    EXPECT_TRUE(client.Ask(bus, Rpc("1", "echo")).Has("result"));
}

} // namespace
