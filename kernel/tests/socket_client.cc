#include "socket_client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>

#ifdef _WIN32
#include <afunix.h>
#include <ws2tcpip.h>

constexpr int MSG_NOSIGNAL = 0, SHUT_WR = SD_SEND, SOCK_CLOEXEC = 0;
using ssize_t = ptrdiff_t;

static int CloseSocket(int fd) {
    return closesocket(static_cast<SOCKET>(fd));
}
static void MakeNonblocking(int fd) {
    u_long on = 1;
    ioctlsocket(static_cast<SOCKET>(fd), FIONBIO, &on);
}
static bool MustWait() {
    return WSAGetLastError() == WSAEWOULDBLOCK;
}
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int CloseSocket(int fd) {
    return close(fd);
}
static void MakeNonblocking(int fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
}
static bool MustWait() {
    return errno == EAGAIN || errno == EINTR;
}
#endif

// What send() takes: on Windows an int.
static int SocketLength(size_t len) {
    return static_cast<int>(std::min(len, size_t(1) << 20));
}

int ConnectTo(const std::string &endpoint) {
    sockaddr_storage storage{};
    socklen_t length = 0;
    size_t colon = endpoint.rfind(':');
    if (endpoint[0] == '/') {
        auto *address = reinterpret_cast<sockaddr_un *>(&storage);
        address->sun_family = AF_UNIX;
        std::strncpy(address->sun_path, endpoint.c_str(), sizeof address->sun_path - 1);
        length = sizeof *address;
    } else if (endpoint[0] == '[') {
        auto *address = reinterpret_cast<sockaddr_in6 *>(&storage);
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(static_cast<uint16_t>(std::stoi(endpoint.substr(colon + 1))));
        inet_pton(AF_INET6, endpoint.substr(1, colon - 2).c_str(), &address->sin6_addr);
        length = sizeof *address;
    } else {
        auto *address = reinterpret_cast<sockaddr_in *>(&storage);
        address->sin_family = AF_INET;
        address->sin_port = htons(static_cast<uint16_t>(std::stoi(endpoint.substr(colon + 1))));
        inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &address->sin_addr);
        length = sizeof *address;
    }
    int fd = static_cast<int>(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr *>(&storage), length) != 0) {
        int error = errno;
        CloseSocket(fd);
        errno = error;
        return -1;
    }
    return fd;
}

Bus::Options OnTcp(const char *host, uint16_t port) {
    Bus::Options options;
    options.listener.mode = STDIO_BUS_LISTEN_TCP;
    options.listener.tcp_host = host;
    options.listener.tcp_port = port;
    return options;
}

Bus::Options OnUnix(const std::string &path) {
    Bus::Options options;
    options.listener.mode = STDIO_BUS_LISTEN_UNIX;
    options.listener.unix_path = path.c_str();
    return options;
}

SocketClient::SocketClient(const std::string &endpoint) : fd_(ConnectTo(endpoint)) {
    EXPECT_GE(fd_, 0) << "cannot connect to " << endpoint << ": " << std::strerror(errno);
    if (fd_ >= 0)
        MakeNonblocking(fd_);
}

SocketClient::~SocketClient() {
    Close();
}

bool SocketClient::CanConnect(const std::string &endpoint) {
    int fd = ConnectTo(endpoint);
    if (fd >= 0)
        CloseSocket(fd);
    return fd >= 0;
}

void SocketClient::SendBytes(const std::string &bytes) {
    out_ += bytes;
    Pump();
}

void SocketClient::EndSending() {
    end_sending_ = true;
    Pump();
}

void SocketClient::Close() {
    if (fd_ >= 0)
        CloseSocket(fd_);
    fd_ = -1;
}

void SocketClient::Reset() {
    linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, reinterpret_cast<const char *>(&at_once),
               sizeof at_once);
    Close();
}

void SocketClient::Pump() {
    while (fd_ >= 0 && !out_.empty()) {
        ssize_t n = send(fd_, out_.data(), SocketLength(out_.size()), MSG_NOSIGNAL);
        if (n <= 0)
            break;
        out_.erase(0, static_cast<size_t>(n));
    }
    if (fd_ >= 0 && out_.empty() && end_sending_) {
        shutdown(fd_, SHUT_WR);
        end_sending_ = false;
    }
    char block[65536];
    while (fd_ >= 0 && !ended_ && !deaf) {
        ssize_t n = recv(fd_, block, sizeof block, 0);
        if (n < 0 && MustWait())
            break;
        if (n <= 0) {
            ended_ = true;
            break;
        }
        size_t scanned = in_.size();
        in_.append(block, static_cast<size_t>(n));
        size_t start = 0, newline;
        while ((newline = in_.find('\n', std::max(start, scanned))) != std::string::npos) {
            lines_.push_back(in_.substr(start, newline - start));
            start = newline + 1;
        }
        in_.erase(0, start);
    }
}

size_t SocketClient::Waiting() {
    Pump();
    return lines_.size();
}

std::string SocketClient::Line(Bus &bus) {
    auto here = [this] { return Waiting() > 0 || ended_; };
    if (!bus.Until(here, "a client has received a line") || lines_.empty()) {
        ADD_FAILURE() << "the connection ended instead of giving a line";
        return "null";
    }
    std::string line = lines_.front();
    lines_.pop_front();
    return line;
}

bool SocketClient::IsEnded(Bus &bus) {
    return bus.Until(
        [this] {
            Pump();
            return ended_ && lines_.empty();
        },
        "the bus has closed a client's connection");
}
