// The emitter has the outline of the C it writes: a program is two directions, a direction a
// switch over protocols, a protocol a switch over ports, a port a list of peers.
#include <algorithm>
#include <map>

#include "codegen-bpf/authentication.h"
#include "codegen-bpf/codegen.h"
#include "codegen-bpf/l4_layout.h"
#include "codegen-bpf/names.h"
#include "codegen-bpf/writer.h"

namespace netpolc::codegen_bpf {
namespace {

// Longer lists become functions of their own: jumps reach 32,767 instructions, and a list that
// several ports share is translated once.
constexpr std::size_t kInlineEntries = 48;
// The kernel takes 256 functions an object.
constexpr std::size_t kMostFunctions = 200;

constexpr std::string_view kHeader =
    R"(/* The policy of an endpoint, generated from its decision table. The text depends on what the
 * policy means and on nothing else. To compile it alone, in the directory of this file:
 *
 *   clang -target bpf -mcpu=v3 -O2 -g -I include -include np_runtime.bpf.c -c DIGEST.c -o DIGEST.o
 */
)";

std::string protocol_constant(ir::Protocol protocol) {
  switch (protocol) {
    case ir::Protocol::Tcp: return "TCP";
    case ir::Protocol::Udp: return "UDP";
    case ir::Protocol::Sctp: return "SCTP";
    case ir::Protocol::Icmp: return "ICMP";
    case ir::Protocol::Icmpv6: return "ICMPV6";
    default: return "OTHER";
  }
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string verdict_call(const ir::TableEntry& entry, bool authenticated) {
  const std::string rule = std::to_string(entry.rule);
  if (entry.action == ir::Action::Deny) return "np_deny(" + rule + ")";
  const std::string allow = entry.l7 != ir::L7Parser::None ? "np_l7(" + rule + ")" : "np_allow(" + rule + ")";
  return authenticated ? "np_if_authenticated(auth, " + allow + ")" : allow;
}

class DirectionEmitter {
 public:
  DirectionEmitter(Writer& writer, std::vector<LineOrigin>& origins, const ir::DirectionTable& table, ir::Direction direction, std::size_t& functions)
      : writer_(writer), origins_(origins), table_(table), direction_(direction), functions_(functions),
        ingress_(direction == ir::Direction::Ingress), name_(ingress_ ? "ingress" : "egress"),
        peer_(ingress_ ? "from" : "to"), peers_(peer_names(table.bits, ingress_ ? "FROM" : "TO")) {}

  void emit() {
    head();
    map();
    if (table_.enforcement == ir::Enforcement::None) return unenforced();
    const auto layout = lay_out(table_);
    for (const ProtocolGroup& group : layout)
      for (const PortGroup& ports : group.ports)
        if (ports.entries.size() > kInlineEntries && functions_ < kMostFunctions) function(ports.entries);
    for (const ProtocolGroup& group : layout) protocol(group);
    policy(layout);
  }

 private:
  void head() {
    static constexpr const char* states[] = {"not enforced", "default allow", "default deny"};
    writer_.line("");
    writer_.line("/* ---- " + name_ + ": " + states[static_cast<int>(table_.enforcement)] + " ----");
    for (std::size_t rule = 0; rule < table_.rule_texts.size(); ++rule) {
      origins_.push_back({writer_.next_line(), direction_, static_cast<std::uint32_t>(rule)});
      writer_.line(" * rule " + std::to_string(rule) + ": " + comment_text(table_.rule_texts[rule]));
    }
    writer_.line(" */");
  }

  std::size_t words() const { return std::max<std::size_t>(1, (table_.bits.size() + 63) / 64); }

  void map() {
    writer_.line("NP_PEERS(" + map_name() + ", " + std::to_string(words()) + ");");
    writer_.line("");
    if (table_.bits.size() < 2) return;
    writer_.line("enum " + name_ + "_peer {");
    for (std::size_t bit = 0; bit < peers_.size(); ++bit)
      writer_.line("\t" + peers_[bit] + " = " + std::to_string(bit) + ", /* " + comment_text(table_.bits[bit].text) + " */");
    writer_.line("};");
    writer_.line("");
  }

  std::string map_name() const { return ingress_ ? NP_PEERS_IN : NP_PEERS_OUT; }
  static constexpr const char* NP_PEERS_IN = "np_peers_in";
  static constexpr const char* NP_PEERS_OUT = "np_peers_out";

  bool asks_peers() const {
    for (const auto& c : table_.classes)
      for (const auto& e : c.entries)
        if (e.bit != 0) return true;
    return false;
  }
  std::string parameters() const { return asks_peers() ? "const struct np_flow *flow, const np_u64 *" + peer_ : "const struct np_flow *flow"; }
  std::string arguments() const { return asks_peers() ? "flow, " + peer_ : "flow"; }
  std::string fallback() const { return ingress_ && table_.localhost_exception ? "np_default_deny_but_host(flow)" : "np_default_deny()"; }

  void unenforced() {
    writer_.line("np_verdict np_policy_" + name_ + "(const struct np_flow *flow)");
    Writer::Block body(writer_, "");
    writer_.line("(void)flow;");
    writer_.line("return np_default_allow();");
  }

  void function(const std::vector<ir::TableEntry>& list) {
    const auto [at, fresh] = named_.try_emplace(list, name_ + "_peers_" + std::to_string(named_.size()));
    if (!fresh) return;
    ++functions_;
    writer_.line("NP_SUBPROGRAM np_verdict " + at->second + "(" + parameters() + ")");
    {
      Writer::Block body(writer_, "");
      if (!entries(list)) writer_.line("return " + fallback() + ";");
    }
    writer_.line("");
  }

  // True if something is said about every peer, so that what follows is never reached.
  bool entries(const std::vector<ir::TableEntry>& list) {
    const bool authenticated = asks_for_authentication(list);
    bool asked = false;
    for (const ir::TableEntry& entry : list) {
      if (authenticated && !asked && entry.action == ir::Action::Allow) {
        write_authentication(writer_, list, peers_, peer_);
        asked = true;
      }
      const std::string verdict = "return " + verdict_call(entry, authenticated) + ";";
      if (entry.bit == 0) {
        origins_.push_back({writer_.next_line(), direction_, entry.rule});
        writer_.line(verdict);
        return true;
      }
      writer_.line("if (np_is(" + peer_ + ", " + peers_[entry.bit] + "))");
      Writer::Indent indent(writer_);
      origins_.push_back({writer_.next_line(), direction_, entry.rule});
      writer_.line(verdict);
    }
    return false;
  }

  // The same, or a call of the function that has it.
  bool decide(const std::vector<ir::TableEntry>& list) {
    const auto known = named_.find(list);
    if (known == named_.end()) return entries(list);
    writer_.line("return " + known->second + "(" + arguments() + ");");
    return true;
  }

  std::string function_name(const ProtocolGroup& group) const {
    std::string out = name_;
    for (const auto p : group.protocols) out += "_" + lower(protocol_constant(p));
    return out;
  }

  void port_case(const PortGroup& group, bool last) {
    if (last) writer_.line("default: {");
    for (std::size_t i = 0; !last && i < group.ranges.size(); ++i) {
      const auto [first, end] = group.ranges[i];
      const std::string range = first == end ? std::to_string(first) : std::to_string(first) + " ... " + std::to_string(end);
      writer_.line("case " + range + (i + 1 == group.ranges.size() ? ": {" : ":"));
    }
    {
      Writer::Indent indent(writer_);
      if (!decide(group.entries)) writer_.line("break;");
    }
    writer_.line("}");
  }

  void protocol(const ProtocolGroup& group) {
    writer_.line("static np_verdict " + function_name(group) + "(" + parameters() + ")");
    {
      Writer::Block body(writer_, "");
      bool decided = false;
      if (group.ports.size() == 1) {
        decided = decide(group.ports[0].entries);
      } else {
        Writer::Block ports(writer_, "switch (flow->port)");
        for (std::size_t i = 0; i < group.ports.size(); ++i)
          if (i + 1 < group.ports.size() || !group.ports[i].entries.empty()) port_case(group.ports[i], i + 1 == group.ports.size());
      }
      if (!decided) writer_.line("return " + fallback() + ";");
    }
    writer_.line("");
  }

  void policy(const std::vector<ProtocolGroup>& layout) {
    writer_.line("np_verdict np_policy_" + name_ + "(const struct np_flow *flow)");
    Writer::Block body(writer_, "");
    if (layout.empty()) {
      if (fallback().find("flow") == std::string::npos) writer_.line("(void)flow;");
      writer_.line("return " + fallback() + ";");
      return;
    }
    if (asks_peers()) {
      writer_.line("const np_u64 *" + peer_ + " = np_peer(" + map_name() + ", flow);");
      writer_.line("");
    }
    {
      Writer::Block protocols(writer_, "switch (flow->protocol)");
      for (const ProtocolGroup& group : layout) {
        Writer::Indent out(writer_, -1);
        for (const auto p : group.protocols) writer_.line("case NP_" + protocol_constant(p) + ":");
        Writer::Indent in(writer_);
        writer_.line("return " + function_name(group) + "(" + arguments() + ");");
      }
    }
    writer_.line("return " + fallback() + ";");
  }

  Writer& writer_;
  std::vector<LineOrigin>& origins_;
  const ir::DirectionTable& table_;
  ir::Direction direction_;
  std::size_t& functions_;
  bool ingress_;
  std::string name_, peer_;
  std::vector<std::string> peers_;
  std::map<std::vector<ir::TableEntry>, std::string> named_;
};

constexpr std::string_view kTagPlace = "@TAG@";

}  // namespace

Emitted emit(const ir::DecisionTable& table) {
  Emitted out;
  Writer writer;
  for (std::size_t at = 0, end; (end = kHeader.find('\n', at)) != std::string_view::npos; at = end + 1) writer.line(kHeader.substr(at, end - at));
  writer.line("#include \"np_policy.h\"");
  writer.line("");
  writer.line("NP_PROGRAM(" + std::string(kTagPlace) + ")");
  writer.line("NP_COUNTERS(" + std::to_string(table.ingress.rules.size()) + ", " + std::to_string(table.egress.rules.size()) + ")");
  std::size_t functions = 0;
  DirectionEmitter(writer, out.source_map, table.ingress, ir::Direction::Ingress, functions).emit();
  DirectionEmitter(writer, out.source_map, table.egress, ir::Direction::Egress, functions).emit();

  out.c = std::move(writer.text());
  const std::string tag = sha256_hex(out.c).substr(0, 16);
  out.tag = std::stoull(tag, nullptr, 16);
  out.c.replace(out.c.find(kTagPlace), kTagPlace.size(), "0x" + tag + "ULL");
  const auto words = [](const ir::DirectionTable& t) { return static_cast<std::uint32_t>(std::max<std::size_t>(1, (t.bits.size() + 63) / 64)); };
  out.ingress_words = words(table.ingress);
  out.egress_words = words(table.egress);
  return out;
}

std::optional<Unenforceable> unenforceable(const ir::DecisionTable& table, const EmitOptions& options) {
  if (table.incomputable) return Unenforceable{table.incomputable->reason, true, table.incomputable->rules};
  if (options.l7_drop) return std::nullopt;
  std::vector<ir::RuleRef> rules;
  for (const ir::DirectionTable* direction : {&table.ingress, &table.egress})
    for (const ir::L4Class& c : direction->classes)
      for (const ir::TableEntry& entry : c.entries)
        if (entry.action == ir::Action::Allow && entry.l7 != ir::L7Parser::None && entry.rule < direction->rules.size())
          rules.push_back(direction->rules[entry.rule]);
  std::sort(rules.begin(), rules.end());
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  if (rules.empty()) return std::nullopt;
  return Unenforceable{"L7 rules are not enforced yet", false, std::move(rules)};
}

std::string digest(const Emitted& emitted) {
  static const std::string runtime = [] {
    std::string all;
    for (const RuntimeFile& file : runtime_files()) all.append(file.name).append("\n").append(file.text);
    return sha256_hex(all);
  }();
  return sha256_hex(emitted.c + runtime);
}

}  // namespace netpolc::codegen_bpf
