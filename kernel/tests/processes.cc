#include "processes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "patience.h"

namespace fs = std::filesystem;

// A file of /proc; empty when its process ends while it is read, for which a stream that is read by
// iterators throws.
static std::string ReadAll(const std::string &path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The state letter and the parent of a process; false when there is none.
static bool Status(pid_t pid, char *state, pid_t *parent) {
    std::string text = ReadAll("/proc/" + std::to_string(pid) + "/stat");
    size_t after_name = text.rfind(')');
    if (after_name == std::string::npos)
        return false;
    std::istringstream rest(text.substr(after_name + 1));
    return static_cast<bool>(rest >> *state >> *parent);
}

bool IsGone(pid_t pid) {
    char state;
    pid_t parent;
    return !Status(pid, &state, &parent) || state == 'Z' || state == 'X';
}

bool BecomesGone(pid_t pid) {
    int notice = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (notice >= 0) {
        pollfd exit{notice, POLLIN, 0};
        poll(&exit, 1, static_cast<int>(kPatience.count()));
        close(notice);
    }
    return IsGone(pid);
}

std::vector<int> OpenDescriptors(pid_t process) {
    std::vector<int> open;
    std::string folder = "/proc/" + (process ? std::to_string(process) : "self") + "/fd";
    std::error_code none;
    for (const auto &entry : fs::directory_iterator(folder, none))
        open.push_back(std::atoi(entry.path().filename().c_str()));
    // The listing's own descriptor was among them and is closed again.
    open.erase(std::remove_if(open.begin(), open.end(),
                              [&folder](int fd) {
                                  std::error_code failed;
                                  return !fs::exists(fs::symlink_status(
                                      folder + "/" + std::to_string(fd), failed));
                              }),
               open.end());
    std::sort(open.begin(), open.end());
    return open;
}

std::vector<pid_t> Children() {
    return ChildrenOf(getpid());
}

std::vector<pid_t> ChildrenOf(pid_t wanted) {
    std::vector<pid_t> found;
    for (const auto &entry : fs::directory_iterator("/proc")) {
        pid_t pid = std::atoi(entry.path().filename().c_str());
        char state;
        pid_t parent;
        if (pid > 0 && Status(pid, &state, &parent) && parent == wanted)
            found.push_back(pid);
    }
    return found;
}

// Its parent goes on as soon as exec has closed descriptors, a moment before the new command line
// is there to be read.
static std::string CommandLine(pid_t pid) {
    std::string text;
    while (text.empty() && !IsGone(pid))
        text = ReadAll("/proc/" + std::to_string(pid) + "/cmdline");
    return text;
}

pid_t GuardOf(pid_t parent) {
    pid_t guard = 0;
    for (pid_t pid : ChildrenOf(parent)) {
        if (CommandLine(pid).find(std::string("\0--guard\0", 9)) == std::string::npos)
            continue;
        EXPECT_EQ(guard, 0) << "a second guard";
        guard = pid;
    }
    return guard;
}

std::string Referent(pid_t pid, int fd) {
    std::error_code none;
    return fs::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd), none)
        .string();
}

std::vector<int> DescriptorsOf(pid_t pid) {
    std::vector<int> open;
    for (const auto &entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
        open.push_back(std::atoi(entry.path().filename().c_str()));
    std::sort(open.begin(), open.end());
    return open;
}

long VoluntarySwitches() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

TempFolder::TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "stdio_bus_test_XXXXXX").string();
    if (!mkdtemp(pattern.data()))
        throw std::runtime_error("no temporary folder");
    path_ = pattern;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}
