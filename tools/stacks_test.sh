#!/usr/bin/env bash
# Real network stacks talk through compiled policies (docs/testing.md): iperf3, curl, dig, ping, path MTU, 10,000
# connections, and policy replaced once a second under traffic. Needs root and BPF; 77: skipped.
#
# usage: tools/stacks_test.sh [BIN_DIRECTORY [--seconds N] [--self-check] [--only WORDS]]
cd "$(dirname "$0")/.." || exit 1
bin=${1:-build/release/bin}
shift
exec python3 tools/stacks_test/main.py "$bin" "$@"
