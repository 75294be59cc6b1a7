#!/usr/bin/env bash
# Fuzzes the kernel: ./run.sh [SECONDS [TARGET]...]. Each target runs that long (60), two at a time, from its
# committed corpus and without changing it. A finding is printed in base64, to be replayed with
#   base64 -d >finding && ../build/fuzz/bin/TARGET_fuzz finding
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(route scan config frame arguments)

cmake --preset fuzz >/dev/null && cmake --build --preset fuzz -j2 >/dev/null || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fuzz() {
    local target=$1 into=$work/$1
    mkdir -p "$into/corpus"
    # Not entropic: its bookkeeping costs more than a run of these targets.
    build/fuzz/bin/"${target}_fuzz" -entropic=0 -max_total_time="$seconds" -max_len=2000 -timeout=20 -print_final_stats=1 \
        -dict="fuzz/$target.dict" -artifact_prefix="$into/" "$into/corpus" "fuzz/corpus/$target" >"$into/log" 2>&1
}

running=()
failed=0

# Waits for the target that was started first and shows what came of it.
finish() {
    local target=${running[0]%%:*} pid=${running[0]##*:}
    running=("${running[@]:1}")
    if wait "$pid"; then
        printf '%-10s %s executions, %s\n' "$target" "$(awk '/number_of_executed_units/ { print $2 }' "$work/$target/log")" \
            "$(awk '/\tDONE/ { print $3, $4 }' "$work/$target/log")"
        return
    fi
    failed=1
    echo "$target: FOUND SOMETHING"
    tail -n 60 "$work/$target/log"
    for finding in "$work/$target"/{crash,leak,timeout,oom}-*; do
        [ -f "$finding" ] && echo "$(basename "$finding") in base64:" && base64 "$finding"
    done
}

for target in "${targets[@]}"; do
    [ ${#running[@]} -lt 2 ] || finish
    fuzz "$target" &
    running+=("$target:$!")
done
while [ ${#running[@]} -gt 0 ]; do
    finish
done
exit $failed
