// ir/eval/candidates.h — the entries of the policy map that a flow meets, and which of them
// decides the redirect and the authentication (semantics reference 5.4, 5.7).
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "ir/eval/resolve.h"

namespace netpolc::ir::eval {

class Candidates {
 public:
  // `everyone`: under the wildcard identity, else under the peer's own.
  void add(bool everyone, int key_bits, Redirect redirect, AuthMode auth);
  bool empty() const { return entries_[0].empty() && entries_[1].empty(); }

  struct Choice {
    Redirect redirect;
    AuthMode auth = AuthMode::Unset;  // Required, AlwaysFail or Unset
  };
  Choice choose(CiliumVersion version) const;  // precondition: !empty()

 private:
  struct Entry {
    int key_bits = 0;
    Redirect redirect;
    AuthMode auth = AuthMode::Unset;  // explicit
  };
  using Entries = std::vector<Entry>;  // by key_bits, ascending
  static const Entry* strongest(const Entries& entries);
  static AuthMode auth_of(const Entries& entries, const Entry& entry);
  Choice choose_first_hit() const;
  std::array<Entries, 2> entries_;  // [0]: the peer's, [1]: everyone's
};

}  // namespace netpolc::ir::eval
