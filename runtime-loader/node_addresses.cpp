#include "runtime-loader/node_addresses.h"

#include <algorithm>
#include <filesystem>

#include "ir/identity/fqdn.h"
#include "runtime-loader/files.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {
namespace {

using Overrides = std::map<Prefix, AddressOverride>;

Result<AddressOverride> checked(const Running& running, AddressOverride what) {
  if (!what.endpoint.empty()) {
    const auto found = find_endpoint(running.bundle, what.endpoint);
    if (!found) return tl::make_unexpected(found.error());
  }
  if (what.key) {
    auto key = checked_key(running.bundle, std::move(*what.key));
    if (!key) return tl::make_unexpected(key.error());
    what.key = std::move(*key);
  }
  // A number that nobody has now may be given to somebody later.
  if (what.identity && !is_reserved(*what.identity) && !key_of(running.bundle, running.state.learned, *what.identity))
    return bad_input("identity " + std::to_string(*what.identity) + " is nobody's; `netpol-loader identity list` shows all, and --labels makes others");
  return what;
}

void add(const Prefix& prefix, AddressOverride what, Overrides& overrides) {
  AddressOverride& now = overrides[prefix];
  if (!now.external || !what.external) {
    now = std::move(what);
    return;
  }
  now.external->names.merge(what.external->names);
  ir::LabelSet& groups = now.external->groups;
  groups.insert(groups.end(), what.external->groups.begin(), what.external->groups.end());
  ir::normalise(groups);
  now.external->outside |= what.external->outside;
}

// What was said of an address outside is taken back; others are nobody's from now on.
void remove(const AddressWord& word, const AddressIdentities& without, Overrides& overrides) {
  const auto found = overrides.find(word.prefix);
  if (found != overrides.end() && found->second.external) {
    ExternalFacts& facts = *found->second.external;
    for (const std::string& name : word.names) facts.names.erase(name);
    if (word.names.empty() || (facts.names.empty() && facts.groups.empty() && !facts.outside)) overrides.erase(found);
  } else if (!word.names.empty()) {
    return;
  } else if (without.contains(word.prefix)) {
    overrides[word.prefix] = {};
  } else {
    overrides.erase(word.prefix);
  }
}

// What was taken back shall not come again with the former generation.
void take_back(const std::vector<AddressWord>& words, Overrides& former) {
  for (const AddressWord& word : words) {
    const auto found = word.add ? former.end() : former.find(word.prefix);
    if (found == former.end()) continue;
    if (word.names.empty() || !found->second.external) former.erase(found);
    else
      for (const std::string& name : word.names) found->second.external->names.erase(name);
  }
}

Result<Overrides> applied(const Running& running, const std::vector<AddressWord>& words) {
  Overrides out = running.state.overrides;
  std::optional<AddressIdentities> without;  // as if nothing had been said
  for (const AddressWord& word : words) {
    if (word.add) {
      auto what = checked(running, *word.add);
      if (!what) return tl::make_unexpected(Failure{what.error().kind, word.prefix.to_string() + ": " + what.error().message});
      add(word.prefix, std::move(*what), out);
      continue;
    }
    if (!without) {
      auto plan = running.plan({});
      if (!plan) return tl::make_unexpected(plan.error());
      without = std::move(plan->addresses);
    }
    remove(word, *without, out);
  }
  return out;
}

bool asked_for(const Bundle& bundle, const std::vector<ir::FqdnPeer>& selectors, const std::string& name) {
  return std::any_of(selectors.begin(), selectors.end(), [&](const ir::FqdnPeer& s) { return ir::fqdn_selects(s, name, bundle.cilium_version); });
}

std::vector<std::string> notes(const Running& running, const std::vector<AddressWord>& words, const AddressIdentities& next) {
  std::vector<ir::FqdnPeer> selectors;
  for (const std::size_t program : running.programs)
    for (const BundleDirection* direction : {&running.bundle.programs[program].ingress, &running.bundle.programs[program].egress})
      for (const ir::ConditionPtr& tree : direction->selectors) ir::collect_names(*tree, selectors);
  std::set<std::string> out;
  for (const AddressWord& word : words) {
    if (!word.add || !word.add->external) continue;
    for (const std::string& name : word.add->external->names)
      if (!asked_for(running.bundle, selectors, name)) out.insert("no policy that is loaded asks for " + name);
    const auto found = next.find(word.prefix);
    if (found != next.end() && !is_external(found->second))
      out.insert(word.prefix.to_string() + " belongs to the cluster (identity " + std::to_string(found->second) + "): names and groups say nothing of it");
  }
  return {out.begin(), out.end()};
}

std::optional<std::uint32_t> at(const AddressIdentities& all, const Prefix& prefix) {
  const auto found = all.find(prefix);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::string address_mark(const Installation& site) { return site.state_directory() + "/changing.json"; }

Result<AddressReport> change_addresses(const Where& where, const std::vector<AddressWord>& words) {
  auto running = open_running(where, true);
  if (!running) return tl::make_unexpected(running.error());
  auto overrides = applied(*running, words);
  if (!overrides) return tl::make_unexpected(overrides.error());
  const auto former = running->plan(running->state.overrides), next = running->plan(*overrides);
  if (!former) return tl::make_unexpected(former.error());
  if (!next) return tl::make_unexpected(next.error());

  std::set<Prefix> said;
  for (const AddressWord& word : words) said.insert(word.prefix);
  if (const Done done = write_file(address_mark(*running->site), "{}\n"); !done) return tl::make_unexpected(done.error());
  for (const Prefix& prefix : said)
    if (const Done done = forget_local(*running->site, prefix); !done) return tl::make_unexpected(done.error());
  if (const Done done = publish(*running, *former, *next, said); !done) return tl::make_unexpected(done.error());
  running->state.overrides = std::move(*overrides);
  if (running->state.previous) take_back(words, running->state.previous->overrides);
  running->state.learned = next->learned;
  if (const Done done = write_state(*running->site, running->state); !done) {
    (void)publish(*running, *next, *former, said);
    return tl::make_unexpected(done.error());
  }
  std::error_code ignored;
  std::filesystem::remove(address_mark(*running->site), ignored);
  AddressReport report;
  for (const Prefix& prefix : said) report.changes.push_back({prefix, at(former->addresses, prefix), at(next->addresses, prefix)});
  report.notes = notes(*running, words, next->addresses);
  return report;
}

Result<KnownPeers> known_peers(const Where& where) {
  const auto running = open_running(where, false);
  if (!running) return tl::make_unexpected(running.error());
  auto addresses = read_addresses(running->addresses());
  if (!addresses) return tl::make_unexpected(addresses.error());
  KnownPeers out{std::move(*addresses), {}};
  for (const auto& [id, labels] : running->bundle.identities) out.identities[id].labels = labels;
  const auto plan = running->plan(running->state.overrides);
  if (!plan) return tl::make_unexpected(plan.error());
  if (plan->host) {
    std::vector<std::string>& labels = out.identities[kHostIdentity].labels;
    labels.clear();
    for (const ir::Label& label : plan->host->labels) labels.push_back(label.to_string());
  }
  for (const auto& [id, key] : running->state.learned) {
    KnownIdentity& identity = out.identities[id];
    identity.learned = true;
    for (const ir::Label& label : key.labels) identity.labels.push_back(label.to_string());
  }
  for (const auto& [prefix, id] : out.addresses) ++out.identities[id].addresses;
  return out;
}

}  // namespace netpolc::loader
