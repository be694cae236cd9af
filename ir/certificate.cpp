#include "ir/certificate.h"

#include <cstdio>

namespace netpolc::ir {
namespace {

// With its length, so that no text can pass for two.
std::string quoted(const std::string& text) { return std::to_string(text.size()) + ":" + text; }

struct Text {
  std::string operator()(const Combination& combined) const {
    if (combined.parts.empty()) return combined.kind == Combination::Kind::Any ? "nobody" : "everyone";
    std::string out = combined.kind == Combination::Kind::All ? "all(" : combined.kind == Combination::Kind::Any ? "any(" : "none(";
    for (const ConditionPtr& part : combined.parts) out += std::visit(*this, part->is) + " ";
    return out + ")";
  }
  std::string operator()(const Selector& selector) const {
    std::string out = "labels(";
    for (const Requirement& r : selector.requirements) {
      out += quoted(r.source) + " " + quoted(r.key) + " " + std::to_string(static_cast<int>(r.op));
      for (const std::string& value : r.values) out += " " + quoted(value);
      out += ";";
    }
    return out + ")";
  }
  std::string operator()(const InsidePrefix& inside) const { return "inside " + inside.prefix.to_string(); }
  std::string operator()(const FqdnPeer& name) const { return name.match_name.empty() ? "pattern " + quoted(name.match_pattern) : "name " + quoted(name.match_name); }
  std::string operator()(const NamedPort& port) const {
    return "port " + quoted(port.name) + " " + std::to_string(static_cast<int>(port.protocol)) + " " + std::to_string(port.port);
  }
};

}  // namespace

std::string certified_text(const CertifiedRows& rows, std::size_t words) {
  std::string out = "words " + std::to_string(words) + "\n";
  for (const auto& [identity, bits] : rows) {
    out += std::to_string(identity);
    for (const std::uint64_t word : bits) {
      char text[20];
      std::snprintf(text, sizeof text, " 0x%016llx", static_cast<unsigned long long>(word));
      out += text;
    }
    out += "\n";
  }
  return out;
}

std::string certified_text(const CertifiedOutside& outside) {
  std::string out = std::string("services ") + (outside.services ? "1" : "0") + "\n";
  for (const std::string& address : outside.behind_services) {
    out += "behind ";
    for (const char byte : address) {
      char text[4];
      std::snprintf(text, sizeof text, "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      out += text;
    }
    out += "\n";
  }
  for (const auto& [digest, groups] : outside.programs) {
    if (groups.empty()) continue;
    out += "program " + digest + "\n";
    for (const DeniedGroup& group : groups) {
      out += "identities";
      for (const std::uint32_t identity : group.identities) out += " " + std::to_string(identity);
      out += std::string("\negress ") + (group.egress_denied ? "denied" : "open") + "\n";
      for (const DeniedRange& range : group.ranges)
        out += "denied " + std::to_string(static_cast<int>(range.protocol)) + " " + std::to_string(range.first) + " " + std::to_string(range.last) + (range.by_rule ? " rule\n" : " default\n");
    }
  }
  return out;
}

std::string certified_text(const std::vector<ConditionPtr>& selectors) {
  std::string out;
  for (const ConditionPtr& selector : selectors) out += (selector ? std::visit(Text{}, selector->is) : "everyone") + "\n";
  return out;
}

}  // namespace netpolc::ir
