// What a host does from within its callbacks, and what must be noticed without a step in between.
#include "socket_client.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace {

TEST(Callbacks, AWorkerUnregisteredDuringItsLastLineIsClosedAndItsRequestsAnswered_A30) {
    Bus bus(OnePool());
    bus.Start();
    size_t before = OpenDescriptors().size();
    int to[2], from[2];
    ASSERT_EQ(pipe2(to, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(from, O_CLOEXEC), 0);
    int id = stdio_bus_register_embedded_worker(bus.get(), to[1], from[0], "p");
    ASSERT_GE(id, 0);
    ASSERT_EQ(bus.Send(Rpc("1", "x"), {nullptr, nullptr, id, 0, 1}), 0);
    bus.on_message = [&](const Message &m) {
        if (m.kind == STDIO_BUS_NOTIFICATION) {
            EXPECT_EQ(stdio_bus_unregister_embedded_worker(bus.get(), id), 0);
        }
    };
    std::string last = Rpc("", "bye"); // without a newline: read at the end of the stream
    ASSERT_EQ(write(from[1], last.data(), last.size()), static_cast<ssize_t>(last.size()));
    close(from[1]);
    ExpectError(bus.Answer(1), -32002);
    EXPECT_EQ(bus.EventsOf(id, "stopped"), 1u);
    EXPECT_EQ(bus.Running(), 1);
    EXPECT_EQ(bus.Pending(), 0);
    close(to[0]);
    EXPECT_EQ(OpenDescriptors().size(), before);
}

TEST(Callbacks, ARefusedSocketOfAnEmbeddedWorkerLeavesNoCopyBehind_A30) {
    Bus bus(OnePool());
    bus.Start();
    TempFolder folder;
    int file = open(folder.Path("f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    size_t before = OpenDescriptors().size();
    EXPECT_EQ(stdio_bus_register_embedded_worker(bus.get(), file, file, "p"), STDIO_BUS_EINVAL)
        << "a regular file cannot be waited for";
    EXPECT_EQ(OpenDescriptors().size(), before);
    close(file);
}

// Waits on the descriptor as a host with a loop of its own does.
bool IsReadable(Bus &bus, int timeout_ms) {
    pollfd ready{stdio_bus_get_poll_fd(bus.get()), POLLIN, 0};
    return poll(&ready, 1, timeout_ms) == 1;
}

void StepUntilIdle(Bus &bus) {
    while (IsReadable(bus, 0))
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
}

TEST(Callbacks, TheDescriptorTellsOfWhatWasSentBeforeItWasAskedFor_L9) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "echo")), 0);
    EXPECT_TRUE(IsReadable(bus, 0));
}

TEST(Callbacks, TheDescriptorTellsOfWhatACallbackSentDuringASend_L9) {
    Bus bus(OnePool());
    bus.Start();
    StepUntilIdle(bus);
    bus.on_message = [&](const Message &m) {
        if (m.Tree().Has("error")) {
            EXPECT_EQ(bus.Send(Rpc("2", "echo")), 0);
        }
    };
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {"nowhere"}), 0); // answered with an error at once
    ASSERT_EQ(bus.messages.size(), 1u);
    EXPECT_TRUE(IsReadable(bus, 0));
    bus.on_message = nullptr;
}

TEST(Callbacks, TheDescriptorTellsThatAFullQueueHasStoodStillForTooLong_L9) {
    Pool deaf;
    deaf.args = {"--deaf"};
    Bus bus(Config({deaf}, R"("max_output_queue":2097152,"max_input_buffer":1048576,)"
                           R"("backpressure_timeout_sec":1)"));
    bus.Start();
    std::string block = "\"" + std::string(500000, 'x') + "\"";
    for (int i = 0; i < 4; i++)
        ASSERT_EQ(bus.Send(Rpc("", "x", block)), 0);
    StepUntilIdle(bus);
    int code;
    while ((code = bus.Send(Rpc("", "x", block))) == 0)
        continue;
    EXPECT_EQ(code, STDIO_BUS_EFULL);
    EXPECT_TRUE(IsReadable(bus, 30000)) << "nobody tells the host to look after the second is over";
    bus.Until([&] { return bus.HasLogged("has not read its stdin"); }, "it is replaced");
}

