#include "processes.h"

#include <filesystem>
#include <stdexcept>
#include <windows.h>

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
    return EndsWithin(pid, 30000);
}

TempFolder::TempFolder() {
    static unsigned count = 0;
    fs::path path =
        fs::temp_directory_path() /
        ("stdio_bus_test_" + std::to_string(GetCurrentProcessId()) + "_" + std::to_string(++count));
    if (!fs::create_directory(path))
        throw std::runtime_error("no temporary folder");
    path_ = path.generic_string();
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}
