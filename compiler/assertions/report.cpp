#include "compiler/assertions/report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/exit_code.h"

namespace netpolc::compiler::assertions {

std::size_t Report::count(Status status) const {
  std::size_t out = 0;
  for (const Group& group : groups) out += static_cast<std::size_t>(std::count_if(group.tests.begin(), group.tests.end(), [&](const Done& done) { return done.outcome.status == status; }));
  return out;
}

bool Report::fails() const {
  return std::any_of(groups.begin(), groups.end(), [](const Group& group) { return std::any_of(group.tests.begin(), group.tests.end(), [](const Done& done) { return done.fails(); }); });
}

int Report::exit_code() const { return fails() ? kNegative : count(Status::Undecided) != 0 ? kUndecided : kGood; }

std::string words_of(const std::string& pack) {
  std::string out = pack.substr(pack.find('/') + 1);
  std::replace(out.begin(), out.end(), '-', ' ');
  return out;
}

std::string object_name(const ir::Policy& policy) { return policy.ns.empty() ? policy.name : policy.ns + "/" + policy.name; }

// An object may have several specs, which are policies each.
Coverage coverage(const Report& report, const ir::PolicySet& policies) {
  std::set<std::uint32_t> decided;
  for (const Group& group : report.groups)
    if (!group.built_in)
      for (const Done& done : group.tests) decided.insert(done.outcome.policies.begin(), done.outcome.policies.end());
  struct Object {
    std::uint32_t first = 0;
    bool covered = false;
  };
  std::map<std::tuple<ir::PolicyKind, std::string, std::string>, Object> objects;
  for (std::uint32_t p = 0; p < policies.policies.size(); ++p) {
    const ir::Policy& policy = policies.policies[p];
    Object& object = objects.try_emplace({policy.kind, policy.ns, policy.name}, Object{p, false}).first->second;
    object.covered |= decided.contains(p);
  }
  Coverage out{objects.size(), {}};
  for (const auto& [name, object] : objects)
    if (!object.covered) out.not_covered.push_back(object.first);
  return out;
}

}  // namespace netpolc::compiler::assertions