TEST(Callbacks, TheDescriptorTellsOfAStopThatIsToEndSooner_L34) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 1000), 0);
    StepUntilIdle(bus);
    EXPECT_EQ(stdio_bus_stop(bus.get(), 2), 0);
    while (bus.State() != STDIO_BUS_STATE_STOPPED) {
        ASSERT_TRUE(IsReadable(bus, 20000)) << "the old deadline still stands";
        ASSERT_GE(stdio_bus_step(bus.get(), 0), 0);
    }
    ExpectError(bus.messages.at(0).Tree(), -32004);
}

TEST(Callbacks, AStepFromACallbackIsRefused) {
    Bus bus(OnePool());
    bus.Start();
    int code = 0;
    bus.on_message = [&](const Message &) { code = stdio_bus_step(bus.get(), 0); };
    ASSERT_EQ(bus.Send(Rpc("1", "echo"), {"nowhere"}), 0); // answered inside the send
    EXPECT_EQ(code, STDIO_BUS_ERR_STATE);
    code = 0;
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    EXPECT_EQ(code, STDIO_BUS_ERR_STATE);
}

TEST(Callbacks, DestroyingABusThatIsFinishingItsRequestsTellsThemThatItEnds_L34) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 1}), 0);
    ASSERT_EQ(stdio_bus_stop(bus.get(), 0), 0);
    bus.Settle();
    bus.Destroy();
    ASSERT_EQ(bus.messages.size(), 1u);
    ExpectError(bus.messages[0].Tree(), -32004);
}

TEST(Callbacks, ARequestThatWaitsForAWorkerKeepsItsProgressToken_L2) {
    Bus bus(OnePool());
    bus.Start();
    ExpectError(bus.Ask("exit"), -32002);
    ASSERT_EQ(bus.Running(), 0);
    std::string request = Rpc("5", "raw", R"({"_meta":{"progressToken":"tok"},"a":1})");
    ASSERT_EQ(bus.Send(request, {nullptr, nullptr, -1, 0, 5}), 0);
    EXPECT_EQ(bus.Answer(5)["result"]["line"].Text(), request);
}

// Everything that may be called from a callback, from every callback, over and over: nothing
// breaks and every request is answered once.
TEST(Callbacks, EveryCallIsHarmlessInEveryCallback) {
    Bus bus(OnePool(3, R"("max_restarts":1000)"));
    bus.Start();
    unsigned turn = 0;
    uint64_t sent = 0;
    bool nested = false;
    bus.on_message = [&](const Message &m) {
        if (nested)
            return; // an answer made inside one of the calls below
        nested = true;
        int worker = static_cast<int>(turn % 3);
        switch (turn++ % 7) {
        case 0:
            stdio_bus_restart_worker(bus.get(), worker, 1);
            break;
        case 1:
            stdio_bus_pause_worker(bus.get(), worker, 1);
            stdio_bus_resume_worker(bus.get(), worker, 1);
            break;
        case 2:
            EXPECT_EQ(stdio_bus_forget(bus.get(), m.cookie), STDIO_BUS_ENOTFOUND);
            break;
        case 3:
            stdio_bus_stop_worker(bus.get(), worker, 1);
            stdio_bus_restart_worker(bus.get(), worker, 0);
            break;
        case 4:
            bus.Send(Rpc("", "x"), {nullptr, "s"});
            break;
        default:
            bus.Worker(worker);
            break;
        }
        if (sent < 300) {
            sent++;
            EXPECT_EQ(bus.Send(Rpc(std::to_string(sent), "echo"), {nullptr, nullptr, -1, 0, sent}),
                      0);
        }
        nested = false;
    };
    while (sent < 8) {
        sent++;
        ASSERT_EQ(bus.Send(Rpc(std::to_string(sent), "echo"), {nullptr, nullptr, -1, 0, sent}), 0);
    }
    ASSERT_TRUE(bus.Until([&] { return sent == 300 && bus.Pending() == 0; }, "all are answered"));
    std::vector<int> answers(sent + 1);
    for (const Message &m : bus.messages)
        answers.at(m.cookie)++;
    for (uint64_t i = 1; i <= sent; i++)
        EXPECT_EQ(answers[i], 1) << "request " << i;
    EXPECT_LT(bus.Stop(), 10000);
}

} // namespace
