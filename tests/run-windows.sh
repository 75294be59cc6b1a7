#!/bin/sh
# run-windows.sh: publishes the tests of the core and of the cmdlets for Windows, with .NET and the PowerShell engine in
# them, and runs them under Wine against the kernel for Windows. Its last two lines count the tests. Needs the package wine64.
#
#   tests/run-windows.sh                  the core's (StdioBus.Tests), but for those of windows/unsupported.txt
#   tests/run-windows.sh SUITE [CLASS]…   those of a suite, or of some of its classes, as
#                                         StdioBus.Module.Tests StdioBus.Module.Tests.Commands.JobTests
set -u
cd "$(dirname "$0")/.."
wine=/usr/lib/wine/wine64
out=$PWD/out/windows
WINEPREFIX=${WINEPREFIX:-$out/wine}
WINEDEBUG=-all
# Under Wine the runtime ends with an internal error when it frees a method that it has made with this.
DOTNET_EnableWriteXorExecute=0
STDIOBUS_TEST_WORKER="Z:$(echo "$out/worker/StdioBus.TestWorker.exe" | tr / '\\')"
export WINEPREFIX WINEDEBUG DOTNET_EnableWriteXorExecute STDIOBUS_TEST_WORKER

fail() {
    echo "run-windows.sh: $*" >&2
    exit 1
}

# The packages of the runtime are not in the lock files, which are those of the machine that develops.
publish() {
    dotnet publish "$1" --configuration Debug --runtime win-x64 --self-contained --verbosity quiet --nologo \
        -p:NuGetLockFilePath=obj/windows.lock.json -p:RestoreLockedMode=false --output "$2" || fail "$1 is not published"
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
suites=${1:-StdioBus.Tests}
[ $# -eq 0 ] || shift
mkdir -p "$out"
publish tests/workers/StdioBus.TestWorker "$out/worker"
[ -d "$WINEPREFIX" ] || timeout 300 "$wine" wineboot -i >"$out/wineboot.log" 2>&1
ok=0
bad=0
for suite in $suites; do
    publish "tests/$suite" "$out/$suite"
    which="$(for class in "$@"; do echo "-class $class"; done) $(left_out "$suite")"
    # shellcheck disable=SC2086
    (cd "$out/$suite" && timeout 900 "$wine" "$suite.exe" $which -parallelMode none) >"$out/$suite.log" 2>&1
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
