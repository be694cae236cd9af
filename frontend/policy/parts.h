// frontend/policy/parts.h — the parts of a policy object, one function each: it validates,
// reports every fault to the judge, and returns what the part means. A returned value is only
// used when the judge has not failed.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "frontend/policy/object.h"
#include "ir/policy.h"

namespace netpolc::frontend::policy {

// ---- selector.cpp: semantics reference 2.3, 2.4 --------------------------------------------
// How keys are written: "[source:]key", or Kubernetes' own without sources, to which the agent
// adds a prefix that counts in the limits of their length.
enum class Keys { Cilium, Kubernetes, NamespaceLabels, CidrGroup };
ir::Selector read_selector(Judge& judge, const Value& at, Keys keys = Keys::Cilium);
// The endpointSelector. That of a CNP selects in the policy's namespace, whatever it says.
ir::Selector read_subject_selector(Judge& judge, const Value& at);
bool has_source(const ir::Selector& selector, std::string_view source);
void add_requirement(ir::Selector& selector, ir::Requirement requirement);
// Peers of a CNP, CCNP: namespace and cluster. `init_subject`: the endpointSelector names reserved:init.
void inject_peer(const Judge& judge, ir::Selector& selector, bool init_subject);
bool valid_label_value(std::string_view value);

// ---- peers.cpp: 1.4, 1.5, 1.9, 1.10 ----------------------------------------------------------
struct ElementContext {
  ir::Direction direction;
  ir::Action action;
  bool subject_is_node;
  bool init_subject;
};
void read_peers(Judge& judge, const Value& element, const ElementContext& context, ir::Rule& rule);
std::optional<IpPrefix> read_prefix(Judge& judge, const Value& at);
bool valid_group_name(std::string_view name);

// ---- ports.cpp: 1.6; icmp.cpp: 1.8; l7.cpp: 1.7 -----------------------------------------------
void read_ports(Judge& judge, const Value& element, const ElementContext& context, ir::Rule& rule);
std::optional<ir::PortMatch> parse_port(Judge& judge, const Value& at, std::string_view text);
std::optional<std::uint16_t> read_end_port(Judge& judge, const Value& item);
void set_end_port(Judge& judge, const Value& at, std::uint16_t end, ir::PortMatch& match);
std::vector<ir::PortMatch> read_icmp_fields(Judge& judge, const Value& item);
ir::L7 read_l7(Judge& judge, const Value& item, const ElementContext& context, const std::vector<ir::PortMatch>& ports);
bool is_dns_name(std::string_view text, bool pattern);
std::string dns_syntax(bool pattern);  // what is expected, for labels

}  // namespace netpolc::frontend::policy
