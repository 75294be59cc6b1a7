#include "connection.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "socket_client.h"

Connection::Connection(const std::string &endpoint) : fd_(ConnectTo(endpoint)) {
    EXPECT_GE(fd_, 0) << "cannot connect to " << endpoint << ": " << std::strerror(errno);
    timeval patience{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

Connection::~Connection() {
    if (fd_ >= 0)
        close(fd_);
}

void Connection::Write(const std::string &bytes) {
    for (size_t done = 0; done < bytes.size();) {
        ssize_t n = send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (n <= 0) {
            ADD_FAILURE() << "cannot write to the daemon: " << std::strerror(errno);
            return;
        }
        done += static_cast<size_t>(n);
    }
}

size_t Connection::Push(const std::string &bytes) {
    ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? 0 : static_cast<size_t>(n);
}

void Connection::Reset() {
    linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd_);
    fd_ = -1;
}

std::string Connection::Line() {
    for (size_t searched = taken_;;) {
        size_t newline = in_.find('\n', searched);
        if (newline != std::string::npos) {
            std::string line = in_.substr(taken_, newline - taken_);
            taken_ = newline + 1;
            return line;
        }
        in_.erase(0, taken_);
        taken_ = 0;
        searched = in_.size();
        char block[65536];
        ssize_t n = recv(fd_, block, sizeof block, 0);
        if (n <= 0)
            return "";
        in_.append(block, static_cast<size_t>(n));
    }
}

Json Connection::Next() {
    std::string line = Line();
    if (line.empty())
        ADD_FAILURE() << "no answer";
    return Json::Parse(line.empty() ? "null" : line);
}

bool Connection::IsEnded() {
    char block[65536];
    for (;;) {
        ssize_t n = recv(fd_, block, sizeof block, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return true;
        if (n < 0 && errno == EAGAIN)
            return false;
    }
}

pid_t StartConnectAsNobody(const std::string &path) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (setuid(65534) != 0)
        _exit(kOther);
    int fd = ConnectTo(path);
    if (fd < 0)
        _exit(errno == EACCES ? kNotAllowed : kOther);
    char byte;
    ssize_t n = read(fd, &byte, 1);
    _exit(n == 0 ? kClosed : n == 1 ? kServed : kOther);
}
