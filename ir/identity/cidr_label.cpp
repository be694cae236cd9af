#include "ir/identity/cidr_label.h"

#include <algorithm>

namespace netpolc::ir {

std::string cidr_key(const IpPrefix& prefix) {
  std::string text = prefix.to_string();
  if (!prefix.address.v6) return text;
  const auto slash = text.find('/');
  std::string address = text.substr(0, slash);
  std::replace(address.begin(), address.end(), ':', '-');
  if (address.front() == '-') address.insert(0, "0");
  if (address.back() == '-') address += '0';
  return address + text.substr(slash);
}

std::optional<IpPrefix> parse_cidr_key(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '-', ':');
  if (text.find('/') != std::string::npos) return IpPrefix::parse(text);
  const auto address = IpAddress::parse(text);
  return address ? std::optional(IpPrefix::host(*address)) : std::nullopt;
}

Label cidr_label(const IpPrefix& prefix) { return {std::string(cidr_source), cidr_key(prefix), ""}; }

Label cidr_group_label(const std::string& group) { return {"cidrgroup", std::string(cidr_group_name_key) + group, ""}; }

}  // namespace netpolc::ir
