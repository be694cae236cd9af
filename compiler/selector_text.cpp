#include "compiler/selector_text.h"

#include <nlohmann/json.hpp>

#include "ir/identity/cidr_label.h"
#include "ir/identity/fqdn.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;
using Kind = ir::Combination::Kind;

template <typename Meaning>
Meaning word(const Json& text, std::initializer_list<std::pair<const char*, Meaning>> words) {
  for (const auto& [name, meaning] : words)
    if (text == name) return meaning;
  throw BadSelector{text.dump() + " is no word of a selector"};
}

ir::Requirement requirement(const Json& text) {
  using ir::Operator;
  ir::Requirement out{text.at(0), text.at(1), word<Operator>(text.at(2), {{"in", Operator::In}, {"notIn", Operator::NotIn}, {"exists", Operator::Exists}, {"absent", Operator::DoesNotExist}}), {}};
  for (std::size_t v = 3; v < text.size(); ++v) out.values.push_back(text[v]);
  return out;
}

// A label for each requirement and leaf, so that it is met.
void collect(const ir::ConditionTree& tree, std::vector<ir::Label>& out) {
  if (const auto* combined = std::get_if<ir::Combination>(&tree.is))
    for (const ir::ConditionPtr& part : combined->parts) collect(*part, out);
  if (const auto* selector = std::get_if<ir::Selector>(&tree.is))
    for (const ir::Requirement& r : selector->requirements) {
      out.push_back({r.source == "any" ? "k8s" : r.source, r.key, ""});
      for (const std::string& value : r.values) out.push_back({out.back().source, r.key, value});
    }
  if (const auto* inside = std::get_if<ir::InsidePrefix>(&tree.is)) out.push_back(ir::cidr_label(inside->prefix));
  if (const auto* name = std::get_if<ir::FqdnPeer>(&tree.is)) out.push_back(ir::fqdn_label(*name));
}

}  // namespace

ir::ConditionPtr selector_of(const Json& text) {
  if (text.is_boolean()) return ir::combination(text.get<bool>() ? Kind::All : Kind::Any, {});
  if (!text.is_object() || text.size() != 1) throw BadSelector{text.dump() + " is no selector"};
  const std::string& key = text.begin().key();
  const Json& of = text.begin().value();
  if (key == "labels") {
    ir::Selector out;
    for (const Json& one : of) out.requirements.push_back(requirement(one));
    return ir::condition(std::move(out));
  }
  if (key == "name") return ir::condition(ir::FqdnPeer{of, ""});
  if (key == "pattern") return ir::condition(ir::FqdnPeer{"", of});
  if (key == "port") return ir::condition(ir::NamedPort{of.at(0), of.at(2), word<ir::Protocol>(of.at(1), {{"TCP", ir::Protocol::Tcp}, {"UDP", ir::Protocol::Udp}, {"SCTP", ir::Protocol::Sctp}})});
  if (key == "inside") {
    const auto prefix = IpPrefix::parse(of.get<std::string>());
    if (!prefix) throw BadSelector{of.dump() + " is no prefix"};
    return ir::condition(ir::InsidePrefix{*prefix});
  }
  std::vector<ir::ConditionPtr> parts;
  for (const Json& part : of) parts.push_back(selector_of(part));
  return ir::combination(word<Kind>(key, {{"all", Kind::All}, {"any", Kind::Any}, {"none", Kind::None}}), std::move(parts));
}

std::optional<std::string> told_apart(const ir::ConditionTree& one, const ir::ConditionTree& other) {
  std::vector<ir::Label> labels;
  collect(one, labels);
  collect(other, labels);
  ir::normalise(labels);
  std::vector<ir::LabelSet> peers = {{}, labels};
  for (const ir::Label& label : labels) peers.push_back({label});
  for (std::size_t left_out = 0; left_out < labels.size(); ++left_out) {
    peers.push_back(labels);
    peers.back().erase(peers.back().begin() + static_cast<std::ptrdiff_t>(left_out));
  }
  const auto differ = [&](const ir::LabelSet& peer) {
    const ir::ConditionSubject subject(peer);
    return ir::holds(one, subject) != ir::holds(other, subject);
  };
  for (ir::LabelSet& peer : peers) {
    if (!differ(peer)) continue;
    for (std::size_t l = peer.size(); l-- > 0;) {
      ir::LabelSet fewer = peer;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(l));
      if (differ(fewer)) peer = std::move(fewer);
    }
    std::string out;
    for (const ir::Label& label : peer) out += (out.empty() ? "" : ", ") + label.to_string();
    return out.empty() ? "a peer without labels" : out;
  }
  return std::nullopt;
}

}  // namespace netpolc::compiler
