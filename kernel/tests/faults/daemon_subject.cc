// daemon_subject.cc: the daemon, linked with calls that fail when this process says so.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus_fixture.h"
#include "daemon_config.h"
#include "subject.h"

namespace {

class Mapping {
  public:
    explicit Mapping(const std::string &path) {
        int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, sizeof(FaultControl)) != 0)
            throw std::runtime_error(path + ": " + std::strerror(errno));
        shared_ = mmap(nullptr, sizeof(FaultControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (shared_ == MAP_FAILED)
            throw std::runtime_error("no shared memory");
    }
    ~Mapping() {
        munmap(shared_, sizeof(FaultControl));
    }
    Mapping(const Mapping &) = delete;
    Mapping &operator=(const Mapping &) = delete;
    FaultControl &operator*() const {
        return *static_cast<FaultControl *>(shared_);
    }

  private:
    void *shared_;
};

class DaemonUnderFaults : public Subject {
  public:
    DaemonUnderFaults(uint64_t seed, DaemonMode mode, const std::string &complaints)
        : config_(FaultyPools()), control_(config_.Beside("control")), mode_(mode) {
        (*control_).lot = seed;
        std::vector<std::string> arguments = {SB_FAULTY_DAEMON, "--config", config_.Path()};
        if (mode == DaemonMode::kStdio)
            arguments.push_back("--stdio");
        else if (mode == DaemonMode::kUnix)
            arguments.insert(arguments.end(), {"--unix", config_.Beside("socket")});
        else
            arguments.insert(arguments.end(), {"--tcp", "127.0.0.1:0"});
        Spawn(arguments, complaints);
        AwaitReady();
    }

    ~DaemonUnderFaults() override {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
    }

    pid_t Process() const override {
        return pid_;
    }
    FaultControl &Control() override {
        return *control_;
    }
    std::string Endpoint() const override {
        return endpoint_;
    }
    std::vector<pid_t> Workers() override {
        return ChildrenThatRun(pid_, "worker_faulty");
    }

    // The number may be another's by now; the descriptor is not.
    void SignalWorker(pid_t worker, int signal) override {
        int process = static_cast<int>(syscall(SYS_pidfd_open, worker, 0));
        if (process < 0)
            return;
        std::vector<pid_t> children = Workers();
        children.push_back(Guard());
        if (std::count(children.begin(), children.end(), worker))
            syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0);
        close(process);
    }

    pid_t Guard() override {
        std::vector<pid_t> guards = ChildrenThatRun(pid_, SB_FAULTY_DAEMON);
        return guards.empty() ? 0 : guards[0];
    }

    // Waiting for events ends when a process goes on after a stop.
    void Nudge() override {
        if (pid_ > 0) {
            kill(pid_, SIGSTOP);
            kill(pid_, SIGCONT);
        }
    }

    void Work(bool faults) override {
        (*control_).armed = faults;
    }
    std::unique_ptr<Wire> BirthWire() override {
        return std::move(birth_wire_);
    }

    std::map<std::string, int> Closings() override {
        std::map<std::string, int> closings;
        std::ifstream log(config_.Beside("log"));
        for (std::string line; std::getline(log, line);) {
            size_t at = line.find("] client ");
            size_t colon = line.find(": ", at == std::string::npos ? at : at + 2);
            if (at != std::string::npos && colon != std::string::npos &&
                line.find(" connected: ") == std::string::npos)
                closings[line.substr(colon + 2)]++;
        }
        return closings;
    }

    bool IsIdle() override {
        return true; // what it holds is seen from outside: its descriptors and its children
    }

    void BeginStop() override {
        if (mode_ != DaemonMode::kStdio)
            kill(pid_, SIGTERM);
    }

    bool HasStopped() override {
        if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_)
            pid_ = -1;
        return pid_ < 0;
    }

    void ExpectOrderlyEnd() override {
        bool left = WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
        EXPECT_TRUE(left) << "status " << status_ << "; the end of its log:\n" << LogEnd();
        EXPECT_EQ((*control_).heap_bytes, 0) << "in " << (*control_).heap_blocks << " blocks";
        if (mode_ == DaemonMode::kUnix) {
            EXPECT_NE(access(endpoint_.c_str(), F_OK), 0) << "its socket was left behind";
        }
    }

  private:
    void Spawn(const std::vector<std::string> &arguments, const std::string &complaints) {
        bool stdio = mode_ == DaemonMode::kStdio;
        int in[2] = {-1, -1}, out[2] = {-1, -1};
        if (stdio && (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0))
            throw std::runtime_error("no pipes");
        int log =
            open(config_.Beside("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        std::vector<char *> argv;
        for (const auto &argument : arguments)
            argv.push_back(const_cast<char *>(argument.c_str()));
        argv.push_back(nullptr);
        setenv(kFaultControlVariable, config_.Beside("control").c_str(), 1);
        setenv("FAULTY_COMPLAINTS", complaints.c_str(), 1);
        pid_ = fork();
        if (pid_ == 0) {
            if (stdio) {
                dup2(in[0], 0);
                dup2(out[1], 1);
            }
            dup2(log, 2);
            execv(argv[0], argv.data());
            _exit(127);
        }
        unsetenv(kFaultControlVariable);
        close(log);
        if (stdio) {
            close(in[0]);
            close(out[1]);
            birth_wire_ = std::make_unique<Wire>(out[0], in[1]);
        }
    }

    // A log line that is not written yet is waited for; the daemon gives no other sign to one that
    // has no connection to it.
    void AwaitReady() {
        for (int i = 0; i < 30000; i++) {
            std::ifstream log(config_.Beside("log"));
            for (std::string line; std::getline(log, line) && !log.eof();) {
                size_t at = line.find(", clients on ");
                if (at == std::string::npos)
                    continue;
                if (mode_ != DaemonMode::kStdio)
                    endpoint_ = line.substr(at + std::strlen(", clients on "));
                return;
            }
            if (HasStopped())
                break;
            poll(nullptr, 0, 1);
        }
        throw std::runtime_error("the daemon does not start:\n" + LogEnd());
    }

    std::string LogEnd() const {
        std::ifstream log(config_.Beside("log"));
        std::string text((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
        return text.size() > 4000 ? text.substr(text.size() - 4000) : text;
    }

    ConfigFile config_;
    Mapping control_;
    DaemonMode mode_;
    pid_t pid_ = -1;
    int status_ = 0;
    std::string endpoint_;
    std::unique_ptr<Wire> birth_wire_;
};

} // namespace

std::unique_ptr<Subject> DaemonSubject(uint64_t seed, DaemonMode mode,
                                       const std::string &complaints) {
    return std::make_unique<DaemonUnderFaults>(seed, mode, complaints);
}
