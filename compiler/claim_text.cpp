#include "compiler/claim_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "compiler/answers.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/request_options.h"

namespace netpolc::compiler {

std::optional<verify::Side> side_of(const std::optional<verify::WitnessSide>& side) {
  if (!side) return std::nullopt;
  return verify::Side{side->subject, &side->verdict, nullptr, side->request};
}

std::string assumed_of_names(const ir::PolicySet& policies) {
  for (const ir::Policy& policy : policies.policies)
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers)
        if (std::holds_alternative<ir::FqdnPeer>(peer)) return "names of toFQDNs may resolve to any address outside, several to one";
  return "";
}

std::string why_impossible(const verify::NoneFound& none, const std::string& therefore) {
  if (none.nothing_enforced && none.request_possible)
    return "no policy is enforced for either end, as between a node and the world" + therefore + ": a claim needs a pod, or a node under the host firewall, at one of them";
  return none.request_possible ? "there can be no such ends or no such traffic" + therefore + ": look at labels and namespaces"
                               : "there can be no such request" + therefore + ": look at what it is asked to be, and at what is assumed";
}

namespace {

using verify::Found;
using verify::NoneFound;
using verify::NotKnown;

const char* word(const ClaimAnswer& answer) {
  if (std::holds_alternative<Found>(answer.finding)) return "REFUTED";
  if (std::holds_alternative<NotKnown>(answer.finding)) return "UNDECIDED";
  return std::get<NoneFound>(answer.finding).possible ? "PROVED" : "VACUOUS";
}

std::string traffic_text(const verify::FlowRange& traffic, const std::optional<verify::RequestRange>& request) {
  return to_string(traffic) + (request ? "   " + verify::to_string(*request) : "");
}

std::string claim_text(const ClaimAnswer& answer) {
  std::string out = answer.claim + "  ";
  if (!answer.from.empty()) out += answer.from + " → " + answer.to + "   ";
  if (!answer.by.empty()) out += "by " + answer.by + "   ";
  return out + traffic_text(answer.traffic, answer.request);
}

void append(std::string& out, const char* name, const verify::Witness& witness, const std::optional<WitnessSaid>& programs, const ir::PolicySet& policies,
            const SourceManager& sources) {
  out += std::string("  ") + name + witness.from + " → " + witness.to + "   " + flow_text(witness.flow) + "\n";
  if (witness.request) out += "  request  " + to_text(*witness.request) + "\n";
  side_text(out, "egress   ", side_of(witness.egress), policies, sources);
  side_text(out, "ingress  ", side_of(witness.ingress), policies, sources);
  for (const std::string& more : witness.besides) out += "  given    " + more + "\n";
  programs_text(out, programs);
}

struct Reason {
  const char* lead;
  bool (*is)(const verify::Forbids&);
};
constexpr Reason kReasons[] = {
    {"it is denied by", [](const verify::Forbids& one) { return !one.by_default && !one.by_list; }},
    {"no such request is in the lists of", [](const verify::Forbids& one) { return one.by_list; }},
    {"no rule matches; default deny, switched on by", [](const verify::Forbids& one) { return one.by_default; }},
};

void append(std::string& out, const std::vector<verify::Forbids>& because, const ir::PolicySet& policies, const SourceManager& sources) {
  for (const auto& [lead, is] : kReasons) {
    std::string before = std::string("  because  ") + lead + "\n";
    for (const verify::Forbids& one : because) {
      if (!is(one)) continue;
      out += before + "             " + rule_line(one.rule, policies, sources) + "\n";
      before = "";
    }
  }
}

const char* what_requests_are(verify::RequestRange::Kind kind) {
  switch (kind) {
    case verify::RequestRange::Kind::Http: return "methods, paths and hosts are of visible ASCII, none is empty, and paths begin with a slash or are `*`";
    case verify::RequestRange::Kind::Dns: return "names are of letters, digits, `-` and `_`";
    case verify::RequestRange::Kind::Tls: break;
  }
  return "server names are of letters, digits, `-` and `_`, and TLS has one";
}

bool lists_server_names(const ir::PolicySet& policies) {
  for (const ir::Policy& policy : policies.policies)
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports)
        if (!item.l7.server_names.empty()) return true;
  return false;
}

