#include "wire.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int Wire::Connect(const std::string &endpoint) {
    sockaddr_un path{};
    sockaddr_in host{};
    auto *address = reinterpret_cast<sockaddr *>(&path);
    socklen_t length = sizeof path;
    path.sun_family = AF_UNIX;
    if (endpoint[0] == '/') {
        std::strncpy(path.sun_path, endpoint.c_str(), sizeof path.sun_path - 1);
    } else {
        size_t colon = endpoint.rfind(':');
        host.sin_family = AF_INET;
        host.sin_port = htons(static_cast<uint16_t>(std::stoi(endpoint.substr(colon + 1))));
        inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &host.sin_addr);
        address = reinterpret_cast<sockaddr *>(&host);
        length = sizeof host;
    }
    // Nobody waits for a full backlog: it is emptied by the very thread that connects.
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, address, length) != 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

Wire::Wire(int in, int out) : in_(in), out_fd_(out) {
    fcntl(in_, F_SETFL, fcntl(in_, F_GETFL) | O_NONBLOCK);
    fcntl(out_fd_, F_SETFL, fcntl(out_fd_, F_GETFL) | O_NONBLOCK);
}

Wire::~Wire() {
    Close();
}

void Wire::Close(bool reset) {
    if (reset && in_ >= 0) {
        linger at_once{1, 0};
        setsockopt(in_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    if (out_fd_ >= 0 && out_fd_ != in_)
        close(out_fd_);
    if (in_ >= 0)
        close(in_);
    in_ = out_fd_ = -1;
}

void Wire::Write() {
    while (out_fd_ >= 0 && sent_ < out_.size()) {
        const char *from = out_.data() + sent_;
        size_t len = out_.size() - sent_;
        ssize_t n =
            out_fd_ == in_ ? send(out_fd_, from, len, MSG_NOSIGNAL) : write(out_fd_, from, len);
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
            sent_ = out_.size(); // nobody is there any more, which reading will tell
        if (n <= 0)
            break;
        sent_ += static_cast<size_t>(n);
    }
    if (sent_ < out_.size()) {
        if (sent_ > 1024 * 1024) {
            out_.erase(0, sent_);
            sent_ = 0;
        }
        return;
    }
    out_.clear();
    sent_ = 0;
    if (!ends_ || out_fd_ < 0)
        return;
    ends_ = false;
    if (out_fd_ == in_)
        shutdown(out_fd_, SHUT_WR);
    else
        close(out_fd_);
    out_fd_ = -1;
}

short Wire::Events() const {
    short events = 0;
    if (in_ >= 0 && !ended_ && !deaf)
        events |= POLLIN;
    if (in_ == out_fd_ && sent_ < out_.size())
        events |= POLLOUT;
    return events;
}

void Wire::Pump(const std::function<void(const std::string &)> &line) {
    static char block[65536];
    Write();
    while (in_ >= 0 && !ended_ && !deaf) {
        ssize_t n = read(in_, block, sizeof block);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            ended_ = true;
            break;
        }
        size_t scanned = line_.size(), start = 0, newline;
        line_.append(block, static_cast<size_t>(n));
        while ((newline = line_.find('\n', std::max(start, scanned))) != std::string::npos) {
            line(line_.substr(start, newline - start));
            start = newline + 1;
        }
        line_.erase(0, start);
    }
}
