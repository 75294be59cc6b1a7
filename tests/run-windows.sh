#!/bin/sh
# run-windows.sh: publishes the tests of the core and of the cmdlets for Windows, with .NET and the PowerShell engine in
# them, and runs them under Wine against the kernel for Windows. Its last two lines count the tests. Needs the package wine64.
#
#   tests/run-windows.sh                  both suites, but for the tests that windows/unsupported.txt names
#   tests/run-windows.sh SUITE [CLASS]…   those of a suite, or of some of its classes, as
#                                         StdioBus.Module.Tests StdioBus.Module.Tests.Commands.JobTests
set -u
cd "$(dirname "$0")/.."
wine=/usr/lib/wine/wine64
out=$PWD/out/windows

# A path as programs under Wine see it.
windows() { echo "Z:$1" | tr / '\\'; }

WINEPREFIX=${WINEPREFIX:-$out/wine}
WINEDEBUG=-all
# In front of PATH.
WINEPATH=$(windows "$out/bin")
# Under Wine the runtime ends with an internal error when it frees a method that it has made with this.
DOTNET_EnableWriteXorExecute=0
STDIOBUS_TEST_WORKER=$(windows "$out/worker/StdioBus.TestWorker.exe")
STDIOBUS_TEST_SHELL=$(windows "$out/shell/stdiobus-shell.exe")
export WINEPREFIX WINEDEBUG WINEPATH DOTNET_EnableWriteXorExecute STDIOBUS_TEST_WORKER STDIOBUS_TEST_SHELL

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

# The examples start their agent with dotnet. Here the runtime is in the agent.
write_dotnet() {
    mkdir -p "$out/bin"
    printf '%s\r\n' '@if /i not "%~nx1"=="DemoAgent.dll" (' '@echo dotnet: DemoAgent.dll alone runs here>&2' '@exit /b 1' '@)' \
        '@"%~dp0..\agent\DemoAgent.exe" %2 %3 %4' >"$out/bin/dotnet.cmd"
}

# "SUITE.Class reason" and "SUITE.Class.Test reason" name what is left out.
left_out() {
    awk -v suite="$1" '
        $1 ~ /^StdioBus\./ && index($1, suite ".") == 1 {
            is_class = $1 ~ /(Tests|Properties)$/
            printf "%s %s ", is_class ? "-class-" : "-method-", $1
        }' tests/windows/unsupported.txt
}

[ -x "$wine" ] || fail "$wine is missing (package wine64)"
suites=${1:-StdioBus.Tests StdioBus.Module.Tests}
[ $# -eq 0 ] || shift
mkdir -p "$out"
publish tests/workers/StdioBus.TestWorker "$out/worker"
publish src/StdioBus.Shell "$out/shell"
publish docs/examples/workers/DemoAgent "$out/agent"
write_dotnet
[ -d "$WINEPREFIX" ] || timeout 300 "$wine" wineboot -i >"$out/wineboot.log" 2>&1
ok=0
bad=0
for suite in $suites; do
    publish "tests/$suite" "$out/$suite"
    which="$(for class in "$@"; do echo "-class $class"; done) $(left_out "$suite")"
    # shellcheck disable=SC2086
    (cd "$out/$suite" && timeout 900 "$wine" "$suite.exe" $which -parallelMode none -culture invariant) >"$out/$suite.log" 2>&1
    status=$?
    # "   StdioBus.Tests  Total: 266, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 56.389s"
    counts=$(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\),.*/\1 \2 \3 \4/p' "$out/$suite.log")
    [ -n "$counts" ] || counts="1 0 1 0"
    passed=$(echo "$counts" | awk '{ print $1 - $2 - $3 - $4 }')
    failed=$(echo "$counts" | awk '{ print $2 + $3 }')
    [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    [ "$failed" -eq 0 ] || grep -v '^  *at ' "$out/$suite.log" | tail -n 80
    echo "$suite for Windows: $passed passed, $failed failed (exit $status)"
    ok=$((ok + passed))
    bad=$((bad + failed))
done
echo "  succeeded: $ok"
echo "  failed: $bad"
[ "$bad" -eq 0 ]
