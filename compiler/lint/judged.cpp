#include "compiler/lint/judged.h"

namespace netpolc::lint {

std::optional<ir::RuleRef> Judged::One::among_all(ir::RuleRef ref) const {
  if (ref.policy >= from.size()) return std::nullopt;
  return ir::RuleRef{from[ref.policy], ref.rule};
}

const Judged::One& Judged::at(std::size_t position) {
  const auto [entry, fresh] = all_.try_emplace(position);
  One& one = entry->second;
  if (!fresh) return one;
  const ir::Endpoint& subject = facts_.cluster().endpoints[facts_.endpoints_at(position).front()];
  for (std::uint32_t p = 0; p < facts_.policies().size(); ++p) {
    if (!facts_.subjects(p).test(position)) continue;
    one.policies.policies.push_back(facts_.policies()[p]);
    one.from.push_back(p);
  }
  const ir::eval::World world{one.policies, facts_.cluster(), facts_.world().resolutions};
  one.policy = std::make_unique<ir::eval::SubjectPolicy>(world, ir::Subject{subject.labels, subject.ns, subject.named_ports, false});
  return one;
}

}  // namespace netpolc::lint
