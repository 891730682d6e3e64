#!/bin/sh
# run.sh PROGRAM...: runs cmocka programs one after another, shows what fails, and prints the totals.
set -u
passed=0
failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for program in "$@"; do
    "$program" >"$output" 2>&1
    status=$?
    n_ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$output" | head -n 1)
    n_bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$output" | head -n 1)
    n_ok=${n_ok:-0}
    n_bad=${n_bad:-0}
    if [ "$status" -ne 0 ] || [ "$n_ok" -eq 0 ]; then
        cat "$output"
        echo "$program: exit code $status"
        [ "$n_bad" -gt 0 ] || n_bad=1
    fi
    printf '%-32s %4d passed, %d failed\n' "$(basename "$program")" "$n_ok" "$n_bad"
    passed=$((passed + n_ok))
    failed=$((failed + n_bad))
done

echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
