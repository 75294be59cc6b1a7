#include "processes.h"

#include <filesystem>
#include <stdexcept>
#include <windows.h>
//
#include <tlhelp32.h>

#include "patience.h"

namespace fs = std::filesystem;

// A process whose number is known may be gone and the number somebody else's: but not so soon.
static bool EndsWithin(pid_t pid, DWORD milliseconds) {
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(pid));
    if (!process)
        return true;
    DWORD result = WaitForSingleObject(process, milliseconds);
    CloseHandle(process);
    return result == WAIT_OBJECT_0;
}

bool IsGone(pid_t pid) {
    return EndsWithin(pid, 0);
}

bool BecomesGone(pid_t pid) {
    return EndsWithin(pid, static_cast<DWORD>(kPatience.count()));
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
    std::vector<pid_t> found;
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W process{};
    process.dwSize = sizeof process;
    for (BOOL more = Process32FirstW(all, &process); more; more = Process32NextW(all, &process))
        if (process.th32ParentProcessID == static_cast<DWORD>(parent))
            found.push_back(static_cast<pid_t>(process.th32ProcessID));
    CloseHandle(all);
    return found;
}

std::vector<pid_t> Children() {
    return ChildrenOf(static_cast<pid_t>(GetCurrentProcessId()));
}

// Numbers of processes come again soon, and a run that was killed leaves its folders.
TempFolder::TempFolder() {
    for (int i = 0; i < 1000; i++) {
        fs::path path =
            fs::temp_directory_path() /
            ("stdio_bus_test_" + std::to_string(GetCurrentProcessId()) + "_" + std::to_string(i));
        std::error_code exists;
        if (fs::create_directory(path, exists)) {
            path_ = path.generic_string();
            return;
        }
    }
    throw std::runtime_error("no temporary folder");
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}
