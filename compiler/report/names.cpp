#include "compiler/report/names.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/answers.h"
#include "ir/eval/fqdn.h"

namespace netpolc::compiler {
namespace {

using Names = std::vector<std::string>;

constexpr std::uint32_t kLastReserved = 10;  // of identities: addresses that no rule tells from the world have one of these

std::string listed(const std::vector<IpAddress>& addresses) {
  constexpr std::size_t kShown = 4;
  std::string out;
  for (std::size_t i = 0; i < addresses.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + addresses[i].to_string();
  return addresses.size() <= kShown ? out : out + " and " + std::to_string(addresses.size() - kShown) + " more";
}

class Namer {
 public:
  Namer(const Session& session, const verify::diffs::StandIns& stand_ins) : session_(session), resolutions_(session.resolutions) {
    resolutions_.insert(stand_ins.resolutions.begin(), stand_ins.resolutions.end());
    const auto& policies = session.loaded.policies.policies;
    for (std::uint32_t p = 0; p < policies.size(); ++p)
      for (std::uint32_t r = 0; r < policies[p].rules.size(); ++r)
        for (const ir::Peer& peer : policies[p].rules[r].peers)
          if (const auto* name = std::get_if<ir::FqdnPeer>(&peer)) rules_[*name].push_back({p, r});
    for (const auto& [name, refs] : rules_) addresses_[name] = ir::eval::resolve(name, resolutions_, version());
    for (const auto& [name, addresses] : session.resolutions)
      if (std::any_of(rules_.begin(), rules_.end(), [&](const auto& one) { return ir::eval::name_matches(one.first, name, version()); })) meant_.push_back(name);
  }

  // What has the end's identity, which is what policy goes by: names that --resolutions has, and others, as they are shown.
  struct Meaning {
    Names resolved;
    std::set<std::string> others;
  };
  // By identity. Those of names that no rule means any more are the world's: `stand_ins` has them.
  std::map<std::uint32_t, Meaning> meanings(const ir::Identities& identities, const verify::diffs::StandIns& stand_ins) const {
    std::map<std::uint32_t, Meaning> out;
    for (const std::string& name : meant_)
      for (const IpAddress& address : session_.resolutions.at(name)) {
        Names& names = out[identities.of_address(address)].resolved;
        if (names.empty() || names.back() != name) names.push_back(name);
      }
    for (const auto& [address, shown] : stand_ins.shown) out[identities.of_address(address)].others.insert(shown);
    std::erase_if(out, [](const auto& one) { return one.first <= kLastReserved; });
    return out;
  }

  Names rules_for(const IpAddress& address) const {
    std::set<ir::RuleRef> refs;
    for (const auto& [name, addresses] : addresses_)
      if (std::binary_search(addresses.begin(), addresses.end(), address)) refs.insert(rules_.at(name).begin(), rules_.at(name).end());
    Names out;
    for (const ir::RuleRef ref : refs) out.push_back(rule_name(ref, session_.loaded.policies));
    return out;
  }

  std::string how(const Meaning& meaning) const {
    std::string out;
    for (const std::string& name : meaning.resolved) out += (out.empty() ? "" : "; ") + name + " resolves to " + listed(session_.resolutions.at(name)) + " (--resolutions)";
    if (meaning.others.empty()) return out;
    if (!out.empty()) return out + "; and whatever other names that match resolve to";
    return meaning.others.begin()->find('*') == std::string::npos ? "whatever the name resolves to: no address is given for it" : "whatever names that match resolve to: no address is given for these";
  }

 private:
  ir::CiliumVersion version() const { return session_.loaded.cluster.config.version; }

  const Session& session_;
  ir::Resolutions resolutions_;
  std::map<ir::FqdnPeer, std::vector<ir::RuleRef>> rules_;
  std::map<ir::FqdnPeer, std::vector<IpAddress>> addresses_;
  Names meant_;
};

}  // namespace

void add_names(const Session& session, const ir::Identities& identities, const verify::diffs::StandIns& stand_ins, const verify::Parties& parties, std::vector<ReportEnd>& ends) {
  const Namer namer(session, stand_ins);
  const auto meanings = namer.meanings(identities, stand_ins);
  std::map<std::string, std::size_t> ends_of;  // how many ends have addresses of a name
  std::map<std::size_t, Namer::Meaning> found;
  for (std::size_t e = 0; e < ends.size(); ++e) {
    const verify::End& first = parties[e].ends.front();
    if (first.kind != verify::EndKind::Address || !first.address) continue;
    Namer::Meaning meaning;
    if (const auto known = meanings.find(identities.of_address(*first.address)); known != meanings.end()) meaning = known->second;
    if (const auto shown = stand_ins.shown.find(*first.address); shown != stand_ins.shown.end()) meaning.others.insert(shown->second);
    if (meaning.resolved.empty() && meaning.others.empty()) continue;
    ends[e].by = namer.rules_for(*first.address);
    ends[e].how = namer.how(meaning);
    for (const std::string& name : meaning.resolved) ++ends_of[name];
    found.emplace(e, std::move(meaning));
  }
  for (const auto& [e, meaning] : found) {
    const bool alone = meaning.resolved.size() == 1 && ends_of[meaning.resolved.front()] == 1;
    if (meaning.others.empty() && !alone) continue;
    ends[e].kind = ReportEnd::Kind::Name;
    ends[e].name = meaning.others.empty() ? "fqdn:" + meaning.resolved.front() : *meaning.others.begin();
    ends[e].sends = !meaning.resolved.empty();
  }
}

}  // namespace netpolc::compiler
