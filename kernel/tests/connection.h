// connection.h: a client of a daemon, which is a process of its own: it may wait for answers.
#ifndef CONNECTION_H
#define CONNECTION_H

#include <string>
#include <sys/types.h>

#include "json_tree.h"

class Connection {
  public:
    // "127.0.0.1:9000", "[::1]:9000" or the path of a Unix socket. Fails the test when nobody
    // listens there.
    explicit Connection(const std::string &endpoint);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // Writes all of it, however long that takes.
    void Write(const std::string &bytes);
    void Send(const std::string &line) {
        Write(line + "\n");
    }
    // Writes what the socket takes without waiting, and says how much that was.
    size_t Push(const std::string &bytes);
    // Ends the connection as a crash of the machine would.
    void Reset();

    // The next line; "" at the end of the connection, and when nothing comes for so long that
    // nothing will.
    std::string Line();
    Json Next();
    Json Ask(const std::string &request) {
        Send(request);
        return Next();
    }
    // Whether the daemon has ended the connection. What it wrote before is dropped.
    bool IsEnded();

  private:
    int fd_;
    std::string in_;
    size_t taken_ = 0;
};

// What becomes of a process of another user that connects to a Unix socket: its exit code.
enum : int { kNotAllowed = 1, kClosed, kServed, kOther };

// Starts one; only root can.
pid_t StartConnectAsNobody(const std::string &path);

#endif
