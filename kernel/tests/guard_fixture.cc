#include "guard_fixture.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

void SetGuard(Bus &bus, const std::string &path) {
    ASSERT_EQ(stdio_bus_set_guard(bus.get(), path.c_str()), STDIO_BUS_OK);
}

ScriptedGuard::ScriptedGuard(const std::string &body) {
    std::ofstream(Path()) << "#!/bin/sh\ncd \"${0%/*}\"\n" << body << "\n";
    EXPECT_EQ(chmod(Path().c_str(), 0700), 0);
}

std::set<pid_t> ScriptedGuard::Listed(size_t *lines) const {
    std::set<pid_t> groups;
    std::ifstream file(folder_.Path("heard"));
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    size_t count = 0, from = 0;
    // The last line may be on its way to the file.
    for (size_t end; (end = text.find('\n', from)) != text.npos; from = end + 1, count++) {
        std::string line = text.substr(from, end - from);
        pid_t group = line.size() > 1 ? std::atoi(line.c_str() + 1) : 0;
        EXPECT_EQ(line, line.substr(0, 1) + std::to_string(group));
        if (line[0] == '+')
            groups.insert(group);
        else
            EXPECT_EQ(groups.erase(group), 1u) << line << " is not on the list";
    }
    if (lines)
        *lines = count;
    return groups;
}

std::set<pid_t> Groups(Bus &bus, int workers) {
    std::set<pid_t> groups;
    for (int i = 0; i < workers; i++)
        groups.insert(static_cast<pid_t>(bus.Worker(i).pid));
    return groups;
}

pid_t GuardBeside(Bus &bus, int workers) {
    std::set<pid_t> groups = Groups(bus, workers);
    pid_t guard = 0;
    for (pid_t child : Children()) {
        if (groups.count(child))
            continue;
        EXPECT_EQ(guard, 0);
        guard = child;
    }
    EXPECT_GT(guard, 0);
    return guard;
}

void Restart(Bus &bus, int worker) {
    int64_t before = bus.Worker(worker).pid;
    ASSERT_EQ(stdio_bus_restart_worker(bus.get(), worker, 1), STDIO_BUS_OK);
    bus.Until(
        [&] {
            auto info = bus.Worker(worker);
            return info.state == STDIO_BUS_WORKER_RUNNING && info.pid != before;
        },
        "the worker runs again");
}

void NarrowPipe(pid_t guard) {
    std::string pipe = Referent(guard, 0);
    for (int fd : OpenDescriptors()) {
        if (Referent(getpid(), fd) == pipe) {
            EXPECT_GE(fcntl(fd, F_SETPIPE_SZ, 4096), 4096);
        }
    }
}
