// subject.h: what is put under faults: the kernel in a host program, or the daemon.
#ifndef SUBJECT_H
#define SUBJECT_H

#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "faulty_calls.h"
#include "ledger.h"
#include "wire.h"

constexpr int kPlainWorkers = 3, kStandardWorkers = 2;
constexpr int kWorkers = kPlainWorkers + kStandardWorkers;

// Two pools of workers/faulty.c, one for each envelope.
std::string FaultyPools();

// The children of a process of a single thread that run this program.
std::vector<pid_t> ChildrenThatRun(pid_t parent, const std::string &program);

// Forbids a process to open more descriptors than this many beyond those that it has, or allows
// it again as many as it could have before.
class Squeeze {
  public:
    explicit Squeeze(pid_t process);
    void To(int further);
    void Release();

  private:
    pid_t process_;
    unsigned long long usual_;
};

class Subject {
  public:
    virtual ~Subject() = default;

    virtual pid_t Process() const = 0;
    virtual FaultControl &Control() = 0;
    // Where socket clients connect; "" for none.
    virtual std::string Endpoint() const = 0;
    // The workers that live now.
    virtual std::vector<pid_t> Workers() = 0;
    // Also for the guard.
    virtual void SignalWorker(pid_t worker, int signal) = 0;
    // The guard, 0: none is there now.
    virtual pid_t Guard() = 0;
    // Wakes it without a reason.
    virtual void Nudge() {
    }
    // Lets it work. `faults`: calls may fail meanwhile.
    virtual void Work(bool faults) = 0;
    // The connection that a daemon has by birth, on its standard streams. To be asked for once.
    virtual std::unique_ptr<Wire> BirthWire() {
        return nullptr;
    }
    // The host that asks without any connection.
    virtual Ledger *Host() {
        return nullptr;
    }
    virtual void SendAsHost(const std::string &) {
    }
    // Why clients were closed, and how often, in the bus's own words.
    virtual std::map<std::string, int> Closings() = 0;
    // Nothing is under way any more, as far as it can tell.
    virtual bool IsIdle() = 0;
    // Begins an orderly end, then works until it has ended and looks at what it says of itself.
    virtual void BeginStop() = 0;
    virtual bool HasStopped() = 0;
    virtual void ExpectOrderlyEnd() = 0;
};

std::unique_ptr<Subject> EmbeddedSubject(Book &book, Lot &lot, bool with_listener,
                                         const std::string &complaints);
enum class DaemonMode { kStdio, kUnix, kTcp };
std::unique_ptr<Subject> DaemonSubject(uint64_t seed, DaemonMode mode,
                                       const std::string &complaints);

#endif
