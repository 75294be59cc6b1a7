#include "daemon_process.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patience.h"

namespace {

int64_t Now() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void MakePair(int fds[2], bool socket) {
    int result =
        socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) : pipe2(fds, O_CLOEXEC);
    if (result != 0)
        throw std::runtime_error(std::strerror(errno));
}

void CloseFd(int &fd) {
    if (fd >= 0)
        close(fd);
    fd = -1;
}

} // namespace

std::string DaemonProgram() {
    const char *given = std::getenv("STDIO_BUS_TEST_DAEMON");
    return given ? given : SB_DAEMON;
}

Daemon::Daemon(const std::vector<std::string> &arguments) : Daemon(arguments, Ends()) {
}

Daemon::Daemon(const std::vector<std::string> &arguments, const Ends &ends) {
    int in[2], out[2], err[2];
    MakePair(in, ends.socket_stdio);
    MakePair(out, ends.socket_stdio);
    MakePair(err, false);
    std::string program = ends.program.empty() ? DaemonProgram() : ends.program;
    std::vector<char *> argv{program.data()};
    for (auto &argument : arguments)
        argv.push_back(const_cast<char *>(argument.c_str()));
    argv.push_back(nullptr);
    // For a socket pair each end reads and writes; a pipe's first end reads.
    int child_in = in[0], our_in = in[1], child_out = out[1], our_out = out[0];
    pid_ = fork();
    if (pid_ == 0) {
        if (ends.own_group)
            setpgid(0, 0);
        dup2(ends.input >= 0 ? ends.input : child_in, 0);
        dup2(child_out, 1);
        dup2(err[1], 2);
        if (ends.config >= 0)
            fcntl(ends.config, F_SETFD, 0);
        execv(program.c_str(), argv.data());
        _exit(127);
    }
    close(child_in);
    close(child_out);
    close(err[1]);
    in_ = our_in;
    out_ = our_out;
    (ends.read_stderr ? err_ : unread_) = err[0];
    for (int fd : {in_, out_, err_})
        if (fd >= 0)
            fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    std::signal(SIGPIPE, SIG_IGN);
}

Daemon::~Daemon() {
    for (int *fd : {&in_, &out_, &err_, &unread_})
        CloseFd(*fd);
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
}

void Daemon::ReadFrom(int &fd, std::string &into) {
    static char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n > 0) {
            into.append(block, size_t(n));
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else {
            CloseFd(fd);
            return;
        }
    }
}

bool Daemon::Pump(int64_t deadline) {
    pollfd fds[] = {
        {to_write_.empty() ? -1 : in_, POLLOUT, 0}, {out_, POLLIN, 0}, {err_, POLLIN, 0}};
    if (fds[0].fd < 0 && out_ < 0 && err_ < 0)
        return false;
    int64_t left = deadline - Now();
    if (left <= 0)
        throw std::runtime_error("the daemon took too long; its log:\n" + log);
    poll(fds, 3, int(left));
    if (fds[0].revents) {
        ssize_t n = write(in_, to_write_.data(), to_write_.size());
        if (n > 0)
            to_write_.erase(0, size_t(n));
        else if (errno != EAGAIN)
            to_write_.clear(), CloseFd(in_);
    }
    if (fds[1].revents)
        ReadFrom(out_, out);
    if (fds[2].revents)
        ReadFrom(err_, log);
    return true;
}

void Daemon::Write(const std::string &bytes) {
    int64_t deadline = Now() + kPatience.count();
    to_write_ += bytes;
    while (!to_write_.empty() && Pump(deadline)) {
    }
}

void Daemon::CloseInput() {
    CloseFd(in_);
}

void Daemon::CloseOutput() {
    CloseFd(out_);
}

void Daemon::ReadLog() {
    std::swap(err_, unread_);
    fcntl(err_, F_SETFL, fcntl(err_, F_GETFL) | O_NONBLOCK);
}

void Daemon::UntilAsleep(pid_t pid) {
    int64_t deadline = Now() + kPatience.count();
    std::string last;
    for (int same = 0; same < 50;) {
        std::ifstream status("/proc/" + std::to_string(pid) + "/status");
        std::string line, seen;
        while (std::getline(status, line))
            if (line.compare(0, 6, "State:") == 0 || line.find("ctxt_switches") != line.npos)
                seen += line;
        bool asleep = seen.find("S (sleeping)") != seen.npos;
        same = asleep && seen == last ? same + 1 : 0;
        last = seen;
        if (Now() > deadline)
            throw std::runtime_error("process " + std::to_string(pid) + " never sleeps: " + last);
        poll(nullptr, 0, 1);
    }
}

void Daemon::Signal(int number) {
    kill(pid_, number);
}

std::string Daemon::Line() {
    int64_t deadline = Now() + kPatience.count();
    size_t searched = taken_;
    for (;;) {
        size_t newline = out.find('\n', searched);
        if (newline != std::string::npos) {
            std::string line = out.substr(taken_, newline - taken_);
            taken_ = newline + 1;
            return line;
        }
        searched = out.size();
        if (out_ < 0 || !Pump(deadline))
            throw std::runtime_error("the daemon's output has ended; its log:\n" + log);
    }
}

std::string Daemon::Logged(const std::string &part) {
    int64_t deadline = Now() + kPatience.count();
    for (;;) {
        size_t at = log.find(part);
        size_t end = at == std::string::npos ? at : log.find('\n', at);
        if (end != std::string::npos) {
            size_t begin = log.rfind('\n', at);
            begin = begin == std::string::npos ? 0 : begin + 1;
            return log.substr(begin, end - begin);
        }
        if (err_ < 0 || !Pump(deadline))
            throw std::runtime_error("the daemon never logged \"" + part + "\" but:\n" + log);
    }
}

std::string Daemon::Endpoint() {
    std::string line = Logged("ready");
    return line.substr(line.rfind(' ') + 1);
}

long Daemon::PeakMemory() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.compare(0, 6, "VmHWM:") == 0)
            return std::stol(line.substr(6));
    throw std::runtime_error("the system does not tell how much memory the daemon had");
}

int Daemon::Wait() {
    int64_t deadline = Now() + kPatience.count();
    while (Pump(deadline)) {
    }
    int status = 0;
    // Its ends are closed, so it is gone or about to be; a test that hangs here is ended from
    // outside.
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int Daemon::WaitAtMost(int64_t milliseconds) {
    int64_t start = Now();
    int code = Wait();
    EXPECT_LE(Now() - start, milliseconds) << log;
    return code;
}

Finished RunDaemon(const std::vector<std::string> &arguments) {
    Daemon daemon(arguments);
    daemon.CloseInput();
    int code = daemon.Wait();
    return {code, daemon.out, daemon.log};
}
