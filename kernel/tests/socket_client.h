// socket_client.h: a client of a listening bus. It shares the test's thread with the bus, so it
// never blocks: what cannot be written yet waits, and lines are collected whenever it is pumped.
#ifndef SOCKET_CLIENT_H
#define SOCKET_CLIENT_H

#include <deque>
#include <string>

#include "bus_fixture.h"

// A bus that listens on loopback, or on the address of `host`, at a port that the system chooses.
Bus::Options OnTcp(const char *host = nullptr, uint16_t port = 0);
// A bus that listens on a Unix socket. The path must live until the bus was made.
Bus::Options OnUnix(const std::string &path);

// A connected blocking socket of "127.0.0.1:9000", "[::1]:9000" or the path of a Unix socket; -1
// with errno.
int ConnectTo(const std::string &endpoint);

// A bus that listens, started.
struct ListeningBus : Bus {
    explicit ListeningBus(const std::string &config = OnePool(), const Options &options = OnTcp())
        : Bus(config, options) {
        Start();
        endpoint = stdio_bus_listen_endpoint(get());
    }
    std::string endpoint;
};

class SocketClient {
  public:
    // Where ConnectTo connects to. Fails the test when nobody listens there.
    explicit SocketClient(const std::string &endpoint);
    ~SocketClient();
    SocketClient(const SocketClient &) = delete;
    SocketClient &operator=(const SocketClient &) = delete;

    // Whether somebody accepts connections there.
    static bool CanConnect(const std::string &endpoint);

    void Send(const std::string &line) {
        SendBytes(line + "\n");
    }
    void SendBytes(const std::string &bytes);
    // Tells the bus that nothing more will come, and goes on reading.
    void EndSending();
    void Close();
    // Ends the connection as a crash of the machine would: what was not read is lost.
    void Reset();

    // The next line; steps the bus until it is there.
    std::string Line(Bus &bus);
    Json Next(Bus &bus) {
        return Json::Parse(Line(bus));
    }
    Json Ask(Bus &bus, const std::string &request) {
        Send(request);
        return Next(bus);
    }
    // Whether the bus closed the connection and all lines were taken; steps until then.
    bool IsEnded(Bus &bus);
    // Lines that are here already.
    size_t Waiting();
    // Writes and reads what is possible now. Nothing is read while `deaf`.
    void Pump();
    bool deaf = false;

  private:
    int fd_ = -1;
    bool ended_ = false, end_sending_ = false;
    std::string out_, in_;
    std::deque<std::string> lines_;
};

#endif
