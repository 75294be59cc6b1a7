# cross.cmake: which tests a build for another C library or processor has.

# Left out in an emulator:
#   guard, guard_failures, guard_program, killed_host    the emulator hands exec to the system as it
#                                                        is, and that starts programs of this
#                                                        machine only: the guard is one of another
#   fallback                                             it filters system calls, the emulator's
#                                                        with them
#   host, threads, stress, faults, the corpora           minutes: hundreds of processes, or all of
#                                                        what fuzzing has found
#   told                                                 one of its tests has to be quicker than the
#                                                        restart of a worker
#   daemon, daemon_command                               minutes, and the daemons that ship are
#                                                        emulated by shipped.cmake
if(CMAKE_CROSSCOMPILING_EMULATOR)
    # The parts of the kernel, then its router, then what has to do with the system.
    set(cross_tests
        json json_text frame table config outlet journal clock linear
        routing ids owners envelope annotated worker_messages errors decline limits settled skipped
        clients access listener callbacks control embedded waiting restart stop roundtrip processes
        exports abi)
    # And of these one that starts a daemon: it has no guard there and says so in its log, where the
    # test expects other lines.
    set(cross_filter "-JournalDaemon.LinesForOneThatDoesNotReadItsOutputAreDroppedAndCounted_L33")
else()
    # With musl, what asks something of the C library beyond memory and text. Its compiler is slow,
    # and cannot do what more would need: wrap functions, load a shared library into a program that
    # is linked statically.
    set(cross_tests
        config listener clients access embedded restart stop roundtrip processes threads stress
        guard guard_failures guard_program killed_host fallback daemon daemon_command)
    set(cross_filter "*")
endif()

# GoogleTest from its sources, as Debian's libgtest-dev has them.
set(GOOGLETEST_VERSION 1.12.1)
add_subdirectory(/usr/src/googletest/googletest googletest EXCLUDE_FROM_ALL)
