#!/usr/bin/env bash
# Makes the Debian packages netpolc and netpolc-loader of a build that is there. The tree stays as it is, and the same
# build gives the same bytes (docs/packages.md).
#
# usage: tools/packages.sh [BUILD_DIRECTORY [OUTPUT_DIRECTORY]]     default: build/release build/packages
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build/release}")
mkdir -p "${2:-build/packages}"
out=$(realpath "${2:-build/packages}")
[ -x "$build/bin/netpolc" ] && [ -x "$build/bin/netpol-loader" ] || { echo "packages: no programs in $build/bin: run tools/build.sh" >&2; exit 1; }
[ -f "$build/share/netpolc/connectivity/bundle.json" ] || { echo "packages: no bundle of the connectivity test in $build/share: run tools/build.sh" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# All that a package is made of beside the build; debhelper writes where it stands.
mkdir -p "$work/netpolc/runtime-loader"
cp -R debian "$work/netpolc"
cp runtime-loader/netpol-loader.8 "$work/netpolc/runtime-loader"
(cd "$work/netpolc" && NETPOLC_BUILD=$build dpkg-buildpackage --build=binary --no-sign >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
mv "$work"/*.deb "$out"
ls "$out"/netpolc_*.deb "$out"/netpolc-loader_*.deb
