// simulated_handles.h: what the parts of the simulated system share: the kernel's open handles.
#ifndef SIMULATED_HANDLES_H
#define SIMULATED_HANDLES_H

#include "simulated_os.h"

namespace simulated_os {

enum class What { kReader, kWriter, kSocket, kListener, kExit, kWake, kPoller };

struct Handle {
    What what;
    Pipe *in = nullptr, *out = nullptr; // read from, written to
    Process *process = nullptr;
};

intptr_t Open(Handle handle);
// The handle must be open.
Handle &Find(intptr_t number);

} // namespace simulated_os

#endif
