#include "compiler/report/names.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/answers.h"
#include "ir/eval/fqdn.h"

namespace netpolc::compiler {
namespace {

using Names = std::vector<std::string>;

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

  // Names in --resolutions that some rule means, of an address.
  Names names_of(const IpAddress& address) const {
    Names out;
    for (const std::string& name : meant_) {
      const auto& all = session_.resolutions.at(name);
      if (std::find(all.begin(), all.end(), address) != all.end()) out.push_back(name);
    }
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

  std::string how(const Names& names) const {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : "; ") + name + " resolves to " + listed(session_.resolutions.at(name)) + " (--resolutions)";
    return out;
  }

  // Of a stand-in.
  std::string how(const std::string& shown) const {
    if (shown.find('*') == std::string::npos) return "whatever the name resolves to: no address is given for it";
    return session_.resolutions.empty() ? "whatever names that match resolve to: no address is given for any" : "whatever other names that match resolve to, beyond those that addresses are given for";
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

void add_names(const Session& session, const verify::diffs::StandIns& stand_ins, const verify::Parties& parties, std::vector<ReportEnd>& ends) {
  const Namer namer(session, stand_ins);
  std::map<std::string, std::size_t> ends_of;  // how many ends have addresses of a name
  std::map<std::size_t, Names> names_of;
  for (std::size_t e = 0; e < ends.size(); ++e) {
    const verify::End& first = parties[e].ends.front();
    if (first.kind != verify::EndKind::Address || !first.address) continue;
    ends[e].by = namer.rules_for(*first.address);
    if (const auto shown = stand_ins.shown.find(*first.address); shown != stand_ins.shown.end()) {
      ends[e].kind = ReportEnd::Kind::Name;
      ends[e].sends = false;
      ends[e].how = namer.how(shown->second);
      continue;
    }
    Names names = namer.names_of(*first.address);
    if (names.empty()) continue;
    ends[e].how = namer.how(names);
    for (const std::string& name : names) ++ends_of[name];
    names_of[e] = std::move(names);
  }
  for (const auto& [e, names] : names_of) {
    if (names.size() != 1 || ends_of[names.front()] != 1) continue;
    ends[e].kind = ReportEnd::Kind::Name;
    ends[e].name = "fqdn:" + names.front();
  }
}

}  // namespace netpolc::compiler
