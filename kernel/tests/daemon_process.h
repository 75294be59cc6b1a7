// daemon_process.h: the daemon as a real process, with pipes at its three ends.
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "json_tree.h"

// The daemon under test: the one built beside the tests, or another that the environment names, as
// one that ships is.
std::string DaemonProgram();

class Daemon {
  public:
    struct Ends {
        int config = -1;           // a descriptor that it shall inherit under the same number
        int input = -1;            // its stdin, in place of our end
        bool read_stderr = true;   // false: its stderr is a pipe that nobody reads
        bool socket_stdio = false; // stdin and stdout are sockets instead of pipes
        bool own_group = false;    // it leads a process group of its own
        std::string program = "";  // another program that behaves alike; empty: the daemon
    };

    explicit Daemon(const std::vector<std::string> &arguments);
    Daemon(const std::vector<std::string> &arguments, const Ends &ends);
    // Kills it when it still runs.
    ~Daemon();
    Daemon(const Daemon &) = delete;
    Daemon &operator=(const Daemon &) = delete;

    pid_t Pid() const {
        return pid_;
    }
    // Writes all of it, collecting output meanwhile, so that neither side waits for the other.
    void Write(const std::string &bytes);
    void Send(const std::string &line) {
        Write(line + "\n");
    }
    void CloseInput();
    void CloseOutput(); // our end: the daemon's next write fails
    // Reads its stderr from now on.
    void ReadLog();
    // Returns when the process gives no sign of life any more: it waits for something that is
    // not about to happen by itself.
    static void UntilAsleep(pid_t pid);
    void Signal(int number);

    // The next line of its standard output.
    std::string Line();
    Json Next() {
        return Json::Parse(Line());
    }
    Json Ask(const std::string &request) {
        Send(request);
        return Next();
    }
    // Waits until its log holds this text and returns the line.
    std::string Logged(const std::string &part);
    // Where it listens; waits until it is ready.
    std::string Endpoint();
    // The most memory that it ever had, in KiB.
    long PeakMemory() const;
    // Waits for its end, reading on; returns the exit code, or -N for an end by signal N.
    int Wait();
    // As Wait, but fails the test when it took more than this.
    int WaitAtMost(int64_t milliseconds);

    // What was read so far; everything after Wait.
    std::string out, log;

  private:
    // One round of reading what is there; false when neither end has anything left to give.
    bool Pump(int64_t deadline);
    void ReadFrom(int &fd, std::string &into);

    pid_t pid_ = -1;
    int in_ = -1, out_ = -1, err_ = -1, unread_ = -1;
    size_t taken_ = 0; // of out, by Line
    std::string to_write_;
};

// Runs it to its end with nothing on its standard input.
struct Finished {
    int code;
    std::string out, log;
};
Finished RunDaemon(const std::vector<std::string> &arguments);

#endif
