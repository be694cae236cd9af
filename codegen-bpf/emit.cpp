// The emitter has the outline of the C it writes: a program is two directions, a direction a
// switch over protocols, a protocol a switch over ports, a port a list of peers.
#include <algorithm>

#include "codegen-bpf/authentication.h"
#include "codegen-bpf/codegen.h"
#include "codegen-bpf/l4_layout.h"
#include "codegen-bpf/names.h"
#include "codegen-bpf/room.h"
#include "codegen-bpf/tables.h"
#include "codegen-bpf/writer.h"
#include "ir/map_layout.h"

namespace netpolc::codegen_bpf {
namespace {

// Up to these numbers a protocol is code, beyond them data (tables.h). Code reads better;
// its jumps reach 32,767 instructions, and the kernel walks every path through it.
constexpr std::size_t kMostEntriesOfPort = 64;
constexpr std::size_t kMostEntries = 768;
constexpr std::size_t kMostRanges = 512;

constexpr std::string_view kHeader =
    R"(/* The policy of @WHOM@, generated from its decision table. The text depends on what the
 * policy means and on nothing else: endpoints with the same policy share it.
 *
 * Each peer condition of a rule is a bit. The maps np_peers_in and np_peers_out say which bits
 * hold for an identity, so a new pod is a new map entry and no new program. The first line that
 * holds decides, and denies come first. Numbers in verdicts are those of the rules as listed.
 *
 * To compile it alone, in the directory of this file:
 *
 *   clang-19 -target bpf -mcpu=v3 -O2 -g -I include -include np_runtime.bpf.c -c DIGEST.c -o DIGEST.o
 */
)";

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// How a protocol's ports are written: as cases of a switch, or as tables.
struct Form {
  std::vector<const PortGroup*> cases, tables;
};

Form form_of(const ProtocolGroup& group) {
  std::size_t entries = 0, ranges = 0, longest = 0;
  for (const PortGroup& ports : group.ports) {
    entries += ports.entries.size();
    ranges += ports.ranges.size();
    longest = std::max(longest, ports.entries.size());
  }
  const bool small = entries <= kMostEntries && ranges <= kMostRanges && longest <= kMostEntriesOfPort;
  Form out;
  for (const PortGroup& ports : group.ports) (small || asks_for_authentication(ports.entries) ? out.cases : out.tables).push_back(&ports);
  return out;
}

// Why a direction is too large to be a program.
std::optional<std::string> too_large(const ir::DirectionTable& table) {
  const Room taken = room(table);
  if (taken.authenticated > kRoom.authenticated)
    return std::to_string(taken.authenticated) + " pairs of port and peer ask for authentication; a program holds " + std::to_string(kRoom.authenticated);
  if (taken.data > kRoom.data) return "its ports and peers take " + std::to_string(taken.data >> 17) + " MiB; a program holds " + std::to_string(kRoom.data >> 17);
  if (taken.turns > kRoom.turns)
    return "its " + std::to_string(table.bits.size()) + " peer conditions, in the order in which rules win, take " + std::to_string(taken.turns) +
           " steps of the kernel's verifier; a program has " + std::to_string(kRoom.turns);
  return std::nullopt;
}

// Does a condition ask for a label that only Kubernetes gives? No address of the world has one.
bool asks_for_kubernetes_label(const std::string& text) {
  for (std::size_t at = text.find("k8s:"); at != text.npos; at = text.find("k8s:", at + 1)) {
    const std::size_t end = text.find(' ', at);
    if (end != text.npos && (text.compare(end, 5, " in (") == 0 || text.compare(end, 7, " exists") == 0)) return true;
  }
  return false;
}

// May a peer condition hold for some addresses of the world and not for others? By what the
// condition says alone, so that the C depends on nothing else. Labels of any source may be those of
// a prefix or of a CIDR group.
bool speaks_of_prefixes(const std::string& text) {
  if (text == "everyone" || text.starts_with("entity ")) return false;
  if (text.find("cidr") != text.npos || text.find("fqdn") != text.npos) return true;
  return !asks_for_kubernetes_label(text);
}

std::string plan_of(const ir::DirectionTable& table, Subject subject) {
  const std::string node = subject == Subject::Node ? "NP_NODE" : "";
  if (table.enforcement == ir::Enforcement::None) return node.empty() ? "0" : node;
  return std::string(asks_for_prefixes(table) ? "NP_JUDGED | NP_PREFIXES" : "NP_JUDGED") + (node.empty() ? "" : " | " + node);
}

class DirectionEmitter {
 public:
  DirectionEmitter(Writer& writer, std::vector<LineOrigin>& origins, const ir::DirectionTable& table, ir::Direction direction)
      : writer_(writer), origins_(origins), table_(table), direction_(direction), ingress_(direction == ir::Direction::Ingress),
        name_(ingress_ ? "ingress" : "egress"), peer_(ingress_ ? "from" : "to"), map_(ingress_ ? "np_peers_in" : "np_peers_out"),
        peers_(peer_names(table.bits, ingress_ ? "FROM" : "TO")), layout_(lay_out(table)) {}

