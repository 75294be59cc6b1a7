// guard_fixture.h: a bus under a guard, and guards that show what a real one hides.
#ifndef GUARD_FIXTURE_H
#define GUARD_FIXTURE_H

#include <set>
#include <string>
#include <sys/types.h>

#include "bus_fixture.h"

void SetGuard(Bus &bus, const std::string &path);

// A guard in the form of a shell script, run in a folder of its own.
class ScriptedGuard {
  public:
    explicit ScriptedGuard(const std::string &body);
    std::string Path() const {
        return folder_.Path("guard");
    }
    // The groups on the list according to the lines that the script wrote to the file "heard";
    // expects that each line is whole and none takes off what is not there.
    std::set<pid_t> Listed(size_t *lines = nullptr) const;

  private:
    TempFolder folder_;
};

// The groups of the workers that run now.
std::set<pid_t> Groups(Bus &bus, int workers);

// The only child of this process that is none of the workers.
pid_t GuardBeside(Bus &bus, int workers);

// Restarts a worker by force and steps until it runs again.
void Restart(Bus &bus, int worker);

// From now on the pipe to the guard takes one page.
void NarrowPipe(pid_t guard);

#endif
