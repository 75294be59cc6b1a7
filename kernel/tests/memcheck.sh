#!/usr/bin/env bash
# Runs test programs under valgrind: ./memcheck.sh PROGRAM... No error, no leak, no descriptor left open. Only the
# test program itself is watched; the workers that it starts run as they are.
#
# Valgrind runs clone(CLONE_VM | CLONE_VFORK) as a fork, and before 3.21 it has no pidfd_open: exits are then seen as on
# a system without it. It says so for each worker, which is left out of what is shown.
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program in "$@"; do
    # The test of 50 MB takes longer here than any test may.
    valgrind --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible --track-fds=yes \
        --child-silent-after-fork=yes --log-file="$log" "$program" --gtest_brief=1 --gtest_filter='-*FiftyMegabytes*'
    status=$?
    open=$(grep -c 'Open file descriptor\|Open AF_' "$log")
    inherited=$(grep -c '<inherited from parent>' "$log")
    if [ $status -ne 0 ] || [ "$open" -ne "$inherited" ] || ! grep -q 'ERROR SUMMARY: 0 errors' "$log"; then
        echo "$program: status $status, $open descriptors open of which $inherited were there before"
        grep -v 'WARNING: unhandled amd64-linux syscall\|You may be able to write\|Read the file README\|Nevertheless we consider\|it at http' "$log"
        exit 1
    fi
    echo "$program: $(grep -o 'total heap usage: .*' "$log")"
done
