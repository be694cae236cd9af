// frontend/cluster/fields.h — reading fields of cluster objects. A missing or null field is
// absent (the API server prunes nulls); one of the wrong type is reported and then absent.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/yaml/document.h"
#include "ir/base/ip.h"
#include "ir/policy.h"

namespace netpolc::frontend {

class Fields {
 public:
  explicit Fields(DiagSink& sink) : sink_(sink) {}

  // `parent` may be null: the result is absent then.
  const Node* mapping(const Node* parent, std::string_view key) const;
  const std::vector<Node>& list(const Node* parent, std::string_view key) const;  // of anything
  std::vector<const Node*> objects(const Node* parent, std::string_view key) const;  // a list of mappings
  std::string text(const Node* parent, std::string_view key) const;
  std::optional<long long> integer(const Node* parent, std::string_view key) const;
  std::optional<bool> boolean(const Node* parent, std::string_view key) const;
  std::map<std::string, std::string> strings(const Node* parent, std::string_view key) const;

  std::optional<IpAddress> address(const Node& value, Severity severity = Severity::Error) const;
  // The address in a text field; absent if the field is missing, empty or malformed.
  std::optional<IpAddress> address(const Node* parent, std::string_view key, Severity severity = Severity::Error) const;
  std::optional<std::uint16_t> port(const Node* parent, std::string_view key) const;  // 1 to 65535
  // TCP if missing; absent if it is none that Kubernetes knows.
  std::optional<ir::Protocol> protocol(const Node* parent, std::string_view key) const;

  DiagSink& sink() const { return sink_; }

 private:
  const Node* value(const Node* parent, std::string_view key) const;
  void wrong_type(const Node& found, std::string_view key, const char* expected) const;

  DiagSink& sink_;
};

}  // namespace netpolc::frontend
