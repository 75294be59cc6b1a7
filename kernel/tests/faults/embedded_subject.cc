// embedded_subject.cc: a host program with the library in it, and this test is that program.
#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include "bus_fixture.h"
#include "subject.h"

namespace {

class Embedded : public Subject {
  public:
    Embedded(Book &book, Lot &lot, bool with_listener, const std::string &complaints)
        : ledger_(book, lot, true) {
        setenv("FAULTY_COMPLAINTS", complaints.c_str(), 1);
        std::string config = FaultyPools();
        heap_bytes_ = Faults().heap_bytes;
        heap_blocks_ = Faults().heap_blocks;
        stdio_bus_options_t options{};
        options.config_json = config.c_str();
        options.user_data = this;
        if (with_listener)
            options.listener.mode = STDIO_BUS_LISTEN_TCP;
        options.on_client_connect = [](stdio_bus_t *, int, const char *, void *user) {
            Of(user).connects_++;
        };
        options.on_client_disconnect = [](stdio_bus_t *, int, const char *reason, void *user) {
            Of(user).closings_[reason]++;
        };
        bus_ = stdio_bus_create(&options);
        stdio_bus_set_message_handler(
            bus_,
            [](stdio_bus_t *, const stdio_bus_message_t *m, void *user) {
                Of(user).received_++;
                Of(user).ledger_.Take(std::string(m->data, m->len));
            },
            this);
        EXPECT_EQ(stdio_bus_set_guard(bus_, SB_DAEMON), STDIO_BUS_OK);
        EXPECT_EQ(stdio_bus_start(bus_), STDIO_BUS_OK);
    }

    ~Embedded() override {
        stdio_bus_destroy(bus_);
    }

    pid_t Process() const override {
        return getpid();
    }
    FaultControl &Control() override {
        return Faults();
    }
    std::string Endpoint() const override {
        return stdio_bus_listen_endpoint(bus_);
    }
    Ledger *Host() override {
        return &ledger_;
    }

    std::vector<pid_t> Workers() override {
        std::vector<pid_t> pids;
        for (const auto &info : Infos())
            if (info.pid > 0 && info.state != STDIO_BUS_WORKER_RESTARTING)
                pids.push_back(static_cast<pid_t>(info.pid));
        return pids;
    }

    // Only the bus reaps it, on this very thread, so the number is still its own.
    void SignalWorker(pid_t worker, int signal) override {
        kill(worker, signal);
    }

    pid_t Guard() override {
        std::vector<pid_t> guards = ChildrenThatRun(getpid(), SB_DAEMON);
        return guards.empty() ? 0 : guards[0];
    }

    void SendAsHost(const std::string &line) override {
        Armed armed(faults_);
        int code = stdio_bus_ingest(bus_, line.data(), line.size());
        // An answer to a question of a worker that has ended has nowhere to go.
        EXPECT_TRUE(code == STDIO_BUS_OK || code == STDIO_BUS_ERR_ROUTING ||
                    code == STDIO_BUS_EFULL)
            << stdio_bus_strerror(code) << ": " << line.substr(0, 200);
        sent_++;
    }

    void Work(bool faults) override {
        faults_ = faults;
        Armed armed(faults);
        int code = stdio_bus_step(bus_, 1);
        EXPECT_TRUE(code >= 0 || HasStopped()) << stdio_bus_strerror(code);
    }

    std::map<std::string, int> Closings() override {
        return closings_;
    }

    bool IsIdle() override {
        for (const auto &info : Infos())
            if (info.pending > 0 || info.state != STDIO_BUS_WORKER_RUNNING)
                return false;
        return stdio_bus_pending_count(bus_) == 0 && stdio_bus_client_count(bus_) == 0;
    }

    void BeginStop() override {
        EXPECT_EQ(stdio_bus_stop(bus_, 0), STDIO_BUS_OK);
    }

    bool HasStopped() override {
        return stdio_bus_get_state(bus_) == STDIO_BUS_STATE_STOPPED;
    }

    void ExpectOrderlyEnd() override {
        EXPECT_EQ(stdio_bus_pending_count(bus_), 0);
        EXPECT_EQ(stdio_bus_client_count(bus_), 0);
        ExpectCountersAddUp();
        stdio_bus_destroy(bus_);
        bus_ = nullptr;
        EXPECT_EQ(Faults().heap_bytes, heap_bytes_);
        EXPECT_EQ(Faults().heap_blocks, heap_blocks_);
    }

  private:
    static Embedded &Of(void *user) {
        return *static_cast<Embedded *>(user);
    }

    std::vector<stdio_bus_worker_info_t> Infos() {
        std::vector<stdio_bus_worker_info_t> infos;
        stdio_bus_worker_info_t info{};
        info.size = sizeof info;
        for (int i = 0; stdio_bus_worker_at(bus_, i, &info) == STDIO_BUS_OK; i++)
            infos.push_back(info);
        return infos;
    }

    // Every line was counted once where it came in and once where it went out. What clients sent
    // and got is theirs alone to know, so with clients only the order of the sums is certain.
    void ExpectCountersAddUp() {
        stdio_bus_stats_t stats{};
        stdio_bus_get_stats(bus_, &stats);
        uint64_t in = sent_, out = received_, restarts = 0;
        for (const auto &info : Infos()) {
            in += info.messages_in;
            out += info.messages_out;
            restarts += info.restarts;
            EXPECT_EQ(info.pending, 0u);
        }
        EXPECT_EQ(stats.worker_restarts, restarts);
        EXPECT_EQ(stats.client_connects, connects_);
        EXPECT_EQ(stats.client_disconnects, connects_);
        uint64_t closings = 0;
        for (const auto &closing : closings_)
            closings += static_cast<uint64_t>(closing.second);
        EXPECT_EQ(closings, connects_);
        if (Endpoint().empty()) {
            EXPECT_EQ(stats.messages_in, in);
            EXPECT_EQ(stats.messages_out, out);
        } else {
            EXPECT_GE(stats.messages_in, in);
            EXPECT_GE(stats.messages_out, out);
        }
    }

    Ledger ledger_;
    stdio_bus_t *bus_ = nullptr;
    bool faults_ = false;
    uint64_t sent_ = 0, received_ = 0, connects_ = 0;
    int64_t heap_bytes_, heap_blocks_;
    std::map<std::string, int> closings_;
};

} // namespace

std::unique_ptr<Subject> EmbeddedSubject(Book &book, Lot &lot, bool with_listener,
                                         const std::string &complaints) {
    return std::make_unique<Embedded>(book, lot, with_listener, complaints);
}
