#include "verify/side_access.h"

#include <algorithm>
#include <map>
#include <set>

namespace netpolc::verify {
namespace {

constexpr std::uint32_t host_identity = 1;

std::string generic_name(ir::RuleRef ref, const ir::PolicySet& policies) {
  if (ref.policy >= policies.policies.size() || ref.rule >= policies.policies[ref.policy].rules.size()) return "";
  for (const ir::PortRule& ports : policies.policies[ref.policy].rules[ref.rule].ports)
    if (ports.l7.parser == ir::L7Parser::Generic) return ports.l7.generic_name;
  return "";
}

template <class Refs>
std::string parser_name(ir::L7Parser parser, const Refs& refs, const ir::PolicySet& policies) {
  switch (parser) {
    case ir::L7Parser::None: return "";
    case ir::L7Parser::Http: return "http";
    case ir::L7Parser::Dns: return "dns";
    case ir::L7Parser::Kafka: return "kafka";
    case ir::L7Parser::Tls: return "tls";
    case ir::L7Parser::Crd: return "crd";
    case ir::L7Parser::Generic: break;
  }
  for (const ir::RuleRef& ref : refs)
    if (auto name = generic_name(ref, policies); !name.empty()) return name;
  return "generic";
}

// Reads a table by bits: the first entry of a class that holds for an identity decides.
class Reader {
 public:
  Reader(const ir::DirectionTable& table, const ir::PolicySet& policies, AccessSets& sets)
      : table_(table), policies_(policies), sets_(sets), entries_(table.bits.size()), first_(table.classes.size(), none) {
    for (std::uint32_t c = 0; c < table.classes.size(); ++c) {
      bool auth = false;
      for (std::uint32_t e = 0; e < table.classes[c].entries.size(); ++e) {
        const ir::TableEntry& entry = table.classes[c].entries[e];
        auth |= entry.auth != ir::AuthMode::Unset;
        entries_[entry.bit].push_back({c, e});
      }
      auth_.push_back(auth);
    }
    for (const At& at : entries_[0]) first_[at.c] = std::min(first_[at.c], at.entry);
  }

  // `bits`: those of `identity`, without bit 0.
  AccessId access(const std::vector<std::uint32_t>& bits, std::uint32_t identity) {
    std::vector<std::uint32_t> first = first_;
    for (std::uint32_t bit : bits)
      for (const At& at : entries_[bit]) first[at.c] = std::min(first[at.c], at.entry);
    return assemble([&](std::uint32_t c) -> std::optional<MarksId> {
      const ir::L4Class& at = table_.classes[c];
      if (auth_[c] || identity == host_identity) return marks_of(ir::look_up(table_, identity, {at.protocol, at.first}), policies_, sets_);
      if (first[c] == none) return std::nullopt;
      return marks(at.entries[first[c]]);
    });
  }

 private:
  static constexpr std::uint32_t none = ~0U;
  struct At {
    std::uint32_t c = 0, entry = 0;
  };

  template <class Decide>
  AccessId assemble(Decide&& decide) {
    Access spans;
    const auto add = [&](const ir::L4Class& at, ir::Protocol protocol, std::optional<MarksId> marks) {
      const std::uint16_t limit = last_number(protocol);
      if (marks && at.first <= limit) spans.push_back({protocol, at.first, std::min(at.last, limit), *marks});
    };
    std::optional<MarksId> rest;  // of protocols that the table does not name
    auto next = static_cast<int>(ir::Protocol::Tcp);
    const auto fill = [&](int end) {
      for (; next < end; ++next)
        if (rest) spans.push_back({static_cast<ir::Protocol>(next), 0, last_number(static_cast<ir::Protocol>(next)), *rest});
    };
    for (std::uint32_t c = 0; c < table_.classes.size(); ++c) {
      const ir::L4Class& at = table_.classes[c];
      const auto marks = decide(c);
      if (at.protocol == ir::Protocol::Any) rest = marks;
      else fill(static_cast<int>(at.protocol));
      add(at, at.protocol, marks);
      next = static_cast<int>(at.protocol) + 1;
    }
    fill(static_cast<int>(ir::Protocol::Ah) + 1);
    return sets_.intern(spans);
  }

  std::optional<MarksId> marks(const ir::TableEntry& entry) {
    if (entry.action == ir::Action::Deny) return std::nullopt;
    if (entry.l7 == ir::L7Parser::None) return unmarked;
    return sets_.intern(Marks{parser_name(entry.l7, std::vector{table_.rules[entry.rule]}, policies_), ""});
  }

