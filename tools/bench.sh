#!/usr/bin/env bash
# Repeats every figure of docs/benchmarks.md: builds the release preset, makes the inputs, runs
# each benchmark and prints it beside what others need. Exit 1 when a limit is missed.
#
# usage: tools/bench.sh [--repeat N] [--json FILE]
#        tools/bench.sh datapath [--rounds N]   what a packet costs (docs/datapath-performance.md); needs root
#
# NETPOLC_BIN=DIR measures another build.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${NETPOLC_BIN:-}
if [ -z "$bin" ]; then
  tools/build.sh >&2
  bin=$PWD/build/release/bin
fi
if [ "${1:-}" = datapath ]; then
  shift
  exec "$bin/netpolc-bench-datapath" "$@"
fi
inputs=$(mktemp -d)
trap 'rm -rf "$inputs"' EXIT
tar -C "$inputs" -xJf testdata/bench/control-plane.tar.xz
python3 tools/bench/bench.py "$bin" "$inputs" "$@"
