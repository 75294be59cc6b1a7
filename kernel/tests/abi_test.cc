// The embedding API as programs that were linked against it know it: values, layouts, and what
// each function does when it is given nothing.
#include "bus_fixture.h"

#include <cstddef>
#include <cstring>
#include <fstream>

namespace {

TEST(Abi, ValuesAreThoseThatHostsWereCompiledWith_A1) {
    EXPECT_EQ(STDIO_BUS_STATE_CREATED, 0);
    EXPECT_EQ(STDIO_BUS_STATE_STARTING, 1);
    EXPECT_EQ(STDIO_BUS_STATE_RUNNING, 2);
    EXPECT_EQ(STDIO_BUS_STATE_STOPPING, 3);
    EXPECT_EQ(STDIO_BUS_STATE_STOPPED, 4);
    EXPECT_EQ(STDIO_BUS_LISTEN_NONE, 0);
    EXPECT_EQ(STDIO_BUS_LISTEN_TCP, 1);
    EXPECT_EQ(STDIO_BUS_LISTEN_UNIX, 2);
    EXPECT_EQ(STDIO_BUS_LOG_DEBUG, 0);
    EXPECT_EQ(STDIO_BUS_LOG_INFO, 1);
    EXPECT_EQ(STDIO_BUS_LOG_WARN, 2);
    EXPECT_EQ(STDIO_BUS_LOG_ERROR, 3);
    struct {
        int code, value;
    } codes[] = {{STDIO_BUS_OK, 0},           {STDIO_BUS_ERR, -1},
                 {STDIO_BUS_EAGAIN, -2},      {STDIO_BUS_EOF, -3},
                 {STDIO_BUS_EFULL, -4},       {STDIO_BUS_ENOTFOUND, -5},
                 {STDIO_BUS_EINVAL, -6},      {STDIO_BUS_ERR_CONFIG, -10},
                 {STDIO_BUS_ERR_WORKER, -11}, {STDIO_BUS_ERR_ROUTING, -12},
                 {STDIO_BUS_ERR_BUFFER, -13}, {STDIO_BUS_ERR_INVALID, -14},
                 {STDIO_BUS_ERR_STATE, -15}};
    for (const auto &c : codes) {
        EXPECT_EQ(c.code, c.value);
        EXPECT_STRNE(stdio_bus_strerror(c.value), stdio_bus_strerror(-99));
    }
    EXPECT_STREQ(stdio_bus_strerror(-99), "unknown error");
    EXPECT_STREQ(stdio_bus_strerror(1), "unknown error");
    EXPECT_EQ(stdio_bus_api_version(), 3);
}

TEST(Abi, StructsAreLaidOutAsHostsWereCompiledWith_A1) {
    using Listener = stdio_bus_listener_t;
    using Options = stdio_bus_options_t;
    constexpr size_t p = sizeof(void *);
    EXPECT_EQ(sizeof(stdio_bus_listen_mode_t), sizeof(int));
    EXPECT_EQ(offsetof(Listener, mode), 0u);
    EXPECT_EQ(offsetof(Listener, tcp_host), p);
    EXPECT_EQ(offsetof(Listener, tcp_port), 2 * p);
    EXPECT_EQ(offsetof(Listener, unix_path), 3 * p);
    EXPECT_EQ(sizeof(Listener), 4 * p);
    size_t offsets[] = {offsetof(Options, config_path), offsetof(Options, config_json),
                        offsetof(Options, listener)};
    EXPECT_EQ(offsets[0], 0u);
    EXPECT_EQ(offsets[1], p);
    EXPECT_EQ(offsets[2], 2 * p);
    size_t after[] = {offsetof(Options, on_message),
                      offsetof(Options, on_error),
                      offsetof(Options, on_log),
                      offsetof(Options, on_worker),
                      offsetof(Options, on_client_connect),
                      offsetof(Options, on_client_disconnect),
                      offsetof(Options, user_data),
                      offsetof(Options, log_level)};
    for (size_t i = 0; i < std::size(after); i++)
        EXPECT_EQ(after[i], (6 + i) * p);
    EXPECT_EQ(sizeof(Options), 14 * p);
    using Stats = stdio_bus_stats_t;
    size_t stats[] = {offsetof(Stats, messages_in),     offsetof(Stats, messages_out),
                      offsetof(Stats, bytes_in),        offsetof(Stats, bytes_out),
                      offsetof(Stats, worker_restarts), offsetof(Stats, routing_errors),
                      offsetof(Stats, client_connects), offsetof(Stats, client_disconnects)};
    for (size_t i = 0; i < std::size(stats); i++)
        EXPECT_EQ(stats[i], 8 * i);
    EXPECT_EQ(sizeof(Stats), 64u);
}

TEST(Abi, NoBusAndNoMessageAreInvalidArgumentsNotCrashes) {
    EXPECT_EQ(stdio_bus_create(nullptr), nullptr);
    EXPECT_EQ(stdio_bus_start(nullptr), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_step(nullptr, 0), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_step_lent(nullptr, 0), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_stop(nullptr, 1), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_ingest(nullptr, "{}", 2), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_send(nullptr, nullptr, "{}", 2), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_forget(nullptr, 1), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_pending_worker(nullptr, 1), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_register_embedded_worker(nullptr, 0, 0, "p"), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_unregister_embedded_worker(nullptr, 0), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_waker(nullptr), nullptr);
    stdio_bus_waker_wake(nullptr);
    stdio_bus_waker_release(nullptr);
    stdio_bus_set_message_handler(nullptr, nullptr, nullptr);
    stdio_bus_set_stderr_handler(nullptr, nullptr, nullptr);
    stdio_bus_set_settled_handler(nullptr, nullptr, nullptr);
    stdio_bus_set_skipped_handler(nullptr, nullptr, nullptr);
    EXPECT_STREQ(stdio_bus_listen_endpoint(nullptr), "");
    stdio_bus_stats_t stats;
    std::memset(&stats, 0xFF, sizeof stats);
    stdio_bus_get_stats(nullptr, &stats);
    EXPECT_EQ(stats.client_disconnects, 0u);
    stdio_bus_get_stats(nullptr, nullptr);

    Bus bus(OnePool());
    bus.Start();
    EXPECT_EQ(stdio_bus_ingest(bus.get(), nullptr, 5), STDIO_BUS_ERR_INVALID);
    EXPECT_EQ(stdio_bus_ingest(bus.get(), "{}", 0), STDIO_BUS_ERR_INVALID);
    EXPECT_EQ(bus.errors.size(), 2u);
    EXPECT_EQ(stdio_bus_step(bus.get(), -2), STDIO_BUS_EINVAL);
    EXPECT_EQ(stdio_bus_step_lent(bus.get(), -2), STDIO_BUS_EINVAL);
    stdio_bus_get_stats(bus.get(), nullptr);
}

TEST(Abi, ExactlyOneConfigurationMustBeGivenAndItsProblemsAreAllReported_A6) {
    struct Heard {
        std::vector<std::string> errors, warnings;
    } heard;
    stdio_bus_options_t options{};
    options.user_data = &heard;
    options.on_error = [](stdio_bus_t *bus, int code, const char *text, void *user) {
        EXPECT_EQ(bus, nullptr) << "there is none yet";
        EXPECT_EQ(code, STDIO_BUS_ERR_CONFIG);
        static_cast<Heard *>(user)->errors.emplace_back(text);
    };
    options.on_log = [](stdio_bus_t *, int level, const char *text, void *user) {
        EXPECT_EQ(level, STDIO_BUS_LOG_WARN);
        static_cast<Heard *>(user)->warnings.emplace_back(text);
    };
    EXPECT_EQ(stdio_bus_create(&options), nullptr);
    options.config_json = "{}";
    options.config_path = "/dev/null";
    EXPECT_EQ(stdio_bus_create(&options), nullptr);
    ASSERT_EQ(heard.errors.size(), 2u);
    EXPECT_NE(heard.errors[0].find("config_path and config_json"), std::string::npos);
    EXPECT_EQ(heard.errors[0], heard.errors[1]);
    options.config_path = nullptr;
    options.config_json = R"({"pools":[{"id":"p","command":"","instances":0,"x":1}]})";
    EXPECT_EQ(stdio_bus_create(&options), nullptr);
    ASSERT_EQ(heard.errors.size(), 4u);
    EXPECT_NE(heard.errors[2].find("$.pools[0].command"), std::string::npos);
    EXPECT_NE(heard.errors[3].find("$.pools[0].instances"), std::string::npos);
    ASSERT_EQ(heard.warnings.size(), 1u);
    EXPECT_NE(heard.warnings[0].find("$.pools[0].x"), std::string::npos);
}

TEST(Abi, NothingThatWasPassedToCreateIsNeededAfterwards) {
    TempFolder folder;
    std::string path = folder.Path("bus.json");
    std::ofstream(path) << OnePool();
    auto host = std::make_unique<std::string>("127.0.0.1");
    stdio_bus_options_t options{};
    options.config_path = path.c_str();
    options.listener.mode = STDIO_BUS_LISTEN_TCP;
    options.listener.tcp_host = host->c_str();
    stdio_bus_t *bus = stdio_bus_create(&options);
    ASSERT_NE(bus, nullptr);
    std::memset(&options, 0xAA, sizeof options);
    std::fill(path.begin(), path.end(), '#');
    host->assign(host->size(), '#');
    host.reset();
    EXPECT_EQ(stdio_bus_start(bus), STDIO_BUS_OK);
    EXPECT_EQ(std::string(stdio_bus_listen_endpoint(bus)).rfind("127.0.0.1:", 0), 0u);
    stdio_bus_destroy(bus);
}

TEST(Abi, ARouteOfAnOlderHeaderOrWithUnknownFlagsIsRefused) {
    Bus bus(OnePool());
    bus.Start();
    std::string request = Rpc("1", "echo");
    stdio_bus_route_t route{};
    route.worker_id = -1;
    route.size = offsetof(stdio_bus_route_t, cookie);
    EXPECT_EQ(stdio_bus_send(bus.get(), &route, request.data(), request.size()), STDIO_BUS_EINVAL);
    route.size = sizeof route;
    route.flags = 2;
    EXPECT_EQ(stdio_bus_send(bus.get(), &route, request.data(), request.size()), STDIO_BUS_EINVAL);
    route.flags = 0;
    route.worker_id = -2;
    EXPECT_EQ(stdio_bus_send(bus.get(), &route, request.data(), request.size()), STDIO_BUS_EINVAL);
    EXPECT_EQ(bus.Pending(), 0);
    // One of a newer header, with members that are not known here.
    struct {
        stdio_bus_route_t known;
        char more[64];
    } newer{};
    newer.known.size = sizeof newer;
    newer.known.worker_id = -1;
    newer.known.cookie = 5;
    EXPECT_EQ(stdio_bus_send(bus.get(), &newer.known, request.data(), request.size()), 0);
    EXPECT_TRUE(bus.Answer(5).Has("result"));
}

TEST(Abi, ACookieInUseIsRefusedAndTheFirstStaysValid) {
    Bus bus(OnePool());
    bus.Start();
    ASSERT_EQ(bus.Send(Rpc("1", "hold"), {nullptr, nullptr, -1, 0, 7}), 0);
    ASSERT_EQ(bus.Send(Rpc("2", "echo"), {nullptr, nullptr, -1, 0, 7}), 0);
    Message refusal = bus.Next();
    ExpectError(refusal.Tree(), -32600);
    EXPECT_EQ(refusal.Tree()["id"].Raw(), "2");
    EXPECT_EQ(bus.Pending(), 1);
    ASSERT_EQ(bus.Send(Rpc("", "release")), 0);
    Message answer = bus.Next();
    EXPECT_EQ(answer.cookie, 7u);
    EXPECT_EQ(answer.Tree()["id"].Raw(), "1");
}

} // namespace