  const ir::DirectionTable& table_;
  const ir::PolicySet& policies_;
  AccessSets& sets_;
  std::vector<std::vector<At>> entries_;  // by bit
  std::vector<std::uint32_t> first_;      // by class: the first entry for everyone
  std::vector<bool> auth_;                // by class: authentication is asked for
};

// The bits of each identity that has one, sorted by identity.
std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>> bits_of_identities(const ir::DirectionTable& table) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t bit = 1; bit < table.bits.size(); ++bit)
    for (std::uint32_t identity : table.bits[bit].identities) pairs.emplace_back(identity, bit);
  std::sort(pairs.begin(), pairs.end());
  std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>> out;
  for (const auto& [identity, bit] : pairs) {
    if (out.empty() || out.back().first != identity) out.push_back({identity, {}});
    out.back().second.push_back(bit);
  }
  if (out.empty() || out.front().first != host_identity) out.insert(out.begin(), {host_identity, {}});
  return out;
}

}  // namespace

SideAccess::SideAccess(const ir::DirectionTable& table, const ir::PolicySet& policies, AccessSets& sets) {
  if (table.enforcement == ir::Enforcement::None) return;
  Reader reader(table, policies, sets);
  others_ = reader.access({}, 0);
  std::map<std::vector<std::uint32_t>, AccessId> known;
  for (const auto& [identity, bits] : bits_of_identities(table)) {
    AccessId access = nothing;
    if (identity == host_identity) {
      access = reader.access(bits, identity);
    } else {
      const auto [kept, fresh] = known.emplace(bits, nothing);
      if (fresh) kept->second = reader.access(bits, identity);
      access = kept->second;
    }
    if (access != others_) named_.push_back({identity, access});
  }
}

AccessId SideAccess::of(std::uint32_t identity) const {
  const auto found = std::lower_bound(named_.begin(), named_.end(), identity,
                                      [](const Named& named, std::uint32_t wanted) { return named.identity < wanted; });
  return found != named_.end() && found->identity == identity ? found->access : others_;
}

std::vector<Stretch> stretches(const ir::DirectionTable& table) {
  std::vector<Stretch> out;
  for (auto p = static_cast<int>(ir::Protocol::Any); p <= static_cast<int>(ir::Protocol::Ah); ++p) {
    const auto protocol = static_cast<ir::Protocol>(p);
    const std::size_t before = out.size();
    for (const ir::L4Class& at : table.classes)
      if (at.protocol == protocol && at.first <= last_number(protocol))
        out.push_back({{protocol, at.first}, std::min(at.last, last_number(protocol))});
    if (out.size() == before) out.push_back({{protocol, 0}, last_number(protocol)});
  }
  return out;
}

std::vector<Stretch> stretches(const ir::PolicySet& policies, const ir::Cluster& cluster) {
  std::set<std::uint32_t> starts{0};
  const auto mention = [&](std::uint16_t first, std::uint16_t last) {
    starts.insert(first);
    starts.insert(last + 1U);
  };
  for (const ir::Policy& policy : policies.policies)
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports)
        for (const ir::PortMatch& match : item.ports) mention(match.first, std::max(match.first, match.last));
  for (const ir::Endpoint& endpoint : cluster.endpoints)
    for (const ir::NamedPort& port : endpoint.named_ports) mention(port.port, port.port);
  std::vector<Stretch> out;
  for (auto p = static_cast<int>(ir::Protocol::Any); p <= static_cast<int>(ir::Protocol::Ah); ++p) {
    const auto protocol = static_cast<ir::Protocol>(p);
    const std::uint32_t end = last_number(protocol) + 1U;
    for (auto start = starts.begin(); start != starts.end() && *start < end; ++start) {
      const auto next = std::next(start);
      const std::uint32_t stop = next == starts.end() ? end : std::min(*next, end);
      out.push_back({{protocol, static_cast<std::uint16_t>(*start)}, static_cast<std::uint16_t>(stop - 1)});
    }
  }
  return out;
}

std::optional<MarksId> marks_of(const ir::SideVerdict& verdict, const ir::PolicySet& policies, AccessSets& sets) {
  if (verdict.verdict == ir::Verdict::Deny || verdict.verdict == ir::Verdict::DefaultDeny) return std::nullopt;
  Marks marks;
  if (verdict.verdict == ir::Verdict::AllowL7) marks.l7 = parser_name(verdict.l7, verdict.rules, policies);
  if (verdict.auth == ir::AuthMode::Required) marks.auth = "required";
  if (verdict.auth == ir::AuthMode::AlwaysFail) marks.auth = "test-always-fail";
  return sets.intern(marks);
}

}  // namespace netpolc::verify
