#!/usr/bin/env bash
# Three judges, one verdict: every probe of the conformance vectors by the interpreter, by the
# decision table and by the compiled program, run in this kernel on a real packet (docs/testing.md).
# Before that, wrong tables on purpose, to see that the judges notice. Needs root and BPF; 77: skipped.
#
# usage: tools/kernel_test.sh [BIN_DIRECTORY [VECTORS]]
set -uo pipefail
cd "$(dirname "$0")/.."
bin=${1:-build/release/bin}
vectors=${2:-build/testdata/conformance}
judges=$bin/netpolc-judges
if [ ! -d "$vectors" ]; then
  mkdir -p "$vectors" && tar -C "$vectors" -xJf testdata/conformance/vectors.tar.xz || exit 1
fi
"$judges" --mutate --every 8 "$vectors" || exit $?
"$judges" "$vectors"
