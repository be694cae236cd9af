// Addresses outside the cluster: the labels that names, groups and the prefixes around them give.
#include <algorithm>
#include <memory>
#include <tuple>

#include "ir/decide/condition_tree.h"
#include "ir/identity/cidr_label.h"
#include "ir/identity/fqdn.h"
#include "runtime-loader/identities.h"

namespace netpolc::loader {
namespace {

std::vector<ir::FqdnPeer> names_asked_for(const Bundle& bundle) {
  std::vector<ir::FqdnPeer> out;
  for (const BundleProgram& program : bundle.programs)
    for (const BundleDirection* direction : {&program.ingress, &program.egress})
      for (const ir::ConditionPtr& tree : direction->selectors) ir::collect_names(*tree, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool has_source(const ir::LabelSet& labels, std::string_view source) {
  return std::any_of(labels.begin(), labels.end(), [&](const ir::Label& label) { return label.source == source; });
}

bool is_world(const ir::Label& label) { return label.source == "reserved" && label.key.starts_with("world"); }

// A prefix that is known, the labels that hold in it, and whether any of them was said at run time.
struct Around {
  Prefix prefix;
  std::shared_ptr<const ir::LabelSet> labels;
  bool told = false;
};

class External {
 public:
  External(const Bundle& bundle, IdentityNumbers& numbers, AddressIdentities& addresses)
      : bundle_(bundle), numbers_(numbers), addresses_(addresses), asked_(names_asked_for(bundle)) {}

  // In order: a prefix after all that contain it.
  Done place(const Prefix& prefix, const ExternalFacts* facts) {
    while (!around_.empty() && !around_.back().prefix.contains(prefix)) around_.pop_back();
    const bool told = facts != nullptr || (!around_.empty() && around_.back().told);
    const std::uint32_t world = prefix.address.v6 ? bundle_.world6 : bundle_.world4;
    if (told && world == 0) return bad_input(prefix.to_string() + ": the cluster has no IPv" + (prefix.address.v6 ? "6" : "4"));
    const auto found = addresses_.find(prefix);
    const std::uint32_t known = found != addresses_.end() && is_external(found->second) ? found->second : 0;
    const Outcome& outcome = work_out(known, facts, world);
    if (told && outcome.identity == 0)
      return refused(prefix.to_string() + ": no number is left for another identity outside the cluster; load the bundle again");
    if (told) addresses_[prefix] = outcome.identity;
    around_.push_back({prefix, outcome.labels, told});
    return {};
  }

 private:
  struct Outcome {
    std::shared_ptr<const ir::LabelSet> labels;
    std::uint32_t identity = 0;  // where it was told of
  };

  // Most of many prefixes are alike: same facts in the same surroundings.
  const Outcome& work_out(std::uint32_t known, const ExternalFacts* facts, std::uint32_t world) {
    static const ExternalFacts none;
    const bool told = facts != nullptr || (!around_.empty() && around_.back().told);
    const ExternalFacts& said = facts == nullptr ? none : *facts;
    const ir::LabelSet* outer = around_.empty() ? nullptr : around_.back().labels.get();
    const auto [found, fresh] = outcomes_.try_emplace(std::tuple(known, told, world, outer, said.names, said.groups));
    if (!fresh) return found->second;
    ir::LabelSet labels = own(known, facts);
    inherit(labels);
    if (told && std::none_of(labels.begin(), labels.end(), is_world)) {
      const ir::LabelSet& outside = numbers_.labels(world);
      labels.insert(labels.end(), outside.begin(), outside.end());
    }
    ir::normalise(labels);
    if (told) found->second.identity = numbers_.number({labels, {}});
    found->second.labels = std::make_shared<const ir::LabelSet>(std::move(labels));
    return found->second;
  }

  ir::LabelSet own(std::uint32_t known, const ExternalFacts* facts) const {
    ir::LabelSet labels;
    if (known != 0) labels = numbers_.labels(known);
    if (facts == nullptr) return labels;
    labels.insert(labels.end(), facts->groups.begin(), facts->groups.end());
    for (const std::string& name : facts->names)
      for (const ir::FqdnPeer& selector : asked_)
        if (ir::fqdn_selects(selector, name, bundle_.cilium_version)) labels.push_back(ir::fqdn_label(selector));
    return labels;
  }

  // Only the most specific cidr: label stays and, before 1.20, only the most specific value of a group's.
  void inherit(ir::LabelSet& labels) const {
    if (around_.empty()) return;
    const ir::LabelSet mine = labels;
    for (const ir::Label& label : *around_.back().labels) {
      if (label.source == ir::cidr_source && has_source(mine, ir::cidr_source)) continue;
      const auto same_key = [&](const ir::Label& l) { return l.source == label.source && l.key == label.key; };
      if (bundle_.cilium_version < 20 && label.source == "cidrgroup" && std::any_of(mine.begin(), mine.end(), same_key)) continue;
      labels.push_back(label);
    }
    ir::normalise(labels);
  }

  const Bundle& bundle_;
  IdentityNumbers& numbers_;
  AddressIdentities& addresses_;
  std::vector<ir::FqdnPeer> asked_;
  std::vector<Around> around_;  // innermost last
  // By identity in the bundle, whether it was told of, world, labels around, names, groups.
  std::map<std::tuple<std::uint32_t, bool, std::uint32_t, const ir::LabelSet*, std::set<std::string>, ir::LabelSet>, Outcome> outcomes_;
};

}  // namespace

Done place_external(const Bundle& bundle, const std::map<Prefix, const ExternalFacts*>& said, IdentityNumbers& numbers,
                    AddressIdentities& addresses) {
  if (said.empty()) return {};
  std::map<Prefix, const ExternalFacts*> all;
  for (const auto& [prefix, identity] : addresses)
    if (is_external(identity)) all.emplace(prefix, nullptr);
  for (const auto& [prefix, facts] : said) {
    const auto found = addresses.find(prefix);
    // What is in the cluster is not outside, whatever a name resolves to.
    if (found != addresses.end() && !is_external(found->second) && !facts->outside) continue;
    all[prefix] = facts;
  }
  External external(bundle, numbers, addresses);
  for (const auto& [prefix, facts] : all)
    if (const Done done = external.place(prefix, facts); !done) return done;
  return {};
}

IdentityKey with_address_labels(const Bundle& bundle, IdentityKey key, const Prefix& prefix, const IdentityNumbers& numbers,
                                const AddressIdentities& addresses) {
  const bool node = std::any_of(key.labels.begin(), key.labels.end(), [](const ir::Label& l) { return l.source == "reserved" && l.key == "remote-node"; });
  if (!bundle.cidr_matches_nodes || !node || !prefix.is_single()) return key;
  if (const auto own = IpPrefix::parse(prefix.to_string())) key.labels.push_back(ir::cidr_label(*own));
  for (int length = prefix.length; length >= 0; --length) {
    const auto outer = Prefix::parse(prefix.address.to_string() + "/" + std::to_string(length));
    const auto found = addresses.find(*outer);
    if (found == addresses.end() || !is_external(found->second)) continue;
    for (const ir::Label& label : numbers.labels(found->second))
      if (!is_world(label) && label.source != ir::cidr_source) key.labels.push_back(label);
    break;
  }
  ir::normalise(key.labels);
  return key;
}

}  // namespace netpolc::loader
