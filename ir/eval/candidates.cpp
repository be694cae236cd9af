#include "ir/eval/candidates.h"

#include <algorithm>
#include <cassert>

namespace netpolc::ir::eval {
namespace {

int strength(AuthMode mode) {
  switch (mode) {
    case AuthMode::Unset:
    case AuthMode::Disabled: return 0;
    case AuthMode::Required: return 1;
    case AuthMode::AlwaysFail: return 2;
  }
  return 0;
}

AuthMode asked(AuthMode mode) { return strength(mode) == 0 ? AuthMode::Unset : mode; }

// Explicit beats none, then the numerically larger (section 5.5).
AuthMode stronger(AuthMode a, AuthMode b) {
  if (a == AuthMode::Unset) return b;
  if (b == AuthMode::Unset) return a;
  return strength(b) > strength(a) ? b : a;
}

}  // namespace

void Candidates::add(bool everyone, int key_bits, Redirect redirect, AuthMode auth) {
  Entries& entries = entries_[everyone ? 1 : 0];
  auto at = std::lower_bound(entries.begin(), entries.end(), key_bits,
                             [](const Entry& e, int bits) { return e.key_bits < bits; });
  if (at == entries.end() || at->key_bits != key_bits) {
    entries.insert(at, Entry{key_bits, redirect, auth});
    return;
  }
  if (redirect.rank > at->redirect.rank) at->redirect = redirect;
  at->auth = stronger(at->auth, auth);
}

// A wider entry of higher precedence removes narrower ones: the longest of the highest is left.
const Candidates::Entry* Candidates::strongest(const Entries& entries) {
  const Entry* best = nullptr;
  for (const Entry& entry : entries) {
    if (!best || entry.redirect.rank >= best->redirect.rank) best = &entry;
  }
  return best;
}

// Its own, else that of the most specific covering entry of the same identity.
AuthMode Candidates::auth_of(const Entries& entries, const Entry& entry) {
  AuthMode out = AuthMode::Unset;
  for (const Entry& wider : entries) {
    if (wider.key_bits <= entry.key_bits && wider.auth != AuthMode::Unset) out = wider.auth;
  }
  return out;
}

Candidates::Choice Candidates::choose(CiliumVersion version) const {
  if (version < 17) return choose_first_hit();
  const Entry* peer = strongest(entries_[0]);
  const Entry* everyone = strongest(entries_[1]);
  assert(peer != nullptr || everyone != nullptr);  // asked only where something allows
  const auto weight = [](const Entry& e) { return std::pair(e.redirect.rank, e.key_bits); };
  const bool wildcard = !peer || (everyone && weight(*everyone) > weight(*peer));
  const Entry& chosen = wildcard ? *everyone : *peer;
  const Entry* other = wildcard ? peer : everyone;
  AuthMode auth = auth_of(entries_[wildcard ? 1 : 0], chosen);
  if (chosen.auth == AuthMode::Unset && other && other->redirect.rank == chosen.redirect.rank) {
    auth = stronger(auth, auth_of(entries_[wildcard ? 0 : 1], *other));
  }
  return {chosen.redirect, asked(auth)};
}

// 1.16 takes the first hit: by port, by protocol, by peer alone; the peer's own entry first.
Candidates::Choice Candidates::choose_first_hit() const {
  for (int least : {9, 8, 0}) {
    for (const Entries& entries : entries_) {
      if (entries.empty() || entries.back().key_bits < least) continue;
      const Entry* hit = nullptr;
      for (const Entry& entry : entries) {
        if (entry.key_bits >= least) hit = &entry;
      }
      assert(hit != nullptr);  // the narrowest entry is narrow enough
      return {hit->redirect, asked(auth_of(entries, *hit))};
    }
  }
  return {};
}

}  // namespace netpolc::ir::eval
