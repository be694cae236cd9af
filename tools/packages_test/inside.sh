#!/usr/bin/env bash
# Of packages_test.sh, where the packages are installed: everything is where those who use it look.
set -euo pipefail
fail() { echo "FAIL $*"; exit 1; }
# has TEXT COMMAND…: what the command prints begins a line with TEXT
has() {
  local text=$1 said
  shift
  said=$("$@" 2>&1) || fail "$*: $said"
  grep -q "^$text" <<<"$said" || fail "$*: no line begins with $text:"$'\n'"$said"
}

version=$(dpkg-query --show --showformat='${Version}' netpolc)
has "netpolc $version," netpolc --version
has "netpol-loader $version$" netpol-loader --version
has "netpol-cni $version$" /usr/lib/cni/netpol-cni --version
has "ALLOWED" netpolc verify -f article --from production/frontend --to production/backend --port 8080/TCP
has "Usage: kubectl netpolc verify" kubectl-netpolc verify --help  # as kubectl calls it
netpolc compile -f article -o bundle >/dev/null 2>&1 || fail "netpolc compile"
status=0
netpol-loader load bundle --attach nobody/none=lo >/dev/null 2>&1 || status=$?
[ $status -eq 2 ] || fail "netpol-loader load of nobody: exit $status"

for page in netpolc netpolc-verify netpolc-verify-never kubectl-netpolc netpol-loader; do
  mandoc -T lint -W error "$(man --where $page)" || fail "the manual page $page"
  has "NAME" man $page
done
ls /lib/systemd/system/netpolc-loader.service /usr/lib/systemd/system/netpolc-loader.service 2>/dev/null | grep -q . || fail "the daemon has no unit"
# The loader's page is written by hand: the options it has are those that there are.
commands=(load check recover rollback commit status "policy get" metrics "endpoint list" "endpoint get" "endpoint add" "endpoint remove" monitor unload "address add" "address remove" "address list" "identity list" "connectivity test" run "")
documented=$(zcat "$(man --where netpol-loader)" | sed 's/\\-/-/g' | grep '^\.B' | grep -o -- '--[a-z-]*[a-z]' | sort -u)
known=$(for command in "${commands[@]}"; do netpol-loader $command --help; done | grep -o -- '^  *\(-.,\)\?--[a-z-]*' | grep -o -- '--.*' | sort -u)
[ "$documented" = "$known" ] || fail "options of netpol-loader, in its page and in its help:"$'\n'"$(diff <(echo "$documented") <(echo "$known"))"
grep -q "netpolc $version" <(zcat "$(man --where netpol-loader)") || fail "the loader's page is of another version"

# Each shell finds the script by itself.
has "complete -F _netpolc netpolc" bash --norc -c '. /usr/share/bash-completion/bash_completion; _completion_loader netpolc; complete -p netpolc'
has "_netpolc" zsh -f -c 'autoload -U compinit; compinit -u -D; print -r -- $_comps[netpolc]'
has "verify" fish -c 'complete -C "netpolc verif"'
for name in $(netpolc schema); do
  cmp <(netpolc schema "$name") "/usr/share/netpolc/schema/$name.json" || fail "schema $name"
done
