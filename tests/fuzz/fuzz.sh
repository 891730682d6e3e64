#!/bin/bash
# fuzz.sh SECONDS FOLDER: runs each fuzz target of the folder for so long, beginning with its corpus, and prints what each has
# executed and reached, in how many seconds of the processor, then how much of the product's files all of them together have. What is found on the way is kept beside
# the folder, in found/NAME; an input that fails in failed/.
set -uo pipefail
seconds=$1
folder=$2
here=$(dirname "$0")
out=$(dirname "$folder")
mkdir -p "$out/failed"
n_failed=0
total=0

# The longest input that makes sense, where it is not 4096 bytes.
declare -A longest=([query]=700 [frame]=600 [etcd]=1500 [page]=400 [cidr]=64 [uuid]=96 [update]=400 [request]=600)

TIMEFORMAT='%U %S'
cpu_all=0
printf '%-12s %12s %8s %9s %8s %8s %8s\n' target executions "CPU s" "per s" edges features inputs
for program in "$folder"/fuzz_*; do
    [[ -x $program && $program != *.d ]] || continue
    name=${program##*/fuzz_}
    mkdir -p "$out/found/$name"
    dictionary=$here/corpus/$name.dict
    { time LLVM_PROFILE_FILE=$out/$name.profraw "$program" -max_total_time="$seconds" -timeout=20 -max_len="${longest[$name]:-4096}" \
        -print_final_stats=1 -artifact_prefix="$out/failed/$name-" ${dictionary:+$([ -f "$dictionary" ] && echo "-dict=$dictionary")} \
        "$out/found/$name" "$here/corpus/$name" >"$out/$name.log" 2>&1; } 2>"$out/$name.time"
    status=$?
    cpu=$(awk '{print int($1 + $2)}' "$out/$name.time")
    cpu_all=$((cpu_all + cpu))
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$out/$name.log")
    last=$(grep -E '^#[0-9]+.* cov: ' "$out/$name.log" | tail -n 1)
    printf '%-12s %12s %8s %9s %8s %8s %8s\n' "$name" "${executions:-?}" "$cpu" "${rate:-?}" \
        "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' <<<"$last")" "$(sed -n 's/.* ft: \([0-9]*\).*/\1/p' <<<"$last")" \
        "$(sed -n 's/.* corp: \([0-9]*\).*/\1/p' <<<"$last")"
    total=$((total + ${executions:-0}))
    if [ "$status" -ne 0 ]; then
        grep -vE '^#[0-9]|^INFO|NEW_FUNC' "$out/$name.log" | tail -n 40
        echo "$name failed: see $out/$name.log and $out/failed"
        n_failed=$((n_failed + 1))
    fi
done

objects=()
for program in "$folder"/fuzz_*; do [[ $program == *.d ]] || objects+=(-object "$program"); done
llvm-profdata merge -o "$out/all.profdata" "$out"/*.profraw
llvm-cov report "${objects[@]}" -instr-profile="$out/all.profdata" -ignore-filename-regex='^(tests|cli)/|/tests/' 2>/dev/null |
    awk '$1 ~ /[.][ch]$/ && $8 > 0 && $10 != "0.00%" {printf "%-40s %6s of %5s lines\n", $1, $10, $8}' | tee "$out/coverage.txt"
echo "fuzz: $total executions in $((cpu_all / 60)) CPU minutes, $n_failed targets failed"
[ "$n_failed" -eq 0 ]
