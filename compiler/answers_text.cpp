// Answers for a terminal: verdict, both sides, and where the deciding rules are written.
#include <algorithm>
#include <limits>

#include "compiler/answers.h"
#include "compiler/request_options.h"

namespace netpolc::compiler {

std::string coloured(const char* word, verify::Word verdict, bool colour) {
  if (!colour) return word;
  const char* code = verdict == verify::Word::Allowed ? "\x1b[32m" : verdict == verify::Word::Denied ? "\x1b[31m" : "\x1b[33m";
  return std::string(code) + word + "\x1b[0m";
}

std::string flow_text(ir::Flow flow) {
  std::string name = to_string(flow.protocol);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name + "/" + std::to_string(flow.number);
}

std::string rule_name(ir::RuleRef ref, const ir::PolicySet& policies) {
  const auto& policy = policies.policies[ref.policy];
  const std::string path = ref.rule < policy.rules.size() ? policy.rules[ref.rule].path : "";
  const std::string name = policy.ns.empty() ? policy.name : policy.ns + "/" + policy.name;
  return (path.empty() ? "" : path + " of ") + std::string(ir::to_string(policy.kind)) + " " + name;
}

std::string rule_line(ir::RuleRef ref, const ir::PolicySet& policies, const SourceManager& sources) {
  const Span where = place_of(ref, policies);
  std::string text = rule_name(ref, policies);
  text.resize(std::max<std::size_t>(text.size() + 2, 56), ' ');
  return text + sources.path(where.file) + ":" + std::to_string(sources.locate(where.file, where.begin).line);
}

const char* because(const ir::SideVerdict& verdict) {
  switch (verdict.verdict) {
    case ir::Verdict::Allow:
      if (verdict.localhost_exception) return "allowed: a pod's own node always reaches it";
      if (verdict.enforcement == ir::Enforcement::None) return "not enforced: no policy selects it in this direction";
      return verdict.rules.empty() ? "allowed: no policy turns on default deny" : "allowed by";
    case ir::Verdict::AllowL7: return "allowed, subject to L7 rules, by";
    case ir::Verdict::Deny: return verdict.encapsulation ? "dropped whatever policy says: only nodes send to the overlay's port of a node" : "denied by";
    case ir::Verdict::DefaultDeny: return "no rule matches; default deny, switched on by";
  }
  return "";
}

const char* because(const ir::RequestVerdict& request) {
  switch (request.word) {
    case ir::RequestVerdict::Word::Allowed: return request.rules.empty() ? "the request passes: no policy turns on default deny" : "the request is let through by";
    case ir::RequestVerdict::Word::Denied: return request.rules.empty() ? "the request is refused: no rule is for this port" : "the request is refused: it is in no list of";
    case ir::RequestVerdict::Word::Unknown: return "whether the request passes is not known";
  }
  return "";
}

namespace {

// Default deny is switched on by policies, not by any rule of theirs: each once, in their order. No policy has the rule that is
// named instead, so that the policy itself is shown.
std::vector<ir::RuleRef> policies_of(std::vector<ir::RuleRef> rules) {
  for (ir::RuleRef& ref : rules) ref.rule = std::numeric_limits<std::uint32_t>::max();
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  return rules;
}

}  // namespace

void side_text(std::string& out, const char* name, const std::optional<verify::Side>& side, const ir::PolicySet& policies,
               const SourceManager& sources) {
  out += std::string("  ") + name;
  if (!side) {
    out += "not decided here: no managed endpoint\n";
    return;
  }
  if (side->verdict == nullptr) {
    out += "cannot be computed: " + side->incomputable->reason + "\n";
    return;
  }
  const auto list = [&](const std::vector<ir::RuleRef>& rules) {
    const bool by_policy = side->verdict->verdict == ir::Verdict::DefaultDeny;
    for (const auto& ref : by_policy ? policies_of(rules) : rules) out += "             " + rule_line(ref, policies, sources) + "\n";
  };
  if (side->request && side->request->rules == side->verdict->rules) {
    out += std::string("a proxy is asked; ") + because(*side->request) + "\n";
    list(side->request->rules);
  } else {
    out += std::string(because(*side->verdict)) + "\n";
    list(side->verdict->rules);
    if (side->request) {
      out += std::string("             ") + because(*side->request) + "\n";
      list(side->request->rules);
    }
  }
  if (side->verdict->auth == ir::AuthMode::Required) out += "             mutual authentication is required\n";
  if (side->verdict->auth == ir::AuthMode::AlwaysFail) out += "             authentication always fails (test-always-fail)\n";
}

void pair_text(std::string& out, const verify::PairAnswer& pair, verify::Word word, const std::optional<ir::Request>& request, const ir::PolicySet& policies,
               const SourceManager& sources, bool colour, const SideNotes& notes) {
  out += coloured(verify::to_string(word), word, colour) + "  " + pair.from + " → " + pair.to + "   " + flow_text(pair.flow);
  if (!pair.via.empty()) out += "  (" + pair.via + ")";
  out += "\n\n";
  if (request) out += "  request  " + to_text(*request) + "\n";
  side_text(out, "egress   ", pair.egress, policies, sources);
  out += notes.egress;
  side_text(out, "ingress  ", pair.ingress, policies, sources);
  out += notes.ingress;
}

namespace {

void proxy_text(std::string& out, const verify::Answer& answer, const ir::PolicySet& policies) {
  std::string proxies;
  for (const auto& pair : answer.pairs)
    for (const auto* side : {&pair.egress, &pair.ingress})
      if (*side && (*side)->verdict != nullptr && (*side)->verdict->verdict == ir::Verdict::AllowL7)
        if (const auto name = l7_name(*(*side)->verdict, policies); proxies.find(name) == std::string::npos)
          proxies += (proxies.empty() ? "" : ", ") + name;
  out += "  path     " + (proxies.empty() ? std::string("eBPF only, no proxy") : "through the proxy: " + proxies) + "\n";
}

// What the answer does not depend on: no rule asks for a source port, and between pods none asks for an address.
void holds_text(std::string& out, const verify::PairAnswer& pair) {
  const auto is_pod = [](const std::optional<verify::Side>& side) { return side && side->other != nullptr && side->other->kind == verify::EndKind::Endpoint; };
  if (pair.flow.protocol != ir::Protocol::Tcp && pair.flow.protocol != ir::Protocol::Udp && pair.flow.protocol != ir::Protocol::Sctp) return;
  out += std::string("  holds    for every source port") + (is_pod(pair.egress) && is_pod(pair.ingress) ? " and both address families" : "") + "\n";
}

void table(std::string& out, const verify::Answer& answer, bool colour) {
  std::size_t from = 4;
  std::size_t to = 2;
  for (const auto& pair : answer.pairs) {
    from = std::max(from, pair.from.size());
    to = std::max(to, pair.to.size());
  }
  const auto padded = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  for (const auto& pair : answer.pairs) {
    const std::string word = verify::to_string(pair.word);
    out += "  " + coloured(word.c_str(), pair.word, colour) + std::string(11 - word.size(), ' ') + padded(pair.from, from) + " → " +
           padded(pair.to, to) + "   " + flow_text(pair.flow);
    for (const auto* note : {&pair.via, &pair.reason})
      if (!note->empty()) out += "  (" + *note + ")";
    out += "\n";
  }
}

}  // namespace

std::string to_text(const verify::Answer& answer, const verify::Question& question, const ir::PolicySet& policies,
                    const SourceManager& sources, bool colour, const SideNotes& notes) {
  std::string out;
  if (answer.pairs.size() == 1) {
    pair_text(out, answer.pairs.front(), answer.word, question.request, policies, sources, colour, notes);
  } else {
    out += coloured(verify::to_string(answer.word), answer.word, colour) + "  " + question.from + " → " + question.to;
    if (question.flow) out += "   " + flow_text(*question.flow);
    if (question.request) out += "   " + to_text(*question.request);
    out += "\n\n";
    table(out, answer, colour);
  }
  if (!answer.reason.empty()) out += "  reason   " + answer.reason + "\n";
  if (answer.word == verify::Word::Allowed) {
    proxy_text(out, answer, policies);
    if (answer.pairs.size() == 1) holds_text(out, answer.pairs.front());
  }
  out += notes.end;
  return out;
}

}  // namespace netpolc::compiler
