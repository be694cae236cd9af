#include "tools/agreement/generate.h"

namespace netpolc::agreement {
namespace {

void write(const Json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  if ((value.is_object() || value.is_array()) && value.empty()) {
    out += value.is_object() ? " {}\n" : " []\n";
  } else if (value.is_object()) {
    out += "\n";
    for (const auto& [key, item] : value.items()) {
      out += margin + Json(key).dump() + ":";
      write(item, indent + 2, out);
    }
  } else if (value.is_array()) {
    out += "\n";
    for (const Json& item : value) {
      out += margin + "-";
      write(item, indent + 2, out);
    }
  } else {
    out += " " + value.dump() + "\n";
  }
}

}  // namespace

// Every key and text in quotes, as in JSON: nothing is mistaken for something else.
std::string to_yaml(const Json& value) {
  std::string out;
  write(value, 0, out);
  return out.substr(out.find_first_not_of('\n'));
}

judges::Scenario scenario_of(const PolicySetting& setting) {
  judges::Scenario out = setting.cluster;
  for (const Json& policy : setting.policies) out.policies.push_back(to_yaml(policy));
  return out;
}

}  // namespace netpolc::agreement
