#!/usr/bin/env bash
# Builds netpolc, compiles the introductory article's three policies for a small cluster of
# network-namespace pods on two nodes, loads them into the kernel and sends real traffic.
# Everything lives in private network, mount and process namespaces, so that nothing is left
# behind, however the demo ends.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh
if [ "$(id -u)" -ne 0 ]; then
  echo "demo: loading programs into the kernel needs root" >&2
  exit 77
fi
exec unshare --net --mount --pid --fork --kill-child --mount-proc python3 tools/demo/demo.py build/release/bin "$@"
