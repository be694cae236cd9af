#!/usr/bin/env bash
# Installs what a Debian 12 machine needs to build, run and test netpolc. Idempotent: asks the
# package archive only for what is missing. Needs root (or sudo).
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache git python3
  llvm-19-dev libclang-19-dev libclang-cpp19-dev clang-19 libclang-rt-19-dev
  libbpf-dev libelf-dev zlib1g-dev
  libyaml-cpp-dev libcli11-dev libz3-dev libre2-dev libexpected-dev libfmt-dev
  nlohmann-json3-dev doctest-dev libssl-dev libsodium-dev libgit2-dev libarchive-dev
  iproute2 iptables nftables iputils-ping iperf3 curl bind9-dnsutils xz-utils
  qemu-system-x86 busybox-static strace minisign systemd
  zsh fish mandoc cmark-gfm python3-jsonschema python3-yaml python3-prometheus-client pre-commit
  dpkg-dev debhelper lintian man-db bash-completion
  chromium chromium-driver python3-selenium graphviz fonts-dejavu-core
)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: missing ${missing[*]}; run as root" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
