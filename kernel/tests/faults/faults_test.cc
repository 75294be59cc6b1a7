// Everything that can go wrong, at once and by lot, for as long as STDIO_BUS_FAULT_SECONDS says
// (five when it says nothing): every request ends in exactly one answer, and nothing leaks.
// STDIO_BUS_FAULT_SEED repeats the draws of an earlier run.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <unistd.h>

#include "storm.h"

namespace {

uint64_t Number(const char *variable, uint64_t otherwise) {
    const char *text = std::getenv(variable);
    return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Processes that were given this value in their environment: all that descend from a bus, whoever
// their parent is now.
std::vector<std::string> Descendants(const std::string &value) {
    std::vector<std::string> found;
    std::error_code none;
    for (const auto &entry : std::filesystem::directory_iterator("/proc", none)) {
        if (std::atoi(entry.path().filename().c_str()) <= 0)
            continue;
        std::ostringstream text; // which takes it as empty when the process ends meanwhile
        text << std::ifstream(entry.path() / "environ").rdbuf();
        if (text.str().find(value) != std::string::npos)
            found.push_back(entry.path().filename());
    }
    return found;
}

class Storms : public testing::Test {
  protected:
    Storms() {
        Faults().lot = seed_;
        std::cout << "STDIO_BUS_FAULT_SEED=" << seed_ << std::endl;
    }

    void TearDown() override {
        EXPECT_EQ(OpenDescriptors(), descriptors_);
    }

    std::unique_ptr<Subject> Embedded(bool with_listener) {
        return EmbeddedSubject(book_, lot_, with_listener, complaints_);
    }
    std::unique_ptr<Subject> Daemon(DaemonMode mode) {
        return DaemonSubject(seed_, mode, complaints_);
    }

    // Two halves, so that what grows with the work is told from what grows once.
    void Weather(Subject &subject, const Storm::Weather &weather) {
        Storm storm(subject, book_, lot_, weather);
        std::chrono::milliseconds half(500 * Number("STDIO_BUS_FAULT_SECONDS", 5));
        storm.Rage(half);
        Storm::Heap heap = storm.Clear();
        uint64_t asked = book_.asked;
        storm.Rage(half);
        ExpectNoGrowth(heap, storm.Clear(), book_.asked - asked);
        End(subject, storm);
    }

    // Clients that hardly say a word, beside the load of the host where there is one.
    void ComeAndGo(Subject &subject) {
        Storm::Weather weather;
        weather.clients = 40;
        weather.in_flight = 8;
        Storm storm(subject, book_, lot_, weather);
        storm.ComeAndGo(1000);
        Storm::Heap heap = storm.Clear();
        uint64_t asked = book_.asked;
        storm.ComeAndGo(1500);
        ExpectNoGrowth(heap, storm.Clear(), book_.asked - asked);
        End(subject, storm);
    }

    // Kept are: tables in the size of the largest load so far, buffers in that of the longest
    // message, and the entries of a thousand requests. What is forgotten with every request or with
    // every connection is more than that.
    static void ExpectNoGrowth(const Storm::Heap &before, const Storm::Heap &after,
                               uint64_t requests) {
        constexpr int64_t kBytes = 1024 * 1024, kBlocks = 1100;
        std::cout << "heap " << before.bytes << " bytes in " << before.blocks << " blocks; after "
                  << requests << " further requests " << after.bytes << " in " << after.blocks
                  << std::endl;
        EXPECT_LE(after.bytes - before.bytes, kBytes);
        EXPECT_LE(after.blocks - before.blocks, kBlocks);
    }

    void End(Subject &subject, Storm &storm) {
        storm.Stop();
        ExpectAllIsAccountedFor(subject, storm);
        for (int i = 0; i < 5000 && !Descendants(complaints_).empty(); i++)
            usleep(1000);
        EXPECT_EQ(Descendants(complaints_), std::vector<std::string>());
    }

    void ExpectAllIsAccountedFor(Subject &subject, Storm &storm) {
        const Storm::Deeds &done = storm.Done();
        FaultControl &c = subject.Control();
        std::cout << book_.asked << " requests: " << book_.results << " results, " << book_.lost
                  << " lost with their asker, " << book_.unsent << " not sent whole";
        for (const auto &[code, count] : book_.errors)
            std::cout << ", " << count << " errors " << code;
        std::cout << "; " << book_.refusals << " refusals, " << book_.reverse
                  << " questions of workers, " << book_.progress << " notes of progress\n"
                  << done.kills << " kills, " << done.guard_kills << " of the guard, "
                  << done.suspensions << " suspensions, " << done.manners
                  << " misdeeds of workers, " << done.floods << " floods, " << done.connects
                  << " connects, " << done.partings << " partings, " << done.ended_by_bus
                  << " ended by the bus, " << done.cuts << " cut lines, " << done.nonsense
                  << " lines of nonsense, " << done.deafnesses << " full pipes, " << done.leaps
                  << " leaps of the clock, " << done.squeezes << " times without descriptors\n"
                  << c.shortenings << " short calls, " << c.agains << " EAGAIN, " << c.interruptions
                  << " EINTR, " << c.refusals << " failed accepts, " << c.breaks
                  << " calls failed for good" << std::endl;

        for (const std::string &wrong : book_.wrongs)
            ADD_FAILURE() << wrong;
        std::ifstream complaints(complaints_);
        for (std::string line; std::getline(complaints, line);)
            ADD_FAILURE() << "a worker was sent " << line;
        EXPECT_EQ(book_.asked, book_.results + book_.Errors() + book_.lost + book_.unsent);
        EXPECT_GT(book_.results, 100u) << "nothing of the load came through";

        uint64_t stalls = 0;
        for (const auto &[reason, count] : subject.Closings())
            if (reason.find("did not read") == 0)
                stalls += static_cast<uint64_t>(count);
        if (done.leaps == 0) {
            EXPECT_EQ(stalls, 0u);
        }
        EXPECT_LE(done.ended_by_bus, c.socket_breaks + stalls)
            << "the bus ended connections for no reason";
    }

    const uint64_t seed_ = Number("STDIO_BUS_FAULT_SEED", std::random_device()());
    Lot lot_{seed_};
    Book book_;
    TempFolder folder_;
    const std::string complaints_ = folder_.Path("complaints");
    const std::vector<int> descriptors_ = OpenDescriptors();
};

TEST_F(Storms, AHostAloneWithItsWorkers) {
    auto subject = Embedded(false);
    Weather(*subject, {});
}

TEST_F(Storms, AHostWithSocketClients) {
    auto subject = Embedded(true);
    Weather(*subject, {});
}

TEST_F(Storms, ADaemonOnAUnixSocket) {
    auto subject = Daemon(DaemonMode::kUnix);
    Weather(*subject, {});
}

TEST_F(Storms, ADaemonOnTcp) {
    auto subject = Daemon(DaemonMode::kTcp);
    Weather(*subject, {});
}

// Its only client must not be lost to a call that fails for good.
TEST_F(Storms, ADaemonOnItsStandardStreams) {
    std::signal(SIGPIPE, SIG_IGN);
    auto subject = Daemon(DaemonMode::kStdio);
    Storm::Weather weather;
    weather.breaks = false;
    weather.in_flight = 256;
    Weather(*subject, weather);
}

TEST_F(Storms, AThousandClientsComeAndGoAtAHost) {
    auto subject = Embedded(true);
    ComeAndGo(*subject);
}

TEST_F(Storms, AThousandClientsComeAndGoAtADaemon) {
    auto subject = Daemon(DaemonMode::kUnix);
    ComeAndGo(*subject);
}

} // namespace