// What requests are is assumed, too.
template <typename Answer>
std::vector<std::string> all_assumed(const Answer& answer, const ir::PolicySet& policies) {
  std::vector<std::string> out = answer.assumed;
  if (!answer.request) return out;
  if (answer.request->kind == verify::RequestRange::Kind::Http && lists_server_names(policies))
    out.push_back("requests are in clear: of TLS only the server name is seen (--sni)");
  out.push_back(what_requests_are(answer.request->kind));
  return out;
}

// Of a reachability.
verify::Word word_of(const ReachAnswer& answer) {
  const bool allowed = std::holds_alternative<Found>(answer.allowed), denied = std::holds_alternative<Found>(answer.denied);
  if (allowed && denied) return verify::Word::Mixed;
  if (std::holds_alternative<NotKnown>(answer.allowed) || std::holds_alternative<NotKnown>(answer.denied)) return verify::Word::Undecided;
  return allowed ? verify::Word::Allowed : denied ? verify::Word::Denied : verify::Word::Undecided;
}

// Why it is undecided. "" if it isn't.
std::string reason_of(const ReachAnswer& answer) {
  if (word_of(answer) != verify::Word::Undecided) return "";
  for (const auto* finding : {&answer.allowed, &answer.denied})
    if (const auto* unknown = std::get_if<NotKnown>(finding)) return unknown->why;
  return why_impossible(std::get<NoneFound>(answer.allowed), "");
}

nlohmann::ordered_json witness_json(const verify::Witness& witness, const std::optional<WitnessSaid>& programs, JsonAnswers& writer) {
  using nlohmann::ordered_json;
  const bool icmp = witness.flow.protocol == ir::Protocol::Icmp || witness.flow.protocol == ir::Protocol::Icmpv6;
  ordered_json shown = {{"from", witness.from}, {"to", witness.to}, {"protocol", ir::to_string(witness.flow.protocol)}, {icmp ? "icmpType" : "port", witness.flow.number}};
  if (witness.request) shown["request"] = to_json(*witness.request);
  const auto side = [&](const std::optional<verify::WitnessSide>& one) {
    std::string text;
    writer.append_side(text, side_of(one));
    return ordered_json::parse(text);
  };
  shown["egress"] = side(witness.egress);
  shown["ingress"] = side(witness.ingress);
  if (!witness.besides.empty()) shown["given"] = witness.besides;
  if (programs) shown["kernel"] = to_json(*programs, writer);
  return shown;
}

}  // namespace

bool join(verify::Finding& all, verify::Finding more) {
  if (std::holds_alternative<Found>(more)) {
    all = std::move(more);
    return true;
  }
  if (std::holds_alternative<NotKnown>(all)) return false;
  if (std::holds_alternative<NotKnown>(more)) {
    all = std::move(more);
    return false;
  }
  auto& sum = std::get<NoneFound>(all);
  auto& one = std::get<NoneFound>(more);
  sum.possible |= one.possible;
  sum.request_possible &= one.request_possible;
  sum.nothing_enforced |= one.nothing_enforced;
  const auto merge = [](auto& into, auto& from) {
    into.insert(into.end(), from.begin(), from.end());
    std::sort(into.begin(), into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end());
  };
  merge(sum.because, one.because);
  merge(sum.left_out, one.left_out);
  return false;
}

int exit_code(const ClaimAnswer& answer) {
  if (std::holds_alternative<Found>(answer.finding)) return kNegative;
  if (std::holds_alternative<NotKnown>(answer.finding)) return kUndecided;
  return std::get<NoneFound>(answer.finding).possible ? kGood : kNoAnswer;
}

std::string to_text(const ClaimAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources, bool colour) {
  const char* said = word(answer);
  const auto tone = std::holds_alternative<Found>(answer.finding) ? verify::Word::Denied : exit_code(answer) == kGood ? verify::Word::Allowed : verify::Word::Undecided;
  std::string out = coloured(said, tone, colour) + "  " + claim_text(answer) + "\n\n";
  if (const auto* found = std::get_if<Found>(&answer.finding)) append(out, "witness  ", found->witness, answer.programs, policies, sources);
  if (const auto* unknown = std::get_if<NotKnown>(&answer.finding)) out += "  reason   " + unknown->why + "\n";
  if (const auto* none = std::get_if<NoneFound>(&answer.finding)) {
    if (!none->possible) out += "  reason   " + why_impossible(*none, ", so that nothing is proved") + "\n";
    append(out, none->because, policies, sources);
    if (none->possible) out += "  holds    for every pod by pattern that is or could be: any other labels, any service account, any named ports\n";
    for (const std::string& left_out : none->left_out) out += "  but      " + left_out + "\n";
  }
  for (const std::string& assumed : all_assumed(answer, policies)) out += "  assumed  " + assumed + "\n";
  return out;
}

