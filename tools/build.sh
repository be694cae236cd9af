#!/usr/bin/env bash
# Sets the machine up and builds the release preset into build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release
