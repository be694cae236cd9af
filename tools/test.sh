#!/usr/bin/env bash
# Sets the machine up, builds, and runs every test. Kernel tests need root and BPF: without
# them they say that they were skipped and why; with CI=true a skip is a failure.
#
# usage: tools/test.sh [--long]     --long: fuzz for an hour instead of a minute, replace
#                                     policy under traffic for ten minutes instead of thirty seconds,
#                                     torture the loader for hours instead of two minutes,
#                                     draw policies and packets that nobody has drawn before, and redact and
#                                     ask the solver about all vectors, not some alone, and prove more programs
#                                     with a fault in what every packet goes through
set -uo pipefail
cd "$(dirname "$0")/.."
fuzz_seconds=8 sequence_seconds=20 churn_seconds=30 kills=12 switches=60 soak_seconds=60 failing= random_seconds= solved=visible-1.20 redacted=31
if [ "${1:-}" = --long ]; then
  fuzz_seconds=1200 sequence_seconds=600 churn_seconds=600 kills=300 switches=2000 soak_seconds=1800 failing=--long random_seconds=600 solved=. redacted=1
fi
started=$SECONDS
tools/build.sh || exit 1

bin=$PWD/build/release/bin
data=$PWD/build/testdata
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# Runs one named part; its output is shown only when it fails.
part() {
  local name=$1 log status began=$SECONDS
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1
  status=$?
  if [ $status -eq 0 ]; then
    echo ok >>"$results"
    printf 'ok    %-30s %4d s  %s\n' "$name" $((SECONDS - began)) "$(tail -n 1 "$log")"
  elif [ $status -eq 77 ]; then
    echo skip >>"$results"
    printf 'skip  %-30s %4d s  %s\n' "$name" $((SECONDS - began)) "$(tail -n 1 "$log")"
  else
    echo FAIL >>"$results"
    printf 'FAIL  %s (exit %d)\n' "$name" "$status"
    tail -n 60 "$log"
  fi
  rm -f "$log"
}

sanitized() {
  cmake --preset asan >/dev/null && cmake --build --preset asan >/dev/null || { cmake --build --preset asan | tail -n 40; return 1; }
  ctest --preset asan
}

# A skipped test of ctest's is one of ours too.
unit_tests() {
  local log status
  log=$(mktemp)
  ctest --preset release | tee "$log"
  status=${PIPESTATUS[0]}
  if [ "$status" -eq 0 ] && grep -q '\*\*\*Skipped' "$log"; then
    grep '\*\*\*Skipped' "$log"
    status=77
  elif [ "$status" -ne 0 ]; then  # last, where it is seen: what the tests said that failed
    awk '/^ *[0-9]+\/[0-9]+ Test /{shown = /\*\*\*/} /^ +Start +[0-9]+: /{shown = 0} shown' "$log" | tail -n 50
  fi
  rm -f "$log"
  return "$status"
}

rm -rf "$data"
mkdir -p "$data/conformance" "$data/suites"
tar -C "$data/conformance" -xJf testdata/conformance/vectors.tar.xz
tar -C "$data/suites" -xJf testdata/suites/suites.tar.xz
vectors=$data/conformance

# Packets, connections and machines that are waited for; beside them computes what needs no kernel, at a lower priority, so
# that times which are held to account are not those of a busy machine.
kernel_parts() {
  part "three judges, in the kernel" tools/kernel_test.sh "$bin" "$vectors"
  part "packet sequences" "$bin/netpolc-sequences" --seconds "$sequence_seconds" testdata/packets/*.txt
  part "packet sequences, wrong models" "$bin/netpolc-sequences" --mutate --seconds 10 testdata/packets/*.txt
  part "golden programs on kernel 6.1" tools/matrix_test.sh "$bin"
  part "demo with real traffic" tools/demo.sh
  part "real stacks, and policy churn" tools/stacks_test.sh "$bin" --seconds "$churn_seconds"
  part "loaders that are killed" python3 tools/loader_test/torture/killed.py "$bin" --times "$kills"
  part "generations switched" python3 tools/loader_test/torture/switches.py "$bin" --times "$switches"
  part "system calls that fail" python3 tools/loader_test/torture/failing.py "$bin" $failing
  # The short form is among the loader's tests.
  [ -n "$failing" ] && part "the daemon, against a model" python3 tools/loader_test/daemon_test.py "$bin" --long
  part "the daemon, for long" python3 tools/loader_test/torture/soak.py "$bin" --seconds "$soak_seconds"
}
other_parts() {
  renice -n 10 -p "$BASHPID" >/dev/null
  part "vectors, verdicts (1.18)" python3 "$vectors/run.py" "$bin/netpolc" "$vectors/visible" "$vectors/invalid.json"
  part "vectors, verdicts (1.20)" python3 "$vectors/run.py" "$bin/netpolc" "$vectors/visible-1.20"
  part "vectors, labels, auth, results" python3 tools/vectors_test.py "$bin/netpolc" "$vectors"
  part "vectors, redacted" python3 tools/redact_test.py "$bin/netpolc" "$vectors" --every $redacted
  part "diff, 1.18 against 1.20" python3 tools/drift_test.py "$bin/netpolc" "$vectors"
  part "cyclonus and connectivity" python3 "$data/suites/run.py" "$bin/netpolc"
  # With fixed seeds these are among the unit tests: what a change is held to is the same each time.
  if [ -n "$random_seconds" ]; then
    part "four judges, random seeds" "$bin/netpolc-agreement" --seed random --seconds "$random_seconds"
    part "witnesses, random seeds" "$bin/netpolc-agreement" --witnesses --seed random --seconds "$random_seconds"
    part "comparisons, random seeds" env NETPOLC_SAME_SECONDS="$random_seconds" "$bin/verify_test" --test-case="*in other words*"
    part "faults in the runtime, proved" env NETPOLC_FAULTS=29 "$bin/prove_programs_test" --test-case="faults in what every packet*"
    part "bundles, every byte flipped" python3 tools/loader_test/tamper_test.py "$bin" --long
    part "keys with passwords" python3 tools/loader_test/signature_test.py "$bin" --long
  fi
  part "vectors before the solver" "$bin/netpolc-agreement" --vectors "$vectors/$solved"
  part "what the documents show" python3 tools/docs_test.py "$bin"
  part "packages" tools/packages_test.sh "$bin"
  part "unit and golden, sanitized" sanitized
  part "fuzzers, briefly" tools/fuzz.sh $fuzz_seconds
}

part "unit, golden, loader tests" unit_tests
set -m  # process groups of their own, so that an end of this script is one of them, too
kernel_parts </dev/null & kernel=$!
other_parts </dev/null & other=$!
set +m
trap 'kill -- -$kernel -$other 2>/dev/null; rm -f "$results"' EXIT
for lane in $kernel $other; do
  wait $lane || { echo FAIL >>"$results"; echo "FAIL  a lane of tests ended early"; }
done
passed=$(grep -c ok "$results") failed=$(grep -c FAIL "$results") skipped=$(grep -c skip "$results")

if [ "${CI:-}" = true ] && [ $skipped -gt 0 ]; then
  echo "a skipped test is a failure in CI" >&2
  failed=$((failed + skipped))
  skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped in $((SECONDS - started)) s"
[ $failed -eq 0 ]
