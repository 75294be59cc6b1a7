# gnu.cmake: Debian's GCC for another processor as CMake's compiler for Linux with glibc. What it makes runs in an
# emulator, a process at a time. GNU_TARGET=aarch64-linux-gnu says for which processor.
set(CMAKE_SYSTEM_NAME Linux)
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR "${GNU_TARGET}")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GNU_TARGET)
set(CMAKE_C_COMPILER "${GNU_TARGET}-gcc")
set(CMAKE_CXX_COMPILER "${GNU_TARGET}-g++")
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# With the folder where it finds the C library of that processor.
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-${CMAKE_SYSTEM_PROCESSOR}-static;-L;/usr/${GNU_TARGET}")
