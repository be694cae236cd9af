#include "frontend/cluster/fields.h"

#include <utility>

namespace netpolc::frontend {

const Node* Fields::value(const Node* parent, std::string_view key) const {
  const Node* found = parent == nullptr ? nullptr : parent->find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

void Fields::wrong_type(const Node& found, std::string_view key, const char* expected) const {
  sink_.error({.kind = DiagKind::ClusterFieldType,
               .where = found.span,
               .message = "`" + std::string(key) + "` is not " + expected,
               .label = std::string("expected ") + expected});
}

const Node* Fields::mapping(const Node* parent, std::string_view key) const {
  const Node* found = value(parent, key);
  if (found == nullptr || found->is_mapping()) return found;
  wrong_type(*found, key, "a mapping");
  return nullptr;
}

const std::vector<Node>& Fields::list(const Node* parent, std::string_view key) const {
  static const std::vector<Node> none;
  const Node* found = value(parent, key);
  if (found == nullptr) return none;
  if (found->is_sequence()) return found->items;
  wrong_type(*found, key, "a list");
  return none;
}

std::vector<const Node*> Fields::objects(const Node* parent, std::string_view key) const {
  std::vector<const Node*> out;
  for (const Node& item : list(parent, key)) {
    if (item.is_mapping()) {
      out.push_back(&item);
    } else {
      wrong_type(item, key, "a list of mappings");
    }
  }
  return out;
}

std::string Fields::text(const Node* parent, std::string_view key) const {
  const Node* found = value(parent, key);
  if (found == nullptr) return {};
  if (found->is_string()) return found->text;
  wrong_type(*found, key, "a string");
  return {};
}

std::optional<long long> Fields::integer(const Node* parent, std::string_view key) const {
  const Node* found = value(parent, key);
  if (found == nullptr) return std::nullopt;
  if (found->is_integer()) {
    if (const auto number = found->integer_value()) return number;
  }
  wrong_type(*found, key, "an integer");
  return std::nullopt;
}

std::optional<bool> Fields::boolean(const Node* parent, std::string_view key) const {
  const Node* found = value(parent, key);
  if (found == nullptr) return std::nullopt;
  if (found->is_bool()) return found->bool_value();
  wrong_type(*found, key, "true or false");
  return std::nullopt;
}

std::map<std::string, std::string> Fields::strings(const Node* parent, std::string_view key) const {
  std::map<std::string, std::string> out;
  const Node* found = mapping(parent, key);
  if (found == nullptr) return out;
  for (const auto& [name, entry] : found->entries) {
    if (entry.is_null()) {
      out[name.text];  // an empty string once decoded
    } else if (entry.is_string()) {
      out[name.text] = entry.text;
    } else {
      wrong_type(entry, name.text, "a string");
    }
  }
  return out;
}

std::optional<IpAddress> Fields::address(const Node& node, Severity severity) const {
  if (!node.is_string()) {
    wrong_type(node, "address", "a string");
    return std::nullopt;
  }
  if (auto parsed = IpAddress::parse(node.text)) return parsed;
  Diagnostic bad{.kind = DiagKind::ClusterAddress,
                 .where = node.span,
                 .message = "`" + node.text + "` is not an IP address",
                 .severity = severity};
  if (severity == Severity::Error) {
    sink_.error(std::move(bad));
  } else {
    bad.label = "ignored";
    sink_.warning(std::move(bad));
  }
  return std::nullopt;
}

std::optional<IpAddress> Fields::address(const Node* parent, std::string_view key, Severity severity) const {
  const Node* found = value(parent, key);
  if (found == nullptr || (found->is_scalar() && found->text.empty())) return std::nullopt;
  return address(*found, severity);
}

std::optional<std::uint16_t> Fields::port(const Node* parent, std::string_view key) const {
  const auto number = integer(parent, key);
  if (!number) return std::nullopt;
  if (*number >= 1 && *number <= 65535) return static_cast<std::uint16_t>(*number);
  sink_.error({.kind = DiagKind::ClusterPort,
               .where = value(parent, key)->span,
               .message = "port " + std::to_string(*number) + " is out of range",
               .label = "ports are 1 to 65535"});
  return std::nullopt;
}

std::optional<ir::Protocol> Fields::protocol(const Node* parent, std::string_view key) const {
  const std::string name = text(parent, key);
  if (name.empty() || name == "TCP") return ir::Protocol::Tcp;
  if (name == "UDP") return ir::Protocol::Udp;
  if (name == "SCTP") return ir::Protocol::Sctp;
  sink_.error({.kind = DiagKind::ClusterProtocol,
               .where = value(parent, key)->span,
               .message = "unknown protocol `" + name + "`",
               .label = "expected `TCP`, `UDP` or `SCTP`"});
  return std::nullopt;
}

}  // namespace netpolc::frontend
