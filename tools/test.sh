#!/usr/bin/env bash
# Sets the machine up, builds, and runs every test. Kernel tests need root and BPF: without
# them they say that they were skipped and why; with CI=true a skip is a failure.
#
# usage: tools/test.sh
set -uo pipefail
cd "$(dirname "$0")/.."
tools/build.sh || exit 1

bin=$PWD/build/release/bin
data=$PWD/build/testdata
passed=0 failed=0 skipped=0

# Runs one named part; its output is shown only when it fails.
part() {
  local name=$1 log status
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1
  status=$?
  if [ $status -eq 0 ]; then
    passed=$((passed + 1))
    printf 'ok    %-28s %s\n' "$name" "$(tail -n 1 "$log")"
  elif [ $status -eq 77 ]; then
    skipped=$((skipped + 1))
    printf 'skip  %-28s %s\n' "$name" "$(tail -n 1 "$log")"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s (exit %d)\n' "$name" "$status"
    tail -n 60 "$log"
  fi
  rm -f "$log"
}

rm -rf "$data"
mkdir -p "$data/conformance" "$data/suites"
tar -C "$data/conformance" -xJf testdata/conformance/vectors.tar.xz
tar -C "$data/suites" -xJf testdata/suites/suites.tar.xz

part "unit and golden tests" ctest --preset release
part "conformance vectors" python3 "$data/conformance/run.py" "$bin/netpolc" "$data/conformance/visible" "$data/conformance/invalid.json"
part "cyclonus and connectivity" python3 "$data/suites/run.py" "$bin/netpolc"
[ -x tools/kernel_test.sh ] && part "three judges, in the kernel" tools/kernel_test.sh
[ -x tools/demo.sh ] && part "demo with real traffic" tools/demo.sh

if [ "${CI:-}" = true ] && [ $skipped -gt 0 ]; then
  echo "a skipped test is a failure in CI" >&2
  failed=$((failed + skipped))
  skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
