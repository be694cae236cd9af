#include "ir/labels.h"

namespace netpolc::ir {
namespace {

std::string listed(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    if (!out.empty()) out += ", ";
    out += value.empty() ? "\"\"" : value;
  }
  return "(" + out + ")";
}

std::string to_text(const Requirement& requirement) {
  const std::string key = requirement.source + ":" + requirement.key;
  switch (requirement.op) {
    case Operator::In:
      return key + " in " + listed(requirement.values);
    case Operator::NotIn:
      return key + " not in " + listed(requirement.values);
    case Operator::Exists:
      return key + " exists";
    case Operator::DoesNotExist:
      return key + " does not exist";
  }
  return key;
}

}  // namespace

std::string to_string(const Selector& selector) {
  if (selector.requirements.empty()) return "*";
  std::string out;
  for (const Requirement& requirement : selector.requirements) {
    if (!out.empty()) out += ", ";
    out += to_text(requirement);
  }
  return out;
}

}  // namespace netpolc::ir
