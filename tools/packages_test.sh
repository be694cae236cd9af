#!/usr/bin/env bash
# The Debian packages: made twice with the same bytes, as lintian wants them, installed on a copy of this machine, run there,
# removed without a trace. The copy is an overlay in a mount namespace of its own: it is gone with the last process in it,
# however that ends. Needs root; 77: skipped.
#
# usage: tools/packages_test.sh [BIN_DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build/release/bin}/..")
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "needs root, to install"
unshare -m true 2>/dev/null || skip "needs mount namespaces"
for tool in dpkg-buildpackage dh lintian man mandoc zsh fish; do
  command -v $tool >/dev/null || skip "$tool is not installed"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DPKG_DEB_COMPRESSOR_LEVEL=1  # it says nothing about packages how small they are here
tools/packages.sh "$build" "$work/two" >/dev/null &
tools/packages.sh "$build" "$work/one" >/dev/null
wait $!
for package in "$work"/one/*.deb; do
  cmp "$package" "$work/two/$(basename "$package")"
done
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$work"/one/*.deb

mkdir "$work/mount"
unshare -m tools/packages_test/install.sh "$work/mount" "$work"/one/*.deb