  void emit() {
    head();
    peers();
    if (table_.enforcement == ir::Enforcement::None) return unenforced();
    for (const ProtocolGroup& group : layout_) protocol(group);
    policy();
  }

 private:
  void head() {
    static constexpr const char* states[] = {"no rule selects this endpoint", "default allow", "default deny"};
    const std::string title = "---- " + name_ + ": " + states[static_cast<int>(table_.enforcement)] + " ----";
    writer_.line("");
    if (table_.rule_texts.empty()) return writer_.line("/* " + title + " */");
    writer_.line("/* " + title);
    for (std::size_t rule = 0; rule < table_.rule_texts.size(); ++rule) {
      origin(static_cast<std::uint32_t>(rule));
      writer_.line(" * rule " + std::to_string(rule) + ": " + comment_text(table_.rule_texts[rule]));
    }
    writer_.line(" */");
  }

  void peers() {
    writer_.line((NP_SUMMARY_WORDS(row_words(table_)) > 0 ? "NP_WIDE_PEERS(" : "NP_PEERS(") + map_ + ", " + std::to_string(row_words(table_)) + ");");
    writer_.line("");
    if (table_.bits.size() < 2) return;
    writer_.line("enum " + name_ + "_peer {");
    for (std::size_t bit = 1; bit < peers_.size(); ++bit)
      writer_.line("\t" + peers_[bit] + " = " + std::to_string(bit) + ", /* " + comment_text(table_.bits[bit].text) + " */");
    writer_.line("};");
    writer_.line("");
  }

  // The next line speaks for `rule`.
  void origin(std::uint32_t rule) { origins_.push_back({writer_.next_line(), direction_, rule}); }

  bool asks_peers() const {
    return std::any_of(layout_.begin(), layout_.end(), [](const ProtocolGroup& group) {
      return !form_of(group).tables.empty() || std::any_of(group.ports.begin(), group.ports.end(), [](const PortGroup& ports) {
        return std::any_of(ports.entries.begin(), ports.entries.end(), [](const ir::TableEntry& entry) { return entry.bit != 0; });
      });
    });
  }
  std::string parameters() const { return asks_peers() ? "const struct np_flow *flow, const np_u64 *" + peer_ : "const struct np_flow *flow"; }
  std::string arguments() const { return asks_peers() ? "flow, " + peer_ : "flow"; }
  std::string otherwise() const {
    if (table_.enforcement == ir::Enforcement::DefaultAllow) return "np_default_allow()";
    return table_.localhost_exception ? "np_default_deny_but_host(flow)" : "np_default_deny()";
  }

  void unenforced() {
    writer_.line("np_verdict np_policy_" + name_ + "(const struct np_flow *flow)");
    Writer::Block body(writer_, "");
    writer_.line("return np_default_allow();");
  }

  std::string verdict(const ir::TableEntry& entry, bool authenticated) const {
    std::string out = verdict_constant(entry);
    if (authenticated && entry.action == ir::Action::Allow) out = "np_if_authenticated(auth, " + out + ")";
    return "return " + out + ";";
  }

