#!/usr/bin/env bash
# Of packages_test.sh, in a mount namespace of its own: installs packages on an overlay of this machine, and looks at what is there.
#
# usage: install.sh EMPTY_DIRECTORY PACKAGE.deb…
set -euo pipefail
here=$(realpath "$(dirname "$0")")
policies=$(realpath "$here/../../testdata/policies/article")
mount=$1
shift
skip() { echo "skipped: $*"; exit 77; }
mount -t tmpfs tmpfs "$mount"
mkdir "$mount"/{upper,work,root}
mount -t overlay overlay -o lowerdir=/,upperdir="$mount/upper",workdir="$mount/work" "$mount/root" || skip "needs overlay file systems"
for name in proc dev; do mount --rbind /$name "$mount/root/$name"; done
mount -t tmpfs tmpfs "$mount/root/tmp"
cp -R "$@" "$policies" "$here/inside.sh" "$mount/root/tmp"

# What of a directory is new or changed on the overlay, but for what dpkg and its triggers keep for themselves.
left() { (cd "$mount/upper" && find . ! -type d ! -path './var/lib/dpkg/*' ! -path './var/log/*' ! -path './var/cache/*' ! -path './etc/ld.so.cache' -printf '%P\n'); }

inside() { env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/tmp chroot "$mount/root" /bin/bash -euo pipefail -c "cd /tmp && $1"; }
inside 'dpkg --path-include="/*" --install *.deb' >/dev/null
inside './inside.sh'
inside 'dpkg --purge netpolc netpolc-loader' >/dev/null
[ -z "$(left)" ] || { echo "removing the packages leaves:"; left; exit 1; }
inside '! dpkg-query --show netpolc netpolc-loader 2>/dev/null'
echo "packages: the same bytes twice, lintian says nothing, installed, run and removed"
