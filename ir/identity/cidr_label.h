// ir/identity/cidr_label.h — prefixes as label keys (semantics reference, section 2.1).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "ir/base/ip.h"
#include "ir/labels.h"

namespace netpolc::ir {

inline constexpr std::string_view cidr_source = "cidr";
inline constexpr std::string_view cidr_group_name_key = "io.cilium.policy.cidrgroupname/";

// "10.0.0.0/8"; for IPv6 `-` for `:`, with a 0 where the address begins or ends with one: "0--1/128".
std::string cidr_key(const IpPrefix& prefix);
std::optional<IpPrefix> parse_cidr_key(std::string_view key);
Label cidr_label(const IpPrefix& prefix);
Label cidr_group_label(const std::string& group);

}  // namespace netpolc::ir
