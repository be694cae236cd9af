// verify/side_access.h — one direction of a decision table, read once: for every identity what
// it may send or receive. Identities with the same selector bits share one computation, and a
// set is computed from the entries of those bits only, whatever the size of the table.
#pragma once
#include <compare>
#include <vector>

#include "ir/decide/table.h"
#include "verify/access.h"

namespace netpolc::verify {

class SideAccess {
 public:
  // `policies`: what the table's rules refer to.
  SideAccess(const ir::DirectionTable& table, const ir::PolicySet& policies, AccessSets& sets);
  AccessId of(std::uint32_t identity) const;

  struct Named {
    std::uint32_t identity = 0;
    AccessId access = nothing;
    auto operator<=>(const Named&) const = default;
  };
  // Those that have another access than all the others; sorted.
  const std::vector<Named>& named() const { return named_; }
  AccessId others() const { return others_; }
  // Of one `sets`: whether they say the same of every identity.
  auto operator<=>(const SideAccess&) const = default;

 private:
  AccessId others_ = everything;  // identities that no bit knows
  std::vector<Named> named_;
};

// One flow for each range of numbers in which a table treats everyone alike, and its last number.
struct Stretch {
  ir::Flow first;
  std::uint16_t last = 0;
};
// Every protocol that has a name, in full, sorted.
std::vector<Stretch> stretches(const ir::DirectionTable& table);
// The same for whatever policy: cut at every number that a rule or a named port mentions.
std::vector<Stretch> stretches(const ir::PolicySet& policies, const ir::Cluster& cluster);

// The access of one peer where `judge` answers for each stretch.
template <class Judge>
AccessId judged_access(const std::vector<Stretch>& all, AccessSets& sets, Judge&& judge) {
  Access spans;
  for (const Stretch& stretch : all) {
    const auto marks = judge(stretch.first);
    if (marks) spans.push_back({stretch.first.protocol, stretch.first.number, stretch.last, *marks});
  }
  return sets.intern(spans);
}

// None: the traffic does not pass.
std::optional<MarksId> marks_of(const ir::SideVerdict& verdict, const ir::PolicySet& policies, AccessSets& sets);

}  // namespace netpolc::verify
