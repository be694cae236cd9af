#include "compiler/assertions/universal.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/answers.h"
#include "compiler/claim_command.h"
#include "compiler/claim_text.h"

namespace netpolc::compiler::assertions {

using verify::End;
using verify::EndKind;
using verify::EndSet;

namespace {

void append(EndSet& all, const EndSet& more) {
  all.pods.insert(all.pods.end(), more.pods.begin(), more.pods.end());
  all.ends.insert(all.ends.end(), more.ends.begin(), more.ends.end());
  all.prefixes.insert(all.prefixes.end(), more.prefixes.begin(), more.prefixes.end());
}

bool has_pods(const EndSet& set) {
  return !set.pods.empty() || std::any_of(set.ends.begin(), set.ends.end(), [](const End& end) { return end.kind == EndKind::Endpoint; });
}

bool is_outside(const EndSet& set) {
  return set.pods.empty() && !set.ends.empty() && std::all_of(set.ends.begin(), set.ends.end(), [](const End& end) { return end.kind == EndKind::Address; });
}

std::string key_of(const std::vector<verify::FlowRange>& traffic) {
  std::set<std::string> all;
  for (const auto& range : traffic) all.insert(verify::to_string(range));
  std::string out;
  for (const auto& one : all) out += one + " ";
  return out;
}

// Some end may be in both. Names are taken to share no address, with each other and with prefixes.
bool overlap(const EndSet& a, const EndSet& b) {
  if (!a.pods.empty() && !b.pods.empty()) return true;
  for (const End& one : a.ends)
    for (const End& other : b.ends) {
      if (one.kind != other.kind || !one.dns_name.empty() || !other.dns_name.empty()) continue;
      if (one.kind == EndKind::Address ? one.address == other.address : one.kind == EndKind::Reserved ? one.labels == other.labels : one.index == other.index) return true;
    }
  return false;
}

// By names that the search leaves out one by one.
std::string join_names(const std::vector<Reference>& references) {
  std::string out;
  for (const Reference& one : references) out += (out.empty() ? "" : ", ") + one.text;
  return out;
}

std::string shown(const verify::Witness& witness) { return witness.from + " → " + witness.to + " " + flow_text(witness.flow); }

}  // namespace

Universal::Universal(const Session& session, const ir::eval::World& world, verify::Judge& judge, verify::SolverBudget budget)
    : session_(session), world_(world), judge_(judge), filter_(session.loaded.cluster.config), claims_(world, judge, [this](const std::string& key) { return filter_.keeps({"k8s", key, ""}); }, budget) {}

// ---- who is meant -------------------------------------------------------------------------------------

// Everybody of today: what `any` is to claims, with the pods that there are in the place of those that could be.
EndSet Universal::everybody(const std::vector<IpPrefix>& cuts) const {
  EndSet out = *claims_.ends("any", cuts);
  out.pods.clear();
  for (std::uint32_t e = 0; e < world_.cluster.endpoints.size(); ++e)
    if (const auto& one = world_.cluster.endpoints[e]; !one.remote && !one.host_network) out.ends.push_back(judge_.directory().endpoint_end(e, std::nullopt));
  return out;
}

tl::expected<EndSet, verify::RefError> Universal::ends(const std::string& reference, const std::vector<IpPrefix>& cuts, bool symbolic) const {
  if (symbolic) return claims_.ends(reference, cuts);
  if (reference == "any") return everybody(cuts);
  if (reference.find('[') == std::string::npos) return claims_.ends(reference, cuts);
  auto found = judge_.directory().resolve(reference, std::nullopt);
  if (!found) return tl::unexpected(found.error());
  return EndSet{.name = reference, .pods = {}, .ends = std::move(*found), .prefixes = {}};
}

EndSet Universal::all_of(const std::vector<Reference>& references, const std::vector<IpPrefix>& cuts, bool symbolic, std::string& nobody) const {
  EndSet all;
  all.name = join_names(references);
  for (const Reference& reference : references) {
    auto one = ends(reference.text, cuts, symbolic);
    if (!one) {
      if (nobody.empty()) nobody = one.error().message;
      continue;
    }
    append(all, *one);
  }
  for (End& end : all.ends) end.flows.clear();
  return all;
}

Universal::Parts Universal::parts(const Test& test, const Target& target, const std::vector<verify::FlowRange>& traffic, const std::vector<IpPrefix>& cuts) const {
  Parts out;
  const std::string& reference = target.end.text;
  if (!reference.starts_with("svc:")) {
    auto all = ends(reference, cuts, test.symbolic);
    if (!all) return {{}, all.error().message};
    std::vector<verify::FlowRange> ranges = traffic;
    if (ranges.empty()) ranges.push_back({});
    out.all.push_back({std::move(*all), std::move(ranges)});
    return out;
  }
  std::map<std::string, Part> backends;
  std::vector<std::optional<ir::Flow>> asked;
  for (const verify::FlowRange& range : traffic) asked.push_back(range.protocol ? std::optional(ir::Flow{*range.protocol, range.first}) : std::nullopt);
  if (asked.empty()) asked.emplace_back();
  for (const auto& flow : asked) {
    const auto found = judge_.directory().resolve(reference, flow);
    if (!found) return {{}, found.error().message};
    for (End end : *found) {
      Part& part = backends[end.name];
      for (const ir::Flow& one : end.flows) part.traffic.push_back({one.protocol, one.number, one.number});
      end.flows.clear();
      if (part.ends.ends.empty()) part.ends = {.name = end.name, .pods = {}, .ends = {end}, .prefixes = end.address ? std::vector{IpPrefix::host(*end.address)} : std::vector<IpPrefix>{}};
    }
  }
  for (auto& [unused, part] : backends) out.all.push_back(std::move(part));
  return out;
}

// Parts that are reached by the same are one.
std::vector<Universal::Part> Universal::by_traffic(std::vector<Part> parts) const {
  std::vector<Part> out;
  for (Part& part : parts) {
    const auto alike = std::find_if(out.begin(), out.end(), [&](const Part& other) { return key_of(other.traffic) == key_of(part.traffic); });
    if (alike == out.end()) out.push_back(std::move(part));
    else append(alike->ends, part.ends);
  }
  return out;
}

// A pod's own node always reaches it unless the agent is told otherwise (semantics reference 4.5): what no policy can forbid, no test of
// everybody asks.
void Universal::leave_own_node_out(const Test& test, const std::string& from, const EndSet& to, EndSet& not_from) const {
  if (test.expect == Expect::Deny && from == "any" && world_.cluster.config.allow_localhost && has_pods(to)) not_from.ends.push_back({.kind = EndKind::Host, .name = "entity:host"});
}

// ---- asking ---------------------------------------------------------------------------------------------

// What all questions of a test have in common.
std::optional<verify::Inquiry> Universal::inquiry(const Test& test, std::string& nobody) const {
  verify::Inquiry out;
  out.name = "test";
  out.without = test.without;
  out.not_from = all_of(test.except_from, {}, test.symbolic, nobody);
  out.not_to = all_of(test.except_to, {}, test.symbolic, nobody);
  if (test.request.given()) {
    if (test.symbolic) out.request = *requests_of(test.request);
    else out.request = only(**request_of(test.request));
  }
  return nobody.empty() ? std::optional(std::move(out)) : std::nullopt;
}

Outcome Universal::reach(const Test& test, const Reference& from, const Target& to, const verify::FlowRange& range) {
  std::string nobody;
  auto common = inquiry(test, nobody);
  if (!common) return {Status::Vacuous, {{nobody}}};
  common->from = all_of({from}, common->not_from.prefixes, test.symbolic, nobody);
  Parts all = parts(test, to, {range}, common->not_to.prefixes);
  if (!all.nobody.empty() || !nobody.empty()) return {Status::Vacuous, {{nobody.empty() ? all.nobody : nobody}}};
  Outcome out;
  for (const Part& part : all.all)
    for (const verify::FlowRange& traffic : part.traffic) {
      verify::Inquiry one = *common;
      one.to = part.ends;
      one.traffic = traffic;
      leave_own_node_out(test, from.text, one.to, one.not_from);
      one.wanted = test.expect == Expect::Allow ? verify::Wanted::Denied : verify::Wanted::Allowed;
      Outcome judged_one = judged(test, one, claims_.look_for(one), std::string("expected ") + to_string(test.expect) + ", got " + (test.expect == Expect::Allow ? "DENIED" : "ALLOWED"));
      if (judged_one.scope.empty()) judged_one.scope = scope(test, one);
      if (test.expect == Expect::Allow && judged_one.status == Status::Passed) {
        // Which policies let it pass shows in one that does.
        one.wanted = verify::Wanted::Allowed;
        if (const auto example = claims_.look_for(one); const auto* found = std::get_if<verify::Found>(&example))
          for (const auto* side : {&found->witness.egress, &found->witness.ingress}) note_policies(side_of(*side), judged_one.policies);
      }
      worsen(out, std::move(judged_one));
    }
  return out;
}

Outcome Universal::nothing_else(const Test& test) {
  std::string nobody;
  auto common = inquiry(test, nobody);
  if (!common) return {Status::Vacuous, {{nobody}}};
  common->from = all_of(test.from, common->not_from.prefixes, test.symbolic, nobody);
  std::vector<IpPrefix> cuts = common->not_to.prefixes;
  for (const Target& target : test.to)
    if (const auto set = ends(target.end.text, {}, test.symbolic)) cuts.insert(cuts.end(), set->prefixes.begin(), set->prefixes.end());
  std::vector<Part> all;
  for (const Target& target : test.to) {
    Parts some = parts(test, target, target.traffic.empty() ? test.traffic : target.traffic, cuts);
    if (nobody.empty()) nobody = some.nobody;
    std::move(some.all.begin(), some.all.end(), std::back_inserter(all));
  }
  if (!nobody.empty()) return {Status::Vacuous, {{nobody}}};
  const std::vector<Part> groups = by_traffic(std::move(all));
  for (std::size_t a = 0; a < groups.size(); ++a)
    for (std::size_t b = a + 1; b < groups.size(); ++b)
      if (overlap(groups[a].ends, groups[b].ends)) return {Status::Undecided, {{"destinations with different ports overlap: which port is meant for both? Say those that are alike in one item"}}};

  verify::Inquiry others = *common;
  others.request.reset();
  bool outside = test.only == Only::Outside || test.only == Only::Alike;
  for (const Part& group : groups) {
    append(others.not_to, group.ends);
    outside = outside && (test.only == Only::Outside || is_outside(group.ends));
  }
  others.to = *ends(outside ? "entity:world" : "any", cuts, test.symbolic);
  std::vector<verify::Inquiry> questions{others};
  for (const Part& group : groups) {
    verify::Inquiry more = *common;
    more.to = group.ends;
    for (const Part& other : groups)
      if (&other != &group) append(more.not_to, other.ends);
    const bool all_traffic = std::any_of(group.traffic.begin(), group.traffic.end(), [](const auto& range) { return !range.protocol; });
    if (!all_traffic) {
      verify::Inquiry other_traffic = more;
      other_traffic.request.reset();
      other_traffic.not_traffic = group.traffic;
      questions.push_back(std::move(other_traffic));
    }
    if (!more.request) continue;
    for (const verify::FlowRange& range : group.traffic) {
      more.traffic = range;
      only_requests(more, questions);
    }
  }
  verify::Finding finding = verify::NoneFound{.because = {}, .possible = false, .left_out = {}};
  for (const verify::Inquiry& question : questions)
    if (join(finding, claims_.look_for(question))) break;
  Test denied = test;
  denied.expect = Expect::Deny;
  Outcome out = judged(denied, others, finding, "expected nothing else, got ALLOWED");
  out.scope = std::string("∀ other ") + (outside ? "addresses outside" : test.symbolic ? "ends that could be" : "ends") + " × every port and protocol";
  return out;
}

// ---- answers ----------------------------------------------------------------------------------------------

void Universal::witness(const verify::Witness& witness, std::vector<Detail>& out) const {
  if (witness.request) out.push_back({"request: " + to_text(*witness.request)});
  say("egress", side_of(witness.egress), session_.loaded.policies, out);
  say("ingress", side_of(witness.ingress), session_.loaded.policies, out);
  for (const std::string& more : witness.besides) out.push_back({"given: " + more});
}

Outcome Universal::judged(const Test& test, const verify::Inquiry&, const verify::Finding& finding, const std::string& head) {
  Outcome out;
  if (const auto* unknown = std::get_if<verify::NotKnown>(&finding)) return {Status::Undecided, {{unknown->why}}};
  if (const auto* found = std::get_if<verify::Found>(&finding)) {
    for (const auto* side : {&found->witness.egress, &found->witness.ingress}) note_policies(side_of(*side), out.policies);
    if (test.expect == Expect::Some) return out;
    out.status = Status::Failed;
    out.details.push_back({head + ": " + shown(found->witness)});
    witness(found->witness, out.details);
    return out;
  }
  const auto& none = std::get<verify::NoneFound>(finding);
  if (!none.possible) return {Status::Vacuous, {{why_impossible(none, "")}}};
  for (const verify::Forbids& one : none.because) out.policies.insert(one.rule.policy);
  for (const std::string& left_out : none.left_out) out.details.push_back({"but: " + left_out});
  if (test.expect != Expect::Some) return out;
  out.status = Status::Failed;
  out.details.insert(out.details.begin(), {"expected some, and all of it is DENIED"});
  for (const verify::Forbids& one : none.because)
    out.details.push_back({std::string(one.by_default ? "default deny, switched on by " : one.by_list ? "no such request is in the lists of " : "denied by ") + rule_name(one.rule, session_.loaded.policies), place_of(one.rule, session_.loaded.policies)});
  return out;
}

std::string Universal::scope(const Test& test, const verify::Inquiry& inquiry) const {
  const auto who = [&](const EndSet& set, const EndSet& excluded) -> std::string {
    if (!set.pods.empty()) return set.ends.empty() ? "pods that could be" : "ends that could be";
    if (set.name != "any") return set.name == "entity:world" ? "addresses outside" : set.name.starts_with("fqdn:") ? "addresses of " + set.name.substr(5) : "";
    std::size_t workloads = 0;
    for (const End& end : set.ends)
      workloads += end.kind == EndKind::Endpoint && std::none_of(excluded.ends.begin(), excluded.ends.end(), [&](const End& one) { return one.kind == end.kind && one.index == end.index; });
    return std::to_string(workloads) + " workloads, nodes, addresses outside";
  };
  std::string out;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) out += (out.empty() ? "∀ " : " × ") + part;
  };
  add(who(inquiry.from, inquiry.not_from));
  add(who(inquiry.to, inquiry.not_to));
  if (!inquiry.traffic.protocol || inquiry.traffic.first != inquiry.traffic.last) {
    std::string ranges;
    for (const verify::FlowRange& one : test.traffic) ranges += (ranges.empty() ? "" : ", ") + verify::to_string(one);
    add(test.traffic.size() > 1 ? ranges : verify::to_string(inquiry.traffic));
  }
  return test.expect == Expect::Some && !out.empty() ? "∃" + out.substr(std::string("∀").size()) : out;
}

}  // namespace netpolc::compiler::assertions