  // True if something is said about every peer, so that what follows is never reached.
  bool entries(const std::vector<ir::TableEntry>& list) {
    for (auto from = list.begin(); from != list.end();) {
      const auto to = std::find_if(from, list.end(), [&](const auto& e) { return e.level != from->level; });
      const std::vector<ir::TableEntry> level(from, to);
      // levels are judged apart, so each has variables of its own
      std::optional<Writer::Block> scope;
      if (level.size() != list.size() && asks_for_authentication(level)) scope.emplace(writer_, "");
      if (entries_of_level(level)) return true;
      from = to;
    }
    return false;
  }

  bool entries_of_level(const std::vector<ir::TableEntry>& list) {
    const bool authenticated = asks_for_authentication(list);
    bool asked = false;
    for (const ir::TableEntry& entry : list) {
      if (authenticated && !asked && entry.action == ir::Action::Allow) {
        write_authentication(writer_, list, peers_, peer_);
        asked = true;
      }
      if (entry.bit != 0) writer_.line("if (np_is(" + peer_ + ", " + peers_[entry.bit] + "))");
      Writer::Indent indent(writer_, entry.bit != 0 ? 1 : 0);
      origin(entry.rule);
      writer_.line(verdict(entry, authenticated));
      if (entry.bit == 0) return true;
    }
    return false;
  }

  void port_case(const PortGroup& ports, bool rest, ir::Protocol only) {
    const bool block = asks_for_authentication(ports.entries);  // declares variables
    const std::string open = block ? ": {" : ":";
    if (rest) writer_.line("default" + open);
    for (std::size_t i = 0; !rest && i < ports.ranges.size(); ++i) {
      const auto [first, last] = ports.ranges[i];
      writer_.line("case " + port_range(first, last) + (i + 1 == ports.ranges.size() ? open : ":") + (first == last ? icmp_comment(only, first) : ""));
    }
    {
      Writer::Indent indent(writer_);
      if (!entries(ports.entries)) writer_.line("break;");
    }
    if (block) writer_.line("}");
  }

  void cases(const ProtocolGroup& group, const Form& form) {
    const ir::Protocol only = group.protocols.size() == 1 ? group.protocols.front() : ir::Protocol::Any;
    writer_.line("switch (flow->port) {");
    for (const PortGroup* ports : form.cases) {
      const bool rest = ports == &group.ports.back();
      if (!rest || !ports->entries.empty()) port_case(*ports, rest, only);
    }
    writer_.line("}");
  }

  std::string function_name(const ProtocolGroup& group) const {
    if (group.protocols.size() == kProtocols) return name_ + "_any";
    std::string out = name_;
    for (const auto protocol : group.protocols) out += "_" + lower(protocol_constant(protocol).substr(3));
    return out;
  }

  TableInput tables(const ProtocolGroup& group, const Form& form) const {
    const bool icmp = group.protocols.front() == ir::Protocol::Icmp || group.protocols.front() == ir::Protocol::Icmpv6;
    return {function_name(group), form.tables, static_cast<std::uint16_t>(icmp ? 255 : 65535), row_words(table_)};
  }

  void protocol(const ProtocolGroup& group) {
    const Form form = form_of(group);
    if (!form.tables.empty()) write_tables(writer_, tables(group, form));
    writer_.line("static np_verdict " + function_name(group) + "(" + parameters() + ")");
    {
      Writer::Block body(writer_, "");
      bool decided = false;
      if (group.ports.size() == 1 && form.tables.empty()) decided = entries(group.ports[0].entries);
      else if (!form.cases.empty()) cases(group, form);
      if (!form.tables.empty()) writer_.line("return " + ask_tables(tables(group, form), peer_, otherwise()) + ";");
      else if (!decided) writer_.line("return " + otherwise() + ";");
    }
    writer_.line("");
  }

  void policy() {
    writer_.line("np_verdict np_policy_" + name_ + "(const struct np_flow *flow)");
    Writer::Block body(writer_, "");
    if (asks_peers()) {
      writer_.line("const np_u64 *" + peer_ + " = np_peer(" + map_ + ", flow);");
      writer_.line("");
    }
    if (layout_.size() == 1 && layout_[0].protocols.size() == kProtocols)
      return writer_.line("return " + function_name(layout_[0]) + "(" + arguments() + ");");
    if (!layout_.empty()) {
      writer_.line("switch (flow->protocol) {");
      for (const ProtocolGroup& group : layout_) {
        for (const auto protocol : group.protocols) writer_.line("case " + protocol_constant(protocol) + ":");
        Writer::Indent indent(writer_);
        writer_.line("return " + function_name(group) + "(" + arguments() + ");");
      }
      writer_.line("}");
    }
    writer_.line("return " + otherwise() + ";");
  }

