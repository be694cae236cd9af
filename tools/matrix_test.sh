#!/usr/bin/env bash
# Loads every golden policy's programs into Debian 12's stock kernel (6.1, which has no tcx) and sends packets
# through them, and TCP over a path that loses and reorders, in a virtual machine without KVM (docs/testing.md).
# Exit status 77 where qemu or the kernel can't be had. Needs neither root nor BPF of this machine.
#
# usage: tools/matrix_test.sh [BIN_DIRECTORY]      the kernel is kept in BIN_DIRECTORY/../matrix
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${1:-build/release/bin}")
cache=$bin/../matrix
limit=300  # seconds for the guest, which needs a minute; three where others keep the processors busy
mkdir -p "$cache" && cache=$(realpath "$cache") || exit 1

skip() {
  echo "matrix: $1"
  exit 77
}

# Prints the name of the package that linux-image-cloud-amd64 stands for.
kernel_package() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^  Depends: \(linux-image-6\.1\.[^ ]*-cloud-amd64\)$/\1/p' | head -n 1
}

# Downloads and unpacks a package as $cache/PACKAGE, whole or not at all.
unpack() {
  rm -rf "$cache/fetch" && mkdir -p "$cache/fetch/root" &&
    (cd "$cache/fetch" && apt-get download -qq "$1" && dpkg-deb -x ./*.deb root) >&2 && mv "$cache/fetch/root" "$cache/$1"
  local status=$?
  rm -rf "$cache/fetch"
  return $status
}

# Prints where the newest kernel of the archive is unpacked. Lists of packages may be missing or so old that
# the archive has moved on; what was fetched once serves without a network too.
fetch_kernel() {
  local package attempt
  for attempt in first second; do
    [ $attempt = first ] || [ "$(id -u)" -ne 0 ] || apt-get update -qq >&2
    package=$(kernel_package)
    if [ -n "$package" ] && { [ -d "$cache/$package" ] || unpack "$package"; }; then
      echo "$cache/$package"
      return 0
    fi
  done
  find "$cache" -maxdepth 1 -name 'linux-image-6.1*' | sort -V | tail -n 1 | grep .
}

# Copies a module to the image after those that it depends on; modules/order is the order of loading.
add_module() {
  local name=$1 file dependency
  file=$(find "$kernel/lib/modules" -name "$name.ko" -o -name "${name//_/-}.ko" | head -n 1)
  [ -n "$file" ] || { echo "matrix: the kernel has no module $name" >&2; return 1; }
  for dependency in $(busybox strings "$file" | sed -n 's/^depends=//p' | tr , ' '); do
    add_module "$dependency" || return 1
  done
  if ! grep -qsx "${file##*/}" "$image/modules/order"; then
    cp "$file" "$image/modules/" && echo "${file##*/}" >>"$image/modules/order"
  fi
}

# Copies a program and its libraries; the loader's own path is the only one that matters.
add_program() {
  cp -L "$1" "$image/bin/" || return 1
  ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | xargs -r cp -Lnt "$image/lib" &&
    ldd "$1" | sed -n 's/^\t\(\/lib64\/[^ ]*\) .*/\1/p' | xargs -r cp -Lnt "$image/lib64"
}

make_image() {
  mkdir -p "$image"/{bin,lib,lib64,proc,sys,dev,run,tmp,modules} &&
    cp "$(command -v busybox)" "$image/bin/busybox" && cp tools/matrix/init "$image/init" && chmod 755 "$image/init" &&
    for module in veth sch_ingress cls_bpf sch_netem; do add_module "$module" || return 1; done &&
    for program in "$bin/netpol-loader" "$bin/matrix-probe" "$bin/matrix-stream" "$(command -v ip)" "$(command -v tc)"; do add_program "$program" || return 1; done &&
    python3 tools/matrix/cases.py "$bin/netpolc" testdata "$image/cases" &&
    (cd "$image" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/initramfs"
}

# What the guest said, against what each case was for. Prints what is wrong with it.
judge() {
  local name expected problems=0
  while read -r name expected; do
    case $expected in
      ok) grep -q "^ok $name:" "$work/console" && continue ;;
      fail) grep -q "^FAIL $name:" "$work/console" && continue ;;
    esac
    problems=$((problems + 1))
    echo "matrix: $name should have ended with $expected:"
    grep -E "^(ok|FAIL|  )[ ]*$name:" "$work/console" || echo "  it is not in the guest's report"
  done <"$image/cases/names"
  grep -E '^FAIL (kernel|module)' "$work/console" && problems=$((problems + 1))
  # A refusal has to be the verifier's, and a wrong verdict the packets'.
  grep -q '^  spoiled-program:.*R0 !read_ok' "$work/console" || { echo 'matrix: the verifier said nothing of the spoiled program'; problems=$((problems + 1)); }
  grep -q '^FAIL spoiled-answers: packets' "$work/console" || { echo 'matrix: the spoiled answers were not noticed'; problems=$((problems + 1)); }
  grep -q '^FAIL spoiled-rough: streams' "$work/console" || { echo 'matrix: the spoiled streams were not noticed'; problems=$((problems + 1)); }
  if grep -qs -e --xdp "$image"/cases/*/load && ! grep -q '^ok .*XDP' "$work/console"; then
    echo 'matrix: the program for external devices was attached nowhere'
    problems=$((problems + 1))
  fi
  grep -q '^done' "$work/console" || { echo "matrix: the guest did not come to its end"; problems=$((problems + 1)); }
  [ $problems -eq 0 ]
}

for program in qemu-system-x86_64 busybox; do
  command -v "$program" >/dev/null || skip "$program is missing; tools/setup.sh installs it"
done
kernel=$(fetch_kernel) || skip "the archive has no linux-image-cloud-amd64 of 6.1, or can't be reached"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
image=$work/image
make_image || { echo "matrix: can't make the guest's file system"; exit 1; }
began=$SECONDS
timeout --kill-after=5 "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 512 -nodefaults -no-reboot \
  -display none -serial stdio -kernel "$kernel"/boot/vmlinuz-* -initrd "$work/initramfs" \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nokaslr tsc=reliable" </dev/null 2>&1 | tr -d '\r' >"$work/console"
status=${PIPESTATUS[0]}
if ! judge; then
  echo "matrix: qemu ended with $status after $((SECONDS - began)) s; the end of its console:"
  tail -n 30 "$work/console"
  exit 1
fi
[ -z "${NETPOLC_MATRIX_VERBOSE:-}" ] || cat "$work/console"
echo "$(grep -c ' ok$' "$image/cases/names") policies loaded by $(sed -n 's/^kernel //p' "$work/console"), $(sed -n 's/^ok .* of \([0-9]*\) packets as expected.*/\1/p' "$work/console" | paste -sd+ | busybox bc) packets as expected, $(sed -n 's/^ok rough: .*, \(.* streams.*\), from.*/\1/p' "$work/console"), 3 spoiled ones noticed, in $((SECONDS - began)) s"