std::string to_json(const ClaimAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources) {
  using nlohmann::ordered_json;
  JsonAnswers writer(policies, sources);
  ordered_json out = {{"apiVersion", kApiVersion}, {"kind", "ClaimResult"}, {"claim", answer.claim}, {"verdict", word(answer)}, {"from", answer.from}, {"to", answer.to}, {"traffic", to_string(answer.traffic)}};
  if (answer.request) out["requests"] = verify::to_string(*answer.request);
  if (!answer.by.empty()) out["by"] = answer.by;
  if (const auto* found = std::get_if<Found>(&answer.finding)) {
    out["witness"] = witness_json(found->witness, answer.programs, writer);
  }
  if (const auto* unknown = std::get_if<NotKnown>(&answer.finding)) out["reason"] = unknown->why;
  if (const auto* none = std::get_if<NoneFound>(&answer.finding)) {
    if (!none->possible) out["reason"] = why_impossible(*none, ", so that nothing is proved");
    const char* names[] = {"denies", "lists", "defaultDenies"};
    for (std::size_t i = 0; i < std::size(names); ++i) {
      if (kReasons[i].is({{}, false, true}) && !answer.request) continue;
      out[names[i]] = ordered_json::array();
      for (const verify::Forbids& one : none->because)
        if (kReasons[i].is(one)) out[names[i]].push_back(ordered_json::parse(writer.rule(one.rule)));
    }
    if (!none->left_out.empty()) out["leftOut"] = none->left_out;
  }
  out["assumed"] = all_assumed(answer, policies);
  out["solverSteps"] = answer.steps;
  return out.dump() + "\n";
}

// ---- reachability ----------------------------------------------------------------------------------

int exit_code(const ReachAnswer& answer) {
  switch (word_of(answer)) {
    case verify::Word::Allowed: return kGood;
    case verify::Word::Denied:
    case verify::Word::Mixed: return kNegative;
    case verify::Word::Undecided: return kUndecided;
  }
  return kUndecided;
}

std::string to_text(const ReachAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources, bool colour) {
  const verify::Word said = word_of(answer);
  std::string out = coloured(verify::to_string(said), said, colour) + "  " + answer.from + " → " + answer.to + "   " + traffic_text(answer.traffic, answer.request) + "\n\n";
  if (const auto* found = std::get_if<Found>(&answer.allowed)) append(out, "allowed  ", found->witness, answer.programs_allowed, policies, sources);
  if (const auto* found = std::get_if<Found>(&answer.denied)) append(out, "denied   ", found->witness, answer.programs_denied, policies, sources);
  if (const std::string reason = reason_of(answer); !reason.empty()) out += "  reason   " + reason + "\n";
  const auto* none = said == verify::Word::Denied ? std::get_if<NoneFound>(&answer.allowed) : said == verify::Word::Allowed ? std::get_if<NoneFound>(&answer.denied) : nullptr;
  if (none != nullptr) {
    if (said == verify::Word::Denied) append(out, none->because, policies, sources);
    out += "  holds    for every pod by pattern that is or could be: any other labels, any service account, any named ports\n";
    for (const std::string& left_out : none->left_out) out += "  but      " + left_out + "\n";
  }
  for (const std::string& assumed : all_assumed(answer, policies)) out += "  assumed  " + assumed + "\n";
  return out;
}

std::string to_json(const ReachAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources) {
  JsonAnswers writer(policies, sources);
  nlohmann::ordered_json out = {{"apiVersion", kApiVersion}, {"kind", "ReachResult"}, {"verdict", verify::to_string(word_of(answer))}, {"from", answer.from}, {"to", answer.to}, {"traffic", to_string(answer.traffic)}};
  if (answer.request) out["requests"] = verify::to_string(*answer.request);
  if (const std::string reason = reason_of(answer); !reason.empty()) out["reason"] = reason;
  if (const auto* found = std::get_if<Found>(&answer.allowed)) out["allowed"] = witness_json(found->witness, answer.programs_allowed, writer);
  if (const auto* found = std::get_if<Found>(&answer.denied)) out["denied"] = witness_json(found->witness, answer.programs_denied, writer);
  out["assumed"] = all_assumed(answer, policies);
  out["solverSteps"] = answer.steps;
  return out.dump() + "\n";
}

}  // namespace netpolc::compiler
