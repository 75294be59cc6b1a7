#include "subject.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <sys/resource.h>

#include "bus_fixture.h"

std::string FaultyPools() {
    Pool plain, standard;
    plain.id = "plain";
    plain.instances = kPlainWorkers;
    plain.command = standard.command = std::string(SB_WORKER_DIR) + "/worker_faulty";
    standard.id = "standard";
    standard.instances = kStandardWorkers;
    standard.args = {"--standard"};
    standard.more = R"(,"envelope":"standard")";
    return Config({plain, standard},
                  R"("max_restarts":1000000,"restart_window_sec":1,"max_input_buffer":262144,)"
                  R"("max_output_queue":262144)");
}

std::vector<pid_t> ChildrenThatRun(pid_t parent, const std::string &program) {
    // As long as the system keeps the name. Until it has become its program a child has the name of
    // its parent.
    std::string name = program.substr(program.rfind('/') + 1, 15);
    std::string id = std::to_string(parent);
    std::ifstream file("/proc/" + id + "/task/" + id + "/children");
    std::vector<pid_t> children;
    for (pid_t pid; file >> pid;) {
        std::string its_name;
        std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), its_name);
        if (its_name == name)
            children.push_back(pid);
    }
    return children;
}

Squeeze::Squeeze(pid_t process) : process_(process) {
    rlimit limit{};
    if (prlimit(process_, RLIMIT_NOFILE, nullptr, &limit) != 0)
        throw std::runtime_error("the limit of descriptors cannot be read");
    usual_ = limit.rlim_cur;
}

// A new descriptor gets the lowest free number, which must be below the limit.
void Squeeze::To(int further) {
    size_t free_number = 0;
    std::vector<bool> used;
    for (int fd : OpenDescriptors(process_)) {
        if (static_cast<size_t>(fd) >= used.size())
            used.resize(static_cast<size_t>(fd) + 1);
        used[static_cast<size_t>(fd)] = true;
    }
    for (int left = further + 1; left > 0; free_number++)
        left -= free_number >= used.size() || !used[free_number];
    rlimit limit{};
    prlimit(process_, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = free_number - 1;
    prlimit(process_, RLIMIT_NOFILE, &limit, nullptr);
}

void Squeeze::Release() {
    rlimit limit{};
    prlimit(process_, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = usual_;
    prlimit(process_, RLIMIT_NOFILE, &limit, nullptr);
}
