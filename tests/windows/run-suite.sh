#!/bin/sh
# run-suite.sh FOLDER SUITE [CLASS]…: runs a suite of tests that run-windows.sh has published into FOLDER/SUITE, or some of
# its classes, in a Wine of its own. A program that ends within a test, or hangs in it, is started anew without the tests
# that it has run. Prints each failed and each skipped test with its reason; FOLDER/SUITE.counts gets "PASSED FAILED".
set -u
cd "$(dirname "$0")/../.."
out=$1
suite=$2
shift 2
wine=/usr/lib/wine/wine64
# Seconds without a word of a program, after which it hangs. Each test has a deadline of its own, of a minute mostly.
patience=240
# Its own, so that what is left of a program can be ended and nothing else.
WINEPREFIX=$out/$suite.wine
WINEDEBUG=-all
export WINEPREFIX WINEDEBUG

# "SUITE.Class reason" and "SUITE.Class.Test reason" name what is left out.
left_out() {
    awk -v suite="$suite" '
        $1 ~ /^StdioBus\./ && index($1, suite ".") == 1 {
            is_class = $1 ~ /(Tests|Properties)$/
            printf "%s\n%s\n", is_class ? "-class-" : "-method-", $1
        }' tests/windows/unsupported.txt
}

# Ends the program and all that it has started.
end_wine() {
    [ -z "$program" ] || kill -9 "$program" 2>/dev/null
    program=
    timeout 60 /usr/lib/wine/wineserver64 -k
    timeout 60 /usr/lib/wine/wineserver64 -w
}

# Runs the program until it ends or hangs, with the options of a file; what it writes goes to a log.
# Without random addresses: with them a process that Wine starts ends now and then before it has begun, and its start fails
# with an internal error.
run_program() {
    log=$1
    # shellcheck disable=SC2046
    (cd "$out/$suite" && exec setarch -R "$wine" "$suite.exe" $(cat "$2") -parallelMode none -culture invariant -reporter json -noAutoReporters) >"$log" 2>&1 &
    program=$!
    while kill -0 "$program" 2>/dev/null; do
        sleep 1
        [ $(($(date +%s) - $(stat -c %Y "$log"))) -lt "$patience" ] || { echo "$suite: nothing was heard for $patience s"; end_wine; }
    done
    wait "$!"
    status=$?
    program=
}

program=
trap end_wine EXIT
trap 'exit 130' INT TERM
began=$(date +%s)
rm -f "$out/$suite".*.json
# What is asked for and what is left out; after a program that has not come to its end, more is left out.
{ left_out && for class in "$@"; do printf '%s\n' -class "$class"; done; } >"$out/$suite.options"
[ -d "$WINEPREFIX" ] || timeout 300 "$wine" wineboot -i >"$out/$suite.wineboot" 2>&1
run=0
passed=0
failed=0
skipped=0
while [ "$run" -eq 0 ] || [ -s "$out/$suite.next" ]; do
    run=$((run + 1))
    [ "$run" -eq 1 ] || cat "$out/$suite.next" >>"$out/$suite.options"
    : >"$out/$suite.next"
    run_program "$out/$suite.$run.json" "$out/$suite.options"
    awk -v left_out="$out/$suite.next" -f tests/windows/results.awk "$out/$suite.$run.json" >"$out/$suite.results"
    sed '$d' "$out/$suite.results"
    read -r run_passed run_failed run_skipped <<EOF
$(tail -n 1 "$out/$suite.results")
EOF
    if [ "$status" -ne 0 ] && [ "$run_failed" -eq 0 ]; then
        echo "FAILED: $suite: exit code $status after all tests"
        run_failed=1
    fi
    passed=$((passed + run_passed))
    failed=$((failed + run_failed))
    skipped=$((skipped + run_skipped))
    end_wine
done
echo "$suite for Windows: $passed passed, $failed failed, $skipped skipped ($(($(date +%s) - began)) s)"
echo "$passed $failed" >"$out/$suite.counts"
