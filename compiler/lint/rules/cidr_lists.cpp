// Rules about lists of CIDRs that are longer than what they say: one entry for each is an identity and policy map entries on every node.
#include <algorithm>

#include "compiler/lint/edits.h"
#include "compiler/lint/rule.h"

namespace netpolc::lint {
namespace {

using frontend::Node;

// What two halves are the halves of. A /0 is the world, and no sum of two prefixes: nodes that CIDRs match are not in it (section 3.4).
std::optional<IpPrefix> joined(const IpPrefix& one, const IpPrefix& other) {
  if (one.length != other.length || one.length < 2 || one.address.v6 != other.address.v6 || one == other) return std::nullopt;
  IpPrefix out = one;
  --out.length;
  out.address.bytes[out.length / 8] &= static_cast<std::uint8_t>(~(0x80U >> (out.length % 8)));
  return out.contains(other) ? std::optional(out) : std::nullopt;
}

// As few prefixes as say the same, sorted.
std::vector<IpPrefix> fewest(std::vector<IpPrefix> all) {
  std::sort(all.begin(), all.end());
  std::vector<IpPrefix> out;
  for (const IpPrefix& one : all) {
    if (!out.empty() && out.back().contains(one)) continue;
    out.push_back(one);
    while (out.size() > 1) {
      const auto both = joined(out[out.size() - 2], out.back());
      if (!both) break;
      out.pop_back();
      out.back() = *both;
    }
  }
  return out;
}

// An entry without exceptions.
struct Entry {
  IpPrefix prefix;
  std::size_t item;  // in the list
  const Node* text;
};

// "192.0.2.0/24", `{cidr: 192.0.2.0/24}`, `{ipBlock: {cidr: 192.0.2.0/24}}`.
const Node* text_of(const Node& item) {
  if (item.is_scalar()) return &item;
  if (!item.is_mapping() || item.entries.size() != 1) return nullptr;
  const std::string& key = item.entries.front().first.text;
  return key == "cidr" || key == "ipBlock" ? text_of(item.entries.front().second) : nullptr;
}

std::vector<Entry> entries_of(const Node& list, bool world_counts) {
  std::vector<Entry> out;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Node* text = text_of(list.items[i]);
    if (text == nullptr || !text->is_scalar()) continue;
    auto prefix = IpPrefix::parse(text->text);
    if (const auto address = IpAddress::parse(text->text)) prefix = IpPrefix::host(*address);
    if (prefix && (prefix->length != 0 || world_counts)) out.push_back({*prefix, i, text});
  }
  return out;
}

std::string named(const Entry& entry, std::size_t others, const char* one, const char* many) {
  const std::string more = others == 0 ? "" : others == 1 ? " and another" : " and " + std::to_string(others) + " more";
  return "`" + entry.text->text + "`" + more + " " + (others == 0 ? one : many);
}

bool is_run(const std::vector<Entry>& entries) { return entries.back().item - entries.front().item + 1 == entries.size(); }

// Whoever says what each entry is for wants to have each.
bool has_remarks(const Facts& facts, const std::vector<Entry>& entries) {
  const std::string_view text = facts.places().sources().text(entries.front().text->span.file);
  const std::size_t begin = entries.front().text->span.begin, end = std::min(text.find('\n', entries.back().text->span.end), text.size());
  return begin > end || text.substr(begin, end - begin).find('#') != std::string_view::npos;
}

class List {
 public:
  // `own`: it may be changed, as it is written here and meant nowhere else.
  List(const Facts& facts, const Node& list, bool own, bool world_counts) : facts_(facts), list_(list), own_(own), entries_(entries_of(list, world_counts)) {}

  void report(Findings& out) const {
    std::vector<IpPrefix> all;
    for (const Entry& one : entries_) all.push_back(one.prefix);
    for (const IpPrefix& prefix : fewest(all)) {
      std::vector<Entry> inside;
      std::copy_if(entries_.begin(), entries_.end(), std::back_inserter(inside), [&](const Entry& one) { return prefix.contains(one.prefix); });
      if (inside.size() < 2) continue;
      if (has_whole(inside, prefix)) out.push_back(covered(inside, prefix));
      else if (!has_remarks(facts_, inside)) out.push_back(halves(inside, prefix));
    }
  }

 private:
  static bool has_whole(const std::vector<Entry>& inside, const IpPrefix& prefix) {
    return std::any_of(inside.begin(), inside.end(), [&](const Entry& one) { return one.prefix == prefix; });
  }

