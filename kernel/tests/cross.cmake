# cross.cmake: which tests a build for another C library or processor has.
#
# Left out of all of them:
#   clock, linear, faults, the corpora of the fuzz targets    zig's linker cannot wrap functions
#   exports, abi, host                                        they load the shared library, and a
#                                                             program linked statically cannot
# Left out in an emulator, where the kernel under test starts programs of this machine only, as the
# emulator hands exec to the system as it is:
#   guard, guard_failures, guard_program, killed_host         the guard is a program of its own kind
#   fallback                                                  it filters system calls, the
#                                                             emulator's with them
#   threads, stress, daemon, daemon_command                   minutes; the daemons that ship are
#                                                             emulated by shipped.cmake

set(cross_tests
    json json_text frame table config outlet journal # its parts
    routing ids owners envelope annotated worker_messages errors decline limits # its router
    clients access listener callbacks control embedded waiting restart stop roundtrip processes)
if(NOT CMAKE_CROSSCOMPILING_EMULATOR)
    list(APPEND cross_tests guard guard_failures guard_program killed_host fallback threads stress
         daemon daemon_command)
endif()

# What cannot hold in an emulator of the above, and why.
set(emulated_filter "*")
if(CMAKE_CROSSCOMPILING_EMULATOR)
    set(emulated_filter "-")
endif()

# GoogleTest from its sources, as Debian's libgtest-dev has them.
set(GOOGLETEST_VERSION 1.12.1)
add_subdirectory(/usr/src/googletest/googletest googletest EXCLUDE_FROM_ALL)
