// wire.h: the client's end of a connection. It never waits, and it can be as rude as a client can:
// stop in the middle of a line, not read, end one direction, vanish.
#ifndef WIRE_H
#define WIRE_H

#include <functional>
#include <string>

class Wire {
  public:
    // A socket for both directions, or the two ends of pipes. They are its own from now on.
    Wire(int in, int out);
    // Connects to "127.0.0.1:9000" or to the path of a Unix socket. -1 with errno set when nobody
    // answers or no descriptor is left.
    static int Connect(const std::string &endpoint);
    ~Wire();
    Wire(const Wire &) = delete;
    Wire &operator=(const Wire &) = delete;

    void Send(const std::string &bytes) {
        out_ += bytes;
    }
    // Tells the other side, after all that is to be sent, that nothing more will come.
    void EndSending() {
        ends_ = true;
    }
    // Vanishes; `reset`: as a machine does that crashes.
    void Close(bool reset = false);

    // Writes and reads what is possible now; each line that came is handed over.
    void Pump(const std::function<void(const std::string &)> &line);
    // Whether there is something to do: for poll().
    short Events() const;
    int In() const {
        return in_;
    }
    int Out() const {
        return out_fd_;
    }
    size_t Unsent() const {
        return out_.size() - sent_;
    }
    // The other side has ended the connection.
    bool Ended() const {
        return ended_;
    }
    // It does not read.
    bool deaf = false;

  private:
    void Write();

    int in_, out_fd_;
    std::string out_, line_;
    size_t sent_ = 0;
    bool ends_ = false, ended_ = false;
};

#endif
