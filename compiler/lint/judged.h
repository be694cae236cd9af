// compiler/lint/judged.h — what the interpreter says of endpoints, asked one by one: of each only the policies that select it
// are put together, once. Costs what these policies cost; rules ask for one endpoint of a kind, not for all.
#pragma once
#include <map>
#include <memory>

#include "compiler/lint/facts.h"

namespace netpolc::lint {

class Judged {
 public:
  explicit Judged(const Facts& facts) : facts_(facts) {}

  struct One {
    ir::PolicySet policies;           // those that select the subject
    std::vector<std::uint32_t> from;  // their numbers among all
    std::unique_ptr<ir::eval::SubjectPolicy> policy;
    // A rule of `policies`, as one of all policies; none for what no policy says.
    std::optional<ir::RuleRef> among_all(ir::RuleRef ref) const;
  };
  // Precondition: the identity at this position is that of an endpoint here.
  const One& at(std::size_t position);

 private:
  const Facts& facts_;
  std::map<std::size_t, One> all_;  // by the subject's position
};

}  // namespace netpolc::lint
