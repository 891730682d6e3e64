#!/bin/sh
# replay.sh PROGRAM...: runs each fuzz target over its corpus, tests/fuzz/corpus/NAME for .../fuzz_NAME, and prints the totals.
set -u
passed=0
failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for program in "$@"; do
    name=$(basename "$program")
    set -- "$(dirname "$0")/corpus/${name#fuzz_}"/*
    n_ok=$#
    n_bad=0
    if ! "$program" "$@" >"$output" 2>&1; then
        tail -n 40 "$output"
        echo "$program fails on its corpus; each file by itself:"
        for file in "$@"; do "$program" "$file" >/dev/null 2>&1 || { echo "    $program $file"; n_bad=$((n_bad + 1)); }; done
        [ "$n_bad" -gt 0 ] || n_bad=1
        n_ok=$((n_ok - n_bad))
    fi
    printf '%-32s %4d passed, %d failed\n' "$name" "$n_ok" "$n_bad"
    passed=$((passed + n_ok))
    failed=$((failed + n_bad))
done

echo "corpus: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
