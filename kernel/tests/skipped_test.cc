// The first line of a worker's process that is no message is told, whatever it is.
#include "bus_fixture.h"

namespace {

TEST(Skipped, TheFirstLineOfAProcessIsToldAndThoseAfterItAreCounted_L21) {
    Bus bus(OnePool(2));
    bus.Start();
    for (const char *line : {"banner", "[1,2]", "42"})
        bus.Ask("say", Line(line), {nullptr, nullptr, 1});
    ASSERT_EQ(bus.skipped.size(), 1u);
    EXPECT_EQ(bus.skipped[0].worker, 1);
    EXPECT_EQ(bus.skipped[0].reason, "not valid JSON");
    EXPECT_EQ(bus.skipped[0].line, "banner");
    EXPECT_EQ(bus.Worker(1).invalid_lines, 3u);
    ExpectError(bus.Ask("exit", "", {nullptr, nullptr, 1}), -32002);
    ASSERT_TRUE(bus.Until([&] { return bus.EventsOf(1, "started") == 2; }, "it runs again"));
    bus.Ask("say", Line("[1,2]"), {nullptr, nullptr, 1});
    ASSERT_EQ(bus.skipped.size(), 2u) << "the next process begins anew";
    EXPECT_EQ(bus.skipped[1].reason, "not a JSON object");
}

TEST(Skipped, OfALongLineThereIsTheBeginning) {
    Bus bus(OnePool(1, R"("max_input_buffer":65536)"));
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "big", R"({"bytes":70000})")), 0);
    EXPECT_TRUE(bus.Ask("echo").Has("result"));
    ASSERT_EQ(bus.skipped.size(), 1u);
    EXPECT_EQ(bus.skipped[0].reason, "longer than max_input_buffer");
    EXPECT_EQ(bus.skipped[0].line.size(), 200u);
}

} // namespace
