#!/usr/bin/env bash
# Runs every libFuzzer target for a while, seeded from testdata. Whatever breaks a property stays
# in build/asan/found; the line to run it alone is printed.
#
# usage: tools/fuzz.sh [SECONDS]     for each target (default 60)
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
runtime=/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-x86_64.a
if ! command -v clang++-19 >/dev/null || { [ "$(uname -m)" = x86_64 ] && [ ! -e $runtime ]; }; then
  echo "skipped: needs clang-19 and libclang-rt-19-dev"
  exit 77
fi
cmake --preset asan >/dev/null && cmake --build --preset asan >/dev/null || { cmake --build --preset asan | tail -n 40; exit 1; }

work=$PWD/build/asan/work
found=$PWD/build/asan/found
mkdir -p "$found"
rm -rf "$work" && mkdir -p "$work/seeds"
trap 'rm -rf "$work"' EXIT
count=0
while IFS= read -r -d '' file; do
  count=$((count + 1))
  cp "$file" "$work/seeds/$count"
done < <(find testdata -type f \( -name '*.yaml' -o -name '*.json' -o -name '*.policies.ir' -o -path 'testdata/loader/*' \) -size -16k -print0 | sort -z)

one_target() {
  local target=$1 name
  name=$(basename "$target")
  mkdir -p "$work/$name"
  if "$target" -max_total_time="$seconds" -rss_limit_mb=3000 -timeout=30 -print_final_stats=1 \
      -artifact_prefix="$found/$name-" "$work/$name" "$work/seeds" >"$work/$name.log" 2>&1; then
    printf 'ok    %-18s %s inputs tried, %s seeds\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log")" "$count"
  else
    printf 'FAIL  %s\n' "$name"
    grep -v '^#[0-9]' "$work/$name.log" | tail -n 40
    echo "again: $target $(sed -n 's/.*Test unit written to //p' "$work/$name.log")"
    return 1
  fi
}

# One for each processor at a time.
failed=0 running=0
for target in build/asan/bin/*_fuzz; do
  if [ $running -ge "$(nproc)" ]; then
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
  fi
  one_target "$target" &
  running=$((running + 1))
done
while [ $running -gt 0 ]; do
  wait -n || failed=$((failed + 1))
  running=$((running - 1))
done
echo "$failed of the fuzz targets failed"
[ $failed -eq 0 ]
