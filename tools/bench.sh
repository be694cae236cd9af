#!/usr/bin/env bash
# Repeats the figures of docs/benchmarks.md: builds the release preset, makes the inputs, runs
# each benchmark and prints it beside what others need. Exit 1 when a limit is missed.
#
# usage: tools/bench.sh [--repeat N] [--json FILE]
#        tools/bench.sh proofs [--repeat N] [--json FILE] [--quick]
#                                                 answers, claims and proofs; --quick: of few programs
#        tools/bench.sh dump [--pods N] [--beside NETPOLC]
#                                                 reading a dump of a large cluster
#        tools/bench.sh datapath [--rounds N]     what a packet costs (docs/datapath-performance.md); needs root
#        tools/bench.sh forwarding [--rounds N]   the same between namespaces, beside nftables; needs root
#        tools/bench.sh endpoints [--rounds N]    500 pods on a node; needs root
#        tools/bench.sh loader [--repeat N]       what loading and switching them takes; needs root
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
case ${1:-} in
  loader)
    shift
    exec python3 tools/bench/loader.py "$bin" "$@"
    ;;
  forwarding | endpoints)
    what=$1
    shift
    exec python3 "tools/bench/forwarding/$what.py" "$bin" "$@"
    ;;
esac
inputs=$(mktemp -d)
trap 'rm -rf "$inputs"' EXIT
if [ "${1:-}" = proofs ]; then
  shift
  mkdir "$inputs/vectors"
  tar -C "$inputs/vectors" -xJf testdata/conformance/vectors.tar.xz
  python3 tools/bench/proofs.py "$bin" "$inputs" "$@"
  exit
fi
if [ "${1:-}" = dump ]; then
  shift
  python3 tools/bench/dump.py "$bin/netpolc" "$inputs" "$@"
  exit
fi
tar -C "$inputs" -xJf testdata/bench/control-plane.tar.xz
python3 tools/bench/bench.py "$bin" "$inputs" "$@"
