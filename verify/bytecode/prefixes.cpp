#include "verify/bytecode/prefixes.h"

#include <algorithm>
#include <set>
#include <vector>

#include "ir/identity/identities.h"

namespace netpolc::verify::bytecode {
namespace {

// Of an identity of which more is unknown than that it is of the world.
enum class Holds : std::uint8_t { No, Perhaps, Yes };

Holds negated(Holds one) { return one == Holds::Perhaps ? one : one == Holds::Yes ? Holds::No : Holds::Yes; }

// Labels that prefixes have beside that of the world; a requirement of any source may mean one of these.
bool of_prefixes(const std::string& source) { return source == "any" || source == "cidr" || source == "cidrgroup" || source == "fqdn"; }

class Prefix {
 public:
  explicit Prefix(const ir::LabelSet& world) : world_(world) {}

  Holds operator()(const ir::Combination& combined) const {
    const bool all = combined.kind == ir::Combination::Kind::All;
    Holds out = all ? Holds::Yes : Holds::No;
    for (const ir::ConditionPtr& part : combined.parts) out = all ? std::min(out, std::visit(*this, part->is)) : std::max(out, std::visit(*this, part->is));
    return combined.kind == ir::Combination::Kind::None ? negated(out) : out;
  }
  Holds operator()(const ir::Selector& selector) const {
    Holds out = Holds::Yes;
    for (const ir::Requirement& r : selector.requirements) out = std::min(out, meets(r));
    return out;
  }
  Holds operator()(const ir::InsidePrefix&) const { return Holds::Perhaps; }
  Holds operator()(const ir::FqdnPeer&) const { return Holds::Perhaps; }
  Holds operator()(const ir::NamedPort&) const { return Holds::No; }  // of pods alone

 private:
  Holds meets(const ir::Requirement& r) const {
    const bool by_value = r.op == ir::Operator::In || r.op == ir::Operator::NotIn;
    const bool has = std::any_of(world_.begin(), world_.end(), [&](const ir::Label& label) {
      return label.key == r.key && (r.source == "any" || r.source == label.source) && (!by_value || std::find(r.values.begin(), r.values.end(), label.value) != r.values.end());
    });
    const Holds found = has ? Holds::Yes : of_prefixes(r.source) ? Holds::Perhaps : Holds::No;
    return r.op == ir::Operator::NotIn || r.op == ir::Operator::DoesNotExist ? negated(found) : found;
  }

  const ir::LabelSet& world_;
};

}  // namespace

bool needs_prefixes(const ir::DirectionTable& table) {
  if (table.enforcement == ir::Enforcement::None) return false;
  std::set<std::uint32_t> used;
  for (const ir::L4Class& c : table.classes)
    for (const ir::TableEntry& entry : c.entries)
      if (entry.bit != 0) used.insert(entry.bit);
  // the world of one family, of either family
  for (const std::uint32_t id : {2u, 9u, 10u}) {
    const ir::LabelSet world = ir::reserved_labels(id);
    for (const std::uint32_t bit : used)
      if (const ir::ConditionPtr& condition = table.bits.at(bit).condition; !condition || std::visit(Prefix(world), condition->is) == Holds::Perhaps) return true;
  }
  return false;
}

}  // namespace netpolc::verify::bytecode
