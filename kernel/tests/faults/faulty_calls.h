// faulty_calls.h: the system calls of a program under test, made to fail as a system may. The
// program is linked with --wrap for each of them (see CMakeLists.txt), so that what is tested is
// the very code of the kernel, and nothing outside of it, not even its workers, is disturbed.
#ifndef FAULTY_CALLS_H
#define FAULTY_CALLS_H

#include <atomic>
#include <cstdint>

// What is to fail and how often, and what was done. One that tests a daemon shares it with that
// process: everything is lock-free and holds no addresses.
struct FaultControl {
    // Chances in 1024 calls. They hold while `armed`.
    std::atomic<unsigned> armed;
    std::atomic<unsigned> shortened;   // reads and writes that take only a part
    std::atomic<unsigned> again;       // reads and writes that say EAGAIN
    std::atomic<unsigned> interrupted; // anything that may say EINTR
    std::atomic<unsigned> broken;      // reads and writes that fail for good
    std::atomic<unsigned> unwatched;   // descriptors that the poller does not take
    std::atomic<unsigned> refused;     // accepts that find no descriptor or no connection

    // Added to the clocks. The monotonic one may only be put forward.
    std::atomic<int64_t> leap_ms, wall_ms;

    std::atomic<uint64_t> lot; // the state of the generator; its first value is the seed

    // What was done.
    std::atomic<uint64_t> shortenings, agains, interruptions, refusals;
    std::atomic<uint64_t> breaks, socket_breaks; // all, and those that struck a socket

    // What the kernel holds of the heap now, as the allocator counts it.
    std::atomic<int64_t> heap_bytes, heap_blocks;
};

// The variable with the path of the file that holds the control, for a program that another one
// disturbs.
constexpr const char *kFaultControlVariable = "STDIO_BUS_FAULT_CONTROL";

// The control of this process.
FaultControl &Faults();

// Arms the faults for as long as it lives: a test that hosts the kernel itself does not want its
// own reads and writes to fail.
class Armed {
  public:
    explicit Armed(bool arm) : arm_(arm) {
        if (arm_)
            Faults().armed = 1;
    }
    ~Armed() {
        if (arm_)
            Faults().armed = 0;
    }
    Armed(const Armed &) = delete;
    Armed &operator=(const Armed &) = delete;

  private:
    bool arm_;
};

#endif
