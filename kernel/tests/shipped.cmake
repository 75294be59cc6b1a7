# shipped.cmake: the tests of the daemon once more with the daemons of dist/ in its place, each as
# it ships. Those for other processors run in an emulator of one process (qemu-user); what the tests
# start is then a script that starts the emulator. It hands exec to the system as it is, and that
# starts no program of another processor: so a daemon in the emulator has no guard, and the tests
# of a daemon that is killed are left out there.
#
# Named like the folders of dist/, before the dot.

set(shipped_tests daemon_test daemon_command_test guard_program_test killed_host_test)

function(add_shipped_tests name program filter)
    foreach(test IN LISTS shipped_tests)
        gtest_discover_tests(
            ${test}
            TEST_PREFIX ${name}.
            TEST_FILTER "${filter}"
            DISCOVERY_MODE PRE_TEST
            PROPERTIES LABELS shipped TIMEOUT 120 ENVIRONMENT STDIO_BUS_TEST_DAEMON=${program})
    endforeach()
endfunction()

# root: where the emulated program finds the C library of its processor.
function(add_emulated_tests name emulator root)
    find_program(${emulator}_path ${emulator} REQUIRED)
    set(script "${CMAKE_BINARY_DIR}/shipped/${name}")
    file(WRITE "${script}"
         "#!/bin/sh\nexec '${${emulator}_path}' -L '${root}' '${CMAKE_CURRENT_SOURCE_DIR}/dist/${name}/stdio_bus' \"$@\"\n")
    file(CHMOD "${script}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    add_shipped_tests(${name} "${script}" "-KilledDaemon.*")
endfunction()

foreach(name linux-amd64 linux-musl-amd64)
    add_shipped_tests(${name} "${CMAKE_CURRENT_SOURCE_DIR}/dist/${name}/stdio_bus" "*")
endforeach()
add_shipped_tests(launcher "${CMAKE_CURRENT_SOURCE_DIR}/dist/stdio_bus" "*")
add_emulated_tests(linux-arm64 qemu-aarch64-static /usr/aarch64-linux-gnu)
add_emulated_tests(linux-musl-arm64 qemu-aarch64-static /)
add_emulated_tests(linux-armv7 qemu-arm-static /)
