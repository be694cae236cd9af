#include "compiler/answers.h"

namespace netpolc::compiler {

const char* to_string(ir::Verdict verdict) {
  switch (verdict) {
    case ir::Verdict::Allow: return "allow";
    case ir::Verdict::AllowL7: return "allow-l7";
    case ir::Verdict::Deny: return "deny";
    case ir::Verdict::DefaultDeny: return "default-deny";
  }
  return "deny";
}

const char* to_string(ir::Enforcement enforcement) {
  switch (enforcement) {
    case ir::Enforcement::None: return "none";
    case ir::Enforcement::DefaultAllow: return "default-allow";
    case ir::Enforcement::DefaultDeny: return "default-deny";
  }
  return "none";
}

namespace {

const ir::Rule* rule_of(ir::RuleRef ref, const ir::PolicySet& policies) {
  const auto& rules = policies.policies[ref.policy].rules;
  return ref.rule < rules.size() ? &rules[ref.rule] : nullptr;
}

std::string generic_name(const ir::SideVerdict& verdict, const ir::PolicySet& policies) {
  for (const auto& ref : verdict.rules)
    if (const auto* rule = rule_of(ref, policies))
      for (const auto& ports : rule->ports)
        if (ports.l7.parser == ir::L7Parser::Generic) return ports.l7.generic_name;
  return "generic";
}

const char* auth_name(ir::AuthMode mode) {
  switch (mode) {
    case ir::AuthMode::Required: return "required";
    case ir::AuthMode::AlwaysFail: return "test-always-fail";
    case ir::AuthMode::Unset:
    case ir::AuthMode::Disabled: return nullptr;
  }
  return nullptr;
}

void field(std::string& out, const char* name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  append_json_string(out, value);
}

}  // namespace

std::string l7_name(const ir::SideVerdict& verdict, const ir::PolicySet& policies) {
  switch (verdict.l7) {
    case ir::L7Parser::None: return "";
    case ir::L7Parser::Http: return "http";
    case ir::L7Parser::Dns: return "dns";
    case ir::L7Parser::Kafka: return "kafka";
    case ir::L7Parser::Generic: return generic_name(verdict, policies);
    case ir::L7Parser::Tls: return "tls";
    case ir::L7Parser::Crd: return "crd";
  }
  return "";
}

Span place_of(ir::RuleRef ref, const ir::PolicySet& policies) {
  const auto* rule = rule_of(ref, policies);
  return rule != nullptr ? rule->where : policies.policies[ref.policy].where;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

const std::string& JsonAnswers::rule(ir::RuleRef ref) {
  auto& text = rules_[(std::uint64_t{ref.policy} << 32U) | ref.rule];
  if (!text.empty()) return text;
  const auto& policy = policies_.policies[ref.policy];
  const auto* found = rule_of(ref, policies_);
  const Span where = place_of(ref, policies_);
  const auto place = sources_.locate(where.file, where.begin);
  text = "{";
  field(text, "kind", ir::to_string(policy.kind));
  text += ',';
  field(text, "namespace", policy.ns);
  text += ',';
  field(text, "name", policy.name);
  text += ',';
  field(text, "rule", found != nullptr ? found->path : "");
  text += ',';
  field(text, "file", sources_.path(where.file));
  text += ",\"line\":" + std::to_string(place.line) + ",\"column\":" + std::to_string(place.column) + "}";
  return text;
}

void JsonAnswers::append_request(std::string& out, const ir::RequestVerdict& request) {
  using Word = ir::RequestVerdict::Word;
  out += ",\"request\":{";
  field(out, "verdict", request.word == Word::Allowed ? "allow" : request.word == Word::Denied ? "deny" : "unknown");
  if (!request.why.empty()) {
    out += ',';
    field(out, "reason", request.why);
  }
  out += ",\"rules\":[";
  for (std::size_t i = 0; i < request.rules.size(); ++i) out += (i == 0 ? "" : ",") + rule(request.rules[i]);
  out += "]}";
}

void JsonAnswers::append_side(std::string& out, const std::optional<verify::Side>& side, const std::string& more) {
  if (!side || side->verdict == nullptr) {
    out += "null";
    return;
  }
  const auto& verdict = *side->verdict;
  out += '{';
  field(out, "subject", side->subject);
  out += ',';
  field(out, "enforcement", to_string(verdict.enforcement));
  out += ',';
  field(out, "verdict", to_string(verdict.verdict));
  out += ",\"l7\":";
  if (verdict.verdict == ir::Verdict::AllowL7)
    append_json_string(out, l7_name(verdict, policies_));
  else
    out += "null";
  if (const char* auth = auth_name(verdict.auth)) {
    out += ',';
    field(out, "auth", auth);
  }
  if (verdict.localhost_exception) out += ",\"localhostException\":true";
  if (verdict.encapsulation) out += ",\"encapsulation\":true";
  out += ",\"rules\":[";
  bool first = true;
  for (const auto& ref : verdict.rules) {
    if (!first) out += ',';
    first = false;
    out += rule(ref);
  }
  out += ']';
  if (side->request) append_request(out, *side->request);
  out += more + "}";
}

void JsonAnswers::append_pair(std::string& out, const verify::PairAnswer& pair) {
  out += '{';
  field(out, "from", pair.from);
  out += ',';
  field(out, "to", pair.to);
  out += ',';
  field(out, "protocol", to_string(pair.flow.protocol));
  const bool icmp = pair.flow.protocol == ir::Protocol::Icmp || pair.flow.protocol == ir::Protocol::Icmpv6;
  out += icmp ? ",\"icmpType\":" : ",\"port\":";
  out += std::to_string(pair.flow.number) + ",";
  field(out, "verdict", verify::to_string(pair.word));
  for (const auto& [name, text] : {std::pair{"via", &pair.via}, std::pair{"reason", &pair.reason}}) {
    if (text->empty()) continue;
    out += ',';
    field(out, name, *text);
  }
  out += ",\"egress\":";
  append_side(out, pair.egress);
  out += ",\"ingress\":";
  append_side(out, pair.ingress);
  out += '}';
}

void JsonAnswers::append(std::string& out, const std::string& id, const verify::Answer& answer, const SideNotes& more) {
  out += '{';
  if (!id.empty()) out += "\"id\":" + id + ",";
  field(out, "verdict", verify::to_string(answer.word));
  if (!answer.reason.empty()) {
    out += ',';
    field(out, "reason", answer.reason);
  }
  const bool one = answer.pairs.size() == 1;
  static const std::optional<verify::Side> kNone;
  out += ",\"egress\":";
  append_side(out, one ? answer.pairs.front().egress : kNone, more.egress);
  out += ",\"ingress\":";
  append_side(out, one ? answer.pairs.front().ingress : kNone, more.ingress);
  if (answer.pairs.size() > 1) {
    out += ",\"pairs\":[";
    for (std::size_t i = 0; i < answer.pairs.size(); ++i) {
      if (i != 0) out += ',';
      append_pair(out, answer.pairs[i]);
    }
    out += ']';
  }
  out += more.end + "}\n";
}

}  // namespace netpolc::compiler