  static constexpr std::size_t kProtocols = 5;

  Writer& writer_;
  std::vector<LineOrigin>& origins_;
  const ir::DirectionTable& table_;
  ir::Direction direction_;
  bool ingress_;
  std::string name_, peer_, map_;
  std::vector<std::string> peers_;
  std::vector<ProtocolGroup> layout_;
};

constexpr std::string_view kTagPlace = "@TAG@", kWhomPlace = "@WHOM@";

}  // namespace

// Authentication is always code.
Room room(const ir::DirectionTable& table) {
  Room out;
  for (const ProtocolGroup& group : lay_out(table)) {
    const Form form = form_of(group);
    for (const PortGroup* ports : form.cases)
      if (asks_for_authentication(ports->entries)) out.authenticated += ports->entries.size();
    if (form.tables.empty()) continue;
    const TableInput input{"", form.tables, 65535, row_words(table)};
    out.data += table_words(input);
    out.turns += table_turns(input);
  }
  return out;
}

std::uint32_t row_words(const ir::DirectionTable& table) { return static_cast<std::uint32_t>(std::max<std::size_t>(1, (table.bits.size() + 63) / 64)); }

std::map<std::uint32_t, std::vector<std::uint64_t>> peer_rows(const ir::DirectionTable& table) {
  std::map<std::uint32_t, std::vector<std::uint64_t>> out;
  for (std::size_t bit = 1; bit < table.bits.size(); ++bit)
    for (const std::uint32_t identity : table.bits[bit].identities) {
      auto& own = out.try_emplace(identity, row_words(table), 0).first->second;
      own[0] |= 1;  // everyone
      own[bit / 64] |= 1ull << (bit % 64);
    }
  return out;
}

bool asks_for_prefixes(const ir::DirectionTable& table) {
  return std::any_of(table.bits.begin(), table.bits.end(), [](const ir::PeerBit& bit) { return speaks_of_prefixes(bit.text); });
}

Emitted emit(const ir::DecisionTable& table, Subject subject) {
  Emitted out;
  Writer writer;
  std::string header(kHeader);
  header.replace(header.find(kWhomPlace), kWhomPlace.size(), subject == Subject::Node ? "a node" : "an endpoint");
  for (std::size_t at = 0, end; (end = header.find('\n', at)) != std::string::npos; at = end + 1) writer.line(header.substr(at, end - at));
  writer.line("#include \"np_policy.h\"");
  writer.line("");
  writer.line("NP_PROGRAM(" + std::string(kTagPlace) + ")");
  writer.line("NP_PLAN(" + plan_of(table.ingress, subject) + ", " + plan_of(table.egress, subject) + ")");
  writer.line("NP_COUNTERS(" + std::to_string(table.ingress.rules.size()) + ", " + std::to_string(table.egress.rules.size()) + ")");
  DirectionEmitter(writer, out.source_map, table.ingress, ir::Direction::Ingress).emit();
  DirectionEmitter(writer, out.source_map, table.egress, ir::Direction::Egress).emit();

  out.c = std::move(writer.text());
  const std::string tag = sha256_hex(out.c).substr(0, 16);
  out.tag = std::stoull(tag, nullptr, 16);
  out.c.replace(out.c.find(kTagPlace), kTagPlace.size(), "0x" + tag + "ULL");
  out.ingress_words = row_words(table.ingress);
  out.egress_words = row_words(table.egress);
  return out;
}

std::optional<Unenforceable> unenforceable(const ir::DecisionTable& table, const EmitOptions& options) {
  if (table.incomputable) return Unenforceable{table.incomputable->reason, Obstacle::Conflict, table.incomputable->rules};
  for (const ir::DirectionTable* direction : {&table.ingress, &table.egress})
    if (auto why = too_large(*direction)) return Unenforceable{"the policies of an endpoint are too large together: " + *why, Obstacle::Size, direction->rules};
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
  return Unenforceable{"L7 rules are not enforced yet", Obstacle::L7, std::move(rules)};
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
