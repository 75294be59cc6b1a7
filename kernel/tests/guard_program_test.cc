// `stdio_bus --guard` by itself: what it reads, and what it does at the end of it.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_process.h"
#include "processes.h"

namespace {

// A process that leads a group of its own and waits.
class Victim {
  public:
    explicit Victim(bool ignores_term = false) {
        int ready[2];
        if (pipe(ready) != 0)
            throw std::runtime_error("no pipe");
        pid_ = fork();
        if (pid_ == 0) {
            alarm(300);
            setpgid(0, 0);
            if (ignores_term)
                std::signal(SIGTERM, SIG_IGN);
            if (write(ready[1], "r", 1) != 1)
                _exit(1);
            for (;;)
                pause();
        }
        close(ready[1]);
        char byte;
        EXPECT_EQ(read(ready[0], &byte, 1), 1);
        close(ready[0]);
    }
    ~Victim() {
        if (pid_ > 0)
            kill(pid_, SIGKILL);
        Ending();
    }
    std::string Line(char sign) const {
        return sign + std::to_string(pid_) + "\n";
    }
    bool Lives() const {
        return !IsGone(pid_);
    }
    // The signal that ended it; waits for that.
    int Ending() {
        int status = 0;
        if (pid_ > 0)
            waitpid(pid_, &status, 0);
        pid_ = 0;
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }

  private:
    pid_t pid_;
};

Daemon::Ends Apart() {
    Daemon::Ends ends;
    ends.own_group = true;
    return ends;
}

// Hands it these lines; returns its exit status.
int Guard(const std::string &lines) {
    Daemon guard({"--guard"}, Apart());
    guard.Write(lines);
    guard.CloseInput();
    int code = guard.Wait();
    EXPECT_EQ(guard.out, "") << "it never writes anything";
    EXPECT_EQ(guard.log, "");
    return code;
}

TEST(GuardProgram, AsksPolitelyFirstAndThenInsists) {
    Victim polite, stubborn(true), spared;
    EXPECT_EQ(Guard(polite.Line('+') + stubborn.Line('+')), 0);
    EXPECT_EQ(polite.Ending(), SIGTERM);
    EXPECT_EQ(stubborn.Ending(), SIGKILL);
    EXPECT_TRUE(spared.Lives());
}

TEST(GuardProgram, LeavesAloneWhatWasTakenOffTheList) {
    Victim gone, listed, twice;
    EXPECT_EQ(Guard(gone.Line('+') + listed.Line('+') + twice.Line('+') + twice.Line('+') +
                    twice.Line('-') + gone.Line('-') + gone.Line('-')),
              0);
    EXPECT_EQ(listed.Ending(), SIGTERM);
    EXPECT_TRUE(gone.Lives());
    EXPECT_TRUE(twice.Lives()) << "known twice is known once";
}

TEST(GuardProgram, PassesOverWhatIsNoGroup) {
    Victim listed, spared;
    std::string digits = spared.Line('+').substr(1);
    // Nothing here may reach itself (0), or the one that is spared.
    EXPECT_EQ(Guard("\n+\n-\n+0\n+-" + digits + "?" + digits + "+ " + digits + "+" + digits +
                    "x\n-" + digits + "+99999999999999999999\n" + "+4294967296\n" +
                    std::string(100000, '+') + "\n" + listed.Line('+')),
              0);
    EXPECT_EQ(listed.Ending(), SIGTERM);
}

TEST(GuardProgram, HalfALineIsNoLine) {
    Victim spared, listed;
    std::string half = spared.Line('+');
    half.pop_back();
    EXPECT_EQ(Guard(listed.Line('+') + half), 0);
    EXPECT_EQ(listed.Ending(), SIGTERM);
    EXPECT_TRUE(spared.Lives());
}

TEST(GuardProgram, NeedsMemoryForTheListAndNothingElse) {
    Daemon guard({"--guard"}, Apart());
    auto peak = [&] {
        std::ifstream status("/proc/" + std::to_string(guard.Pid()) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.compare(0, 7, "VmPeak:") == 0)
                return std::stol(line.substr(7));
        return -1L;
    };
    auto churn = [&](int times) {
        std::string lines;
        for (int i = 0; i < times; i++) {
            std::string group = std::to_string(100000000 + i);
            lines += "+" + group + "\n-" + group + "\n";
        }
        guard.Write(lines);
        Daemon::UntilAsleep(guard.Pid());
    };
    churn(1000);
    long before = peak();
    churn(100000);
    EXPECT_GT(before, 0);
    EXPECT_EQ(peak(), before);
    guard.CloseInput();
    EXPECT_EQ(guard.Wait(), 0);
}

TEST(GuardProgram, GoesWithNoOtherOption) {
    for (const auto &arguments : std::vector<std::vector<std::string>>{
             {"--guard", "--stdio"}, {"--config", "x", "--guard"}}) {
        Finished daemon = RunDaemon(arguments);
        EXPECT_EQ(daemon.code, 2);
        EXPECT_EQ(daemon.log, "stdio_bus: --guard goes with no other option\n");
    }
}

} // namespace
