#include "ir/decide/condition_tree.h"

#include <algorithm>

#include "ir/identity/cidr_label.h"
#include "ir/identity/fqdn.h"

namespace netpolc::ir {
namespace {

bool negative(Operator op) { return op == Operator::NotIn || op == Operator::DoesNotExist; }

struct Holds {
  const ConditionSubject& subject;

  bool operator()(const Combination& all) const {
    const auto part_holds = [&](const ConditionPtr& part) { return holds(*part, subject); };
    switch (all.kind) {
      case Combination::Kind::All: return std::all_of(all.parts.begin(), all.parts.end(), part_holds);
      case Combination::Kind::Any: return std::any_of(all.parts.begin(), all.parts.end(), part_holds);
      case Combination::Kind::None: return std::none_of(all.parts.begin(), all.parts.end(), part_holds);
    }
    return false;
  }
  bool operator()(const Selector& selector) const {
    return std::all_of(selector.requirements.begin(), selector.requirements.end(), [&](const Requirement& r) { return subject.meets(r); });
  }
  bool operator()(const InsidePrefix& inside) const { return subject.inside(inside.prefix); }
  bool operator()(const FqdnPeer& name) const {
    const Label label = fqdn_label(name);
    return subject.has_label(label.source, label.key);
  }
  bool operator()(const NamedPort& port) const { return subject.has_port(port); }
};

template <class Visit>
void each_leaf(const ConditionTree& tree, const Visit& visit) {
  if (const auto* combined = std::get_if<Combination>(&tree.is)) {
    for (const ConditionPtr& part : combined->parts) each_leaf(*part, visit);
  } else {
    visit(tree);
  }
}

}  // namespace

ConditionPtr condition(Selector selector) { return std::make_shared<const ConditionTree>(ConditionTree{std::move(selector)}); }
ConditionPtr condition(InsidePrefix inside) { return std::make_shared<const ConditionTree>(ConditionTree{inside}); }
ConditionPtr condition(FqdnPeer name) { return std::make_shared<const ConditionTree>(ConditionTree{std::move(name)}); }
ConditionPtr condition(NamedPort port) { return std::make_shared<const ConditionTree>(ConditionTree{std::move(port)}); }
ConditionPtr combination(Combination::Kind kind, std::vector<ConditionPtr> parts) {
  return std::make_shared<const ConditionTree>(ConditionTree{Combination{kind, std::move(parts)}});
}

ConditionSubject::ConditionSubject(const LabelSet& labels, const std::vector<NamedPort>* ports) : labels_(labels), ports_(ports) {
  for (const Label& label : labels)
    if (label.source == cidr_source)
      if (const auto prefix = parse_cidr_key(label.key)) prefixes_.push_back(*prefix);
}

bool ConditionSubject::inside(const IpPrefix& prefix) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const IpPrefix& own) { return prefix.contains(own); });
}

bool ConditionSubject::has_label(std::string_view source, std::string_view key) const {
  return std::any_of(labels_.begin(), labels_.end(), [&](const Label& label) { return label.source == source && label.key == key; });
}

// A name with two numbers is none (semantics reference, section 5.9).
bool ConditionSubject::has_port(const NamedPort& port) const {
  if (ports_ == nullptr) return false;
  bool found = false;
  for (const NamedPort& own : *ports_) {
    if (own.name != port.name || own.protocol != port.protocol) continue;
    if (own != port) return false;
    found = true;
  }
  return found;
}

bool ConditionSubject::meets(const Requirement& requirement) const {
  const bool by_value = requirement.op == Operator::In || requirement.op == Operator::NotIn;
  const auto valued = [&](const std::string& value) {
    return !by_value || std::find(requirement.values.begin(), requirement.values.end(), value) != requirement.values.end();
  };
  bool found = false;
  if (requirement.source == cidr_source) {  // by containment; such labels have no value
    const auto prefix = parse_cidr_key(requirement.key);
    found = prefix && inside(*prefix) && valued("");
  } else {
    found = std::any_of(labels_.begin(), labels_.end(), [&](const Label& label) {
      return label.key == requirement.key && (requirement.source == "any" || requirement.source == label.source) && valued(label.value);
    });
  }
  return found != negative(requirement.op);
}

bool holds(const ConditionTree& tree, const ConditionSubject& subject) { return std::visit(Holds{subject}, tree.is); }

void collect_names(const ConditionTree& tree, std::vector<FqdnPeer>& out) {
  each_leaf(tree, [&](const ConditionTree& leaf) {
    if (const auto* name = std::get_if<FqdnPeer>(&leaf.is)) out.push_back(*name);
  });
}

bool asks_for_addresses(const ConditionTree& tree) {
  bool asks = false;
  each_leaf(tree, [&](const ConditionTree& leaf) {
    asks |= std::holds_alternative<InsidePrefix>(leaf.is) || std::holds_alternative<FqdnPeer>(leaf.is);
    if (const auto* selector = std::get_if<Selector>(&leaf.is))
      for (const Requirement& r : selector->requirements) asks |= r.source == cidr_source || r.source == "fqdn" || r.source == "cidrgroup";
  });
  return asks;
}

}  // namespace netpolc::ir
