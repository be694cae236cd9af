#include "codegen-bpf/selectors.h"

namespace netpolc::codegen_bpf {
namespace {

using Json = nlohmann::ordered_json;

const char* word(ir::Operator op) {
  switch (op) {
    case ir::Operator::In: return "in";
    case ir::Operator::NotIn: return "notIn";
    case ir::Operator::Exists: return "exists";
    case ir::Operator::DoesNotExist: return "absent";
  }
  return "";
}

// Named ports are TCP's, UDP's or SCTP's.
const char* word(ir::Protocol protocol) {
  if (protocol == ir::Protocol::Udp) return "UDP";
  return protocol == ir::Protocol::Sctp ? "SCTP" : "TCP";
}

const char* word(ir::Combination::Kind kind) {
  switch (kind) {
    case ir::Combination::Kind::All: return "all";
    case ir::Combination::Kind::Any: return "any";
    case ir::Combination::Kind::None: return "none";
  }
  return "";
}

struct ToJson {
  Json operator()(const ir::Combination& combined) const {
    if (combined.parts.empty()) return combined.kind != ir::Combination::Kind::Any;
    Json parts = Json::array();
    for (const ir::ConditionPtr& part : combined.parts) parts.push_back(std::visit(ToJson{}, part->is));
    return {{word(combined.kind), std::move(parts)}};
  }
  Json operator()(const ir::Selector& selector) const {
    Json all = Json::array();
    for (const ir::Requirement& r : selector.requirements) {
      Json one = Json::array({r.source, r.key, word(r.op)});
      for (const std::string& value : r.values) one.push_back(value);
      all.push_back(std::move(one));
    }
    return {{"labels", std::move(all)}};
  }
  Json operator()(const ir::InsidePrefix& inside) const { return {{"inside", inside.prefix.to_string()}}; }
  Json operator()(const ir::FqdnPeer& name) const {
    if (name.match_name.empty()) return {{"pattern", name.match_pattern}};
    return {{"name", name.match_name}};
  }
  Json operator()(const ir::NamedPort& port) const { return {{"port", Json::array({port.name, word(port.protocol), port.port})}}; }
};

}  // namespace

Json SelectorTable::numbers(const ir::DirectionTable& table) {
  Json out = Json::array();
  for (const ir::PeerBit& bit : table.bits) {
    const auto [known, fresh] = known_.try_emplace(bit.condition.get(), 0);
    if (fresh) {
      Json selector = bit.condition ? std::visit(ToJson{}, bit.condition->is) : Json(true);
      const auto [number, added] = numbers_.try_emplace(selector.dump(-1, ' ', false, Json::error_handler_t::replace), all_.size());
      if (added) all_.push_back(std::move(selector));
      known->second = number->second;
    }
    out.push_back(known->second);
  }
  return out;
}

}  // namespace netpolc::codegen_bpf
