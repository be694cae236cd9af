#include "runtime-loader/connectivity/decision_table.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <optional>

namespace netpolc::loader::connectivity {
namespace {

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

template <std::unsigned_integral Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<std::uint8_t> take_protocol(std::string_view& text) {
  // The longer of two that begin alike comes first.
  static constexpr std::pair<std::string_view, int> names[] = {{"other ", 0},           {"TCP ", IPPROTO_TCP},         {"UDP ", IPPROTO_UDP},
                                                               {"SCTP ", IPPROTO_SCTP}, {"ICMPv6 ", IPPROTO_ICMPV6}, {"ICMP ", IPPROTO_ICMP}};
  for (const auto& [name, number] : names)
    if (take(text, name)) return static_cast<std::uint8_t>(number);
  return std::nullopt;
}

}  // namespace

struct TableParser {
  using Class = TableDirection::Class;
  using Entry = TableDirection::Entry;

  // "allow via http bit 3 auth required (rule 7)"
  static bool entry(std::string_view& text, Entry& out) {
    if (take(text, "deny"))
      out.reason = NP_REASON_DENY;
    else if (!take(text, "allow"))
      return false;
    if (take(text, " via ")) {
      out.reason = NP_REASON_L7_NOT_ENFORCED;
      text.remove_prefix(std::min(text.find(' '), text.size()));
    }
    if (!take(text, " bit ") || !take(text, out.bit)) return false;
    if (take(text, " auth required") || take(text, " auth always-fail"))
      out.reason = NP_REASON_AUTH_REQUIRED;
    else
      take(text, " auth disabled");
    return take(text, " (rule ") && take(text, out.rule) && take(text, ")");
  }

  // "TCP 8080-8081: allow bit 1 (rule 0), …"
  static bool classes(std::string_view text, std::vector<Class>& all) {
    Class out;
    const auto protocol = take_protocol(text);
    if (!protocol) return false;
    out.protocol = *protocol;
    if (!take(text, "*")) {
      if (!take(text, out.first)) return false;
      out.last = out.first;
      if (take(text, "-") && !take(text, out.last)) return false;
    }
    if (!take(text, ":")) return false;
    if (text != " nothing")
      for (std::string_view before = " "; !text.empty(); before = ", ") {
        Entry one;
        if (!take(text, before) || !entry(text, one)) return false;
        out.entries.push_back(one);
      }
    all.push_back(std::move(out));
    return true;
  }

  static bool head(std::string_view text, TableDirection& out) {
    if (take(text, "not enforced")) return text.empty();
    out.enforced_ = true;
    out.default_deny_ = take(text, "default deny");
    if (!out.default_deny_ && !take(text, "default allow")) return false;
    out.own_node_let_in_ = take(text, ", the own node is let in");
    return text.empty();
  }

  TableDirection* current = nullptr;
  Table table;

  bool line(std::string_view text) {
    if (take(text, "ingress: ")) return head(text, *(current = &table.ingress));
    if (take(text, "egress: ")) return head(text, *(current = &table.egress));
    if (current == nullptr || !take(text, "  ")) return false;
    if (text.starts_with("bit ") || text.starts_with("rule ")) return true;
    return classes(text, current->classes_);
  }
};

Result<Table> parse_table(std::string_view text, const std::string& name) {
  TableParser parser;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!parser.line(line)) return bad_input(name + ":" + std::to_string(number) + ": is no line of a decision table");
  }
  return parser.table;
}

Decision TableDirection::decide(const std::vector<std::uint64_t>& bits, bool from_own_node, std::uint8_t protocol, std::uint16_t number) const {
  if (!enforced_) return {};
  const bool known = std::any_of(classes_.begin(), classes_.end(), [&](const Class& it) { return it.protocol == protocol; });
  const std::uint8_t wanted = known ? protocol : 0;
  for (const Class& it : classes_) {
    if (it.protocol != wanted || number < it.first || number > it.last) continue;
    for (const Entry& entry : it.entries) {
      const bool holds = entry.bit == 0 || (entry.bit / 64 < bits.size() && (bits[entry.bit / 64] >> (entry.bit % 64) & 1) != 0);
      if (holds) return {entry.reason == NP_REASON_FORWARDED, entry.reason, entry.rule};
    }
  }
  if (!default_deny_ || (own_node_let_in_ && from_own_node)) return {};
  return {false, NP_REASON_DEFAULT_DENY, NP_NO_RULE};
}

}  // namespace netpolc::loader::connectivity
