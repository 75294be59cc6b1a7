// processes.h: what the tests look at from outside of a bus: processes, descriptors, files.
#ifndef PROCESSES_H
#define PROCESSES_H

#include <string>
#include <sys/types.h>
#include <vector>

// Whether nothing runs under this number any more; a zombie whose parent has not looked yet
// counts as gone.
bool IsGone(pid_t pid);

// Waits until IsGone, with a deadline that no healthy run comes near to.
bool BecomesGone(pid_t pid);

// The descriptors that a process, 0: this one, holds now.
std::vector<int> OpenDescriptors(pid_t process = 0);

// Children of this process, or of another, that are alive or not yet reaped.
std::vector<pid_t> Children();
std::vector<pid_t> ChildrenOf(pid_t parent);

// The guard among its children, 0 without one; fails the test when there are several.
pid_t GuardOf(pid_t parent);

// What a descriptor of a process refers to, e.g. "/dev/null" or "pipe:[1234]".
std::string Referent(pid_t pid, int fd);

// The descriptors that a process holds.
std::vector<int> DescriptorsOf(pid_t pid);

// How often the calling thread gave up the processor by itself, that is, went to sleep.
long VoluntarySwitches();

// A folder under the system's temporary one, removed with what is in it.
class TempFolder {
  public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder &) = delete;
    TempFolder &operator=(const TempFolder &) = delete;
    std::string Path(const std::string &name) const {
        return path_ + "/" + name;
    }

  private:
    std::string path_;
};

#endif