  std::optional<FixIt> as_one(const std::vector<Entry>& entries, const std::string& text) const {
    return own_ && is_run(entries) ? items_as_one(facts_, list_, entries.front().item, entries.back().item, text) : std::nullopt;
  }

  // One of them is all of them.
  Diagnostic covered(std::vector<Entry> inside, const IpPrefix& prefix) const {
    const auto whole = std::find_if(inside.begin(), inside.end(), [&](const Entry& one) { return one.prefix == prefix; });
    const std::string kept = whole->text->text;
    std::vector<Entry> others = inside;
    others.erase(others.begin() + (whole - inside.begin()));
    const bool again = others.size() == 1 && others.front().prefix == prefix;
    Diagnostic found{.kind = DiagKind::CidrsMerge,
                     .where = others.front().text->span,
                     .message = again ? "`" + kept + "` is in this list twice" : named(others.front(), others.size() - 1, "lies", "lie") + " in `" + kept + "`, which is in this list as well",
                     .label = "the list says the same without",
                     .severity = Severity::Note};
    if (own_ && others.size() == 1) found.fix = without_item(facts_, list_, others.front().item);
    else found.fix = as_one(inside, kept);
    return found;
  }

  Diagnostic halves(const std::vector<Entry>& inside, const IpPrefix& prefix) const {
    Diagnostic found{.kind = DiagKind::CidrsMerge,
                     .where = inside.front().text->span,
                     .message = named(inside.front(), inside.size() - 1, "", "of this list are") + " `" + prefix.to_string() + "` together",
                     .label = "one entry says the same",
                     .severity = Severity::Note};
    found.fix = as_one(inside, prefix.to_string());
    return found;
  }

  const Facts& facts_;
  const Node& list_;
  const bool own_;
  const std::vector<Entry> entries_;
};

using Rules = std::vector<ir::Rule>::const_iterator;

// Whether a look at the text can be worth it: asked of every entry, as that costs little.
bool has_superfluous(Rules first, Rules last) {
  for (const bool in_set : {false, true}) {
    std::vector<IpPrefix> all;
    for (Rules rule = first; rule != last; ++rule)
      for (const ir::Peer& peer : rule->peers)
        if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer); cidr != nullptr && cidr->in_set == in_set && cidr->except.empty()) all.push_back(cidr->prefix);
    if (all.size() > 1 && fewest(all).size() < all.size()) return true;
  }
  return false;
}

void find_merging(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies()) {
    if (policy.kind == ir::PolicyKind::ClusterNetworkPolicy) continue;
    // Each peer of a NetworkPolicy is a rule of its own; those of one entry stand together.
    for (Rules rule = policy.rules.begin(), next; rule != policy.rules.end(); rule = next) {
      next = std::find_if(rule, policy.rules.end(), [&](const ir::Rule& one) { return one.where != rule->where; });
      const Node* node = has_superfluous(rule, next) ? facts.places().node_at(rule->where) : nullptr;
      if (node == nullptr || !node->is_mapping()) continue;
      for (const char* key : {"fromCIDR", "fromCIDRSet", "from", "toCIDR", "toCIDRSet", "to"})
        if (const Node* list = node->find(key); list != nullptr && list->is_sequence())
          List(facts, *list, own_list(facts, *node, key) != nullptr, !facts.cluster().config.cidr_matches_nodes).report(out);
    }
  }
}

}  // namespace

std::vector<Rule> cidr_list_rules() {
  return {{DiagKind::CidrsMerge, Severity::Note, Needs::Policies, find_merging,
           "A CIDR that lies in another one of its list changes nothing, and two halves of a CIDR are that CIDR. Each entry is an identity, and "
           "in every endpoint's policy map an entry for each port: fewer are less work for each node, and fewer places to go wrong. A narrow "
           "CIDR beside a wide one may also mean that the wide one was not meant. Entries with exceptions are left alone, and halves of "
           "which a comment says what each is for. The fix leaves the list with the same meaning, where no comment would be lost.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: partners, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toCIDR:
    - 192.0.2.0/24
    - 198.51.100.0/25
    - 192.0.2.17/32
  - toCIDRSet: [{cidr: 203.0.113.0/25}]
    toPorts:
    - ports: [{port: "443"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: partners, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toCIDR:
    - 192.0.2.64/26
    - 192.0.2.128/26
    - 198.51.100.0/25   # the office
    - 198.51.100.128/25   # the other office
  - toCIDRSet:
    - cidr: 203.0.113.0/24
      except: [203.0.113.16/28]
    - cidr: 203.0.113.16/29
)"}};
}

}  // namespace netpolc::lint
