// compiler/lint/rule.h — one thing that lint looks for: its code, how grave it is, why anybody should care, and two examples.
// The examples are the rule's tests, too: the bad one must be found by this rule and no other, the good one by none.
//
// A finding is a `Diagnostic` whose severity is the rule's level, or a weaker one where less is known. Rules read the IR and the
// cluster through `Facts`, and ask it what selectors select: they have no semantics of their own.
#pragma once
#include <string_view>
#include <vector>

#include "compiler/lint/facts.h"
#include "ir/base/diagnostics.h"

namespace netpolc::lint {

// What the input must have for a rule to say anything.
enum class Needs : std::uint8_t { Policies, Workloads, Services };
const char* to_string(Needs needs);  // "workloads"

using Findings = std::vector<Diagnostic>;

// What examples need besides their text.
struct Setting {
  int version = 18;        // --cilium-version 1.18
  bool lax = false;        // --lax
  bool directory = false;  // read because their directory is, not by name
};

struct Rule {
  DiagKind kind;
  Severity level;  // the gravest that it says
  Needs needs;
  void (*find)(const Facts& facts, Findings& out);  // null: the reader says it while it reads
  std::string_view why;   // for `netpolc explain`: what happens, and what to write instead
  std::string_view bad, good;  // manifests, with the workloads that they need
  Setting setting = {};        // of the examples
  // The search asks the solver, and so may take long: only where it is asked for.
  bool proved = false;
};

// Sorted by code. One entry for each kind that can be a finding.
const std::vector<Rule>& rules();
const Rule* find_rule(DiagKind kind);
// "NP033" as written by a user; null where no finding has this code.
const Rule* find_rule(std::string_view code);

// Each file of rules/ gives its part of the table.
std::vector<Rule> default_deny_rules();
std::vector<Rule> entry_rules();
std::vector<Rule> cut_off_rules();
std::vector<Rule> node_rules();
std::vector<Rule> icmp_rules();
std::vector<Rule> route_rules();
std::vector<Rule> version_rules();
std::vector<Rule> cost_rules();
std::vector<Rule> proved_rules();
std::vector<Rule> address_rules();
std::vector<Rule> cidr_list_rules();
std::vector<Rule> selector_rules();
std::vector<Rule> host_network_rules();
std::vector<Rule> name_rules();
std::vector<Rule> changing_name_rules();
std::vector<Rule> port_rules();
std::vector<Rule> service_rules();
std::vector<Rule> l7_rules();
std::vector<Rule> request_rules();
std::vector<Rule> advisory_rules();
std::vector<Rule> reader_rules();
std::vector<Rule> reader_policy_rules();

}  // namespace netpolc::lint
