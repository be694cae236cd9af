#include "verify/all_ports.h"

#include <algorithm>
#include <map>
#include <set>

#include "verify/prefix_classes.h"

namespace netpolc::verify {
namespace {

constexpr std::uint32_t remote_node_identity = 6, apiserver_identity = 7, local_scope = 0x01000000, node_scope = 0x02000000;

bool comes_from_address(const ir::Label& label) {
  return label.source == "cidr" || label.source == "fqdn" || label.source == "cidrgroup";
}

std::string identity_key(const ir::LabelSet& labels, const std::vector<ir::NamedPort>& ports) {
  std::string key;
  for (const ir::Label& label : labels) key += label.source + '\0' + label.key + '\0' + label.value + '\1';
  for (const ir::NamedPort& port : ports)
    key += port.name + '\0' + std::to_string(port.port) + '/' + std::to_string(static_cast<int>(port.protocol)) + '\2';
  return key;
}

std::string prefix_name(const IpPrefix& prefix) {
  return prefix.length == prefix.address.bits() ? "ip:" + prefix.address.to_string() : "cidr:" + prefix.to_string();
}

bool is_local(std::uint32_t identity) { return identity >= local_scope && identity < node_scope; }

}  // namespace

AllPorts::AllPorts(const ir::eval::World& world, const ir::IdentityLock& lock, Judge& judge)
    : world_(world),
      judge_(judge),
      identities_(ir::Identities::build(world.policies, world.cluster, world.resolutions, lock)),
      decisions_(ir::decide(world.policies, world.cluster, world.resolutions, identities_)),
      ingress_(decisions_.tables.size()),
      egress_(decisions_.tables.size()) {
  index_identities();
  index_subjects();
}

void AllPorts::index_identities() {
  for (const ir::Identity& identity : identities_.all()) identity_ids_.emplace(identity_key(identity.labels, identity.named_ports), identity.id);
}

void AllPorts::index_subjects() {
  for (const ir::DecidedEndpoint& decided : decisions_.endpoints) {
    auto& encounters = judge_.encounters();
    const auto subject = decided.is_host ? encounters.host_subject(decided.endpoint) : encounters.endpoint_subject(decided.endpoint);
    if (!subject) continue;
    if (subject_tables_.size() <= *subject) subject_tables_.resize(*subject + 1);
    subject_tables_[*subject] = decided.table;
  }
}

// ---- who is asked about ------------------------------------------------------------------------

tl::expected<Parties, RefError> AllPorts::parties(const std::string& reference) const {
  auto ends = judge_.directory().resolve(reference, std::nullopt);
  if (!ends) return tl::unexpected(ends.error());
  Parties out;
  std::unordered_map<std::string, std::size_t> by_name;
  for (End& end : *ends) {
    const auto [found, fresh] = by_name.emplace(end.name, out.size());
    if (fresh) out.push_back({end.name, {}});
    out[found->second].ends.push_back(std::move(end));
  }
  if (reference != "any") return out;
  add_nodes(out);
  add_prefixes(out);
  return out;
}

// Nodes that are more to policy than a remote node: by labels, by address, or as API servers.
void AllPorts::add_nodes(Parties& out) const {
  std::set<std::uint32_t> seen{remote_node_identity};
  for (std::uint32_t n = 0; n < world_.cluster.nodes.size(); ++n) {
    const ir::Node& node = world_.cluster.nodes[n];
    if (!seen.insert(identities_.of_node(n)).second) continue;
    if (identities_.of_node(n) == apiserver_identity) {
      out.push_back({"entity:kube-apiserver", *judge_.directory().resolve("entity:kube-apiserver", std::nullopt)});
    } else if (!node.addresses.empty()) {
      out.push_back({"ip:" + node.addresses.front().to_string(), {judge_.directory().address_end(node.addresses.front())}});
    }
  }
}

// One address stands for all that have the same identity.
void AllPorts::add_prefixes(Parties& out) const {
  std::vector<IpPrefix> cuts;
  for (const auto& entry : identities_.addresses()) cuts.push_back(entry.prefix);
  std::unordered_map<std::uint32_t, const IpPrefix*> names;  // of an identity: its first prefix
  for (const auto& entry : identities_.addresses()) names.emplace(entry.identity, &entry.prefix);
  std::set<std::uint32_t> seen;
  for (const char* family : {"0.0.0.0/0", "::/0"}) {
    const IpPrefix whole = *IpPrefix::parse(family);
    if (!(whole.address.v6 ? world_.cluster.config.ipv6 : world_.cluster.config.ipv4)) continue;
    for (const IpAddress& address : representatives(whole, cuts)) {
      const std::uint32_t identity = identities_.of_address(address);
      if (!is_local(identity) || !seen.insert(identity).second) continue;
      const std::string name = prefix_name(*names.at(identity));
      out.push_back({name, {{.kind = EndKind::Address, .name = name, .address = address}}});
    }
  }
}

bool AllPorts::managed(const Party& party) const {
  return std::any_of(party.ends.begin(), party.ends.end(), [&](const End& end) {
    if (end.kind == EndKind::Endpoint) return !world_.cluster.endpoints[end.index].remote;
    return end.kind == EndKind::Host && judge_.encounters().hosts_are_managed();
  });
}

bool AllPorts::decided(const Party& from, const Party& to) const { return managed(from) || managed(to); }

// ---- one side ------------------------------------------------------------------------------------

std::optional<std::uint32_t> AllPorts::find_identity(const ir::PeerFacts& facts) const {
  // In a single-stack cluster addresses of both families have the one world's identity, which
  // says nothing of the family that is off: the interpreter goes by the address.
  const auto& config = judge_.directory().cluster().config;
  if (facts.address && !(facts.address->v6 ? config.ipv6 : config.ipv4)) return std::nullopt;
  if (facts.address) {
    const ir::Identity* identity = identities_.find(identities_.of_address(*facts.address));
    if (identity == nullptr) return std::nullopt;
    ir::LabelSet labels = identity->labels;
    std::erase_if(labels, comes_from_address);
    return labels == facts.labels ? std::optional(identity->id) : std::nullopt;
  }
  if (world_.cluster.config.version >= 20 && facts.named_ports && !facts.named_ports->empty()) {
    const auto found = identity_ids_.find(identity_key(facts.labels, *facts.named_ports));
    return found == identity_ids_.end() ? std::nullopt : std::optional(found->second);
  }
  const auto found = identity_ids_.find(identity_key(facts.labels, {}));
  return found == identity_ids_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint32_t> AllPorts::identity_of(FactsId peer) {
  if (peers_.size() <= peer) peers_.resize(peer + 1);
  if (!peers_[peer]) peers_[peer] = find_identity(judge_.encounters().facts(peer));
  return *peers_[peer];
}

const ir::DecisionTable* AllPorts::table_of(SubjectId subject) const {
  if (subject >= subject_tables_.size() || !subject_tables_[subject]) return nullptr;
  return &decisions_.tables[*subject_tables_[subject]];
}

// Some policies have no table and can be interpreted all the same.
const ir::Incomputable* AllPorts::incomputable(SubjectId subject) {
  const ir::DecisionTable* table = table_of(subject);
  if (table == nullptr || !table->incomputable) return nullptr;
  const auto& why = judge_.policy(subject).incomputable();
  return why ? &*why : nullptr;
}

const std::vector<Stretch>& AllPorts::all_stretches() {
  if (all_stretches_.empty()) all_stretches_ = stretches(world_.policies, world_.cluster);
  return all_stretches_;
}

// A host without the host firewall has no table: nothing is enforced there.
AccessId AllPorts::side(SubjectId subject, ir::Direction direction, FactsId peer) {
  const ir::DecisionTable* table = table_of(subject);
  if (table == nullptr) return everything;
  const auto identity = identity_of(peer);
  if (!identity || table->incomputable) return interpreted(subject, direction, peer, *table);
  return checked(subject, direction, peer, side_of(*subject_tables_[subject], direction).of(*identity));
}

AccessId AllPorts::checked(SubjectId subject, ir::Direction direction, FactsId peer, AccessId access) {
  const std::uint64_t key = (std::uint64_t{*subject_tables_[subject]} << 33U) | (std::uint64_t{peer} << 1U) | static_cast<std::uint64_t>(direction);
  if (check_ && checked_.insert(key).second) check_(judge_.encounters().subject(subject), direction, judge_.encounters().facts(peer), sets_[access]);
  return access;
}

const SideAccess& AllPorts::side_of(std::uint32_t table, ir::Direction direction) {
  const bool in = direction == ir::Direction::Ingress;
  auto& kept = (in ? ingress_ : egress_)[table];
  if (!kept) kept.emplace(in ? decisions_.tables[table].ingress : decisions_.tables[table].egress, world_.policies, sets_);
  return *kept;
}

// Peers that no identity stands for: the host of one node of several, say. And subjects without a table.
AccessId AllPorts::interpreted(SubjectId subject, ir::Direction direction, FactsId peer, const ir::DecisionTable& table) {
  const std::uint64_t key = (std::uint64_t{subject} << 33U) | (std::uint64_t{peer} << 1U) | static_cast<std::uint64_t>(direction);
  const auto [kept, fresh] = interpreted_.emplace(key, everything);
  const auto& policy = judge_.policy(subject);
  if (!fresh || policy.enforcement(direction) == ir::Enforcement::None) return kept->second;
  const auto& facts = judge_.encounters().facts(peer);
  const auto own = stretches(direction == ir::Direction::Ingress ? table.ingress : table.egress);
  return kept->second = judged_access(table.incomputable ? all_stretches() : own, sets_, [&](ir::Flow flow) {
           return marks_of(policy.judge(direction, facts, flow), world_.policies, sets_);
         });
}

// ---- both sides ------------------------------------------------------------------------------------

// What the datapath asks policy about.
AccessId AllPorts::sendable(const Meeting& meeting) {
  const ir::Flow overlay{ir::Protocol::Udp, world_.cluster.config.tunnel_port};
  return meeting.source && judge_.encounters().may_not_encapsulate(*meeting.source, meeting.destination_seen, overlay) ? sets_.all_but(overlay) : everything;
}

// What of that both sides let pass.
AccessId AllPorts::passing(const Meeting& meeting) {
  AccessId access = sendable(meeting);
  if (meeting.source) access = sets_.both(access, side(*meeting.source, ir::Direction::Egress, meeting.destination_seen));
  if (meeting.destination) access = sets_.both(access, side(*meeting.destination, ir::Direction::Ingress, meeting.source_seen));
  return access;
}

// False: cannot be decided.
bool AllPorts::add(const Meeting& meeting, const Party& from, const Party& to, const End& end, bool first, Traffic& out) {
  const std::pair<const std::optional<SubjectId>*, const Party*> subjects[] = {{&meeting.source, &from}, {&meeting.destination, &to}};
  for (const auto& [subject, party] : subjects) {
    const ir::Incomputable* why = *subject ? incomputable(**subject) : nullptr;
    if (why == nullptr) continue;
    out = {Word::Undecided, nothing, nothing, "the policy of " + party->name + " cannot be computed: " + why->reason};
    return false;
  }
  AccessId all = sendable(meeting);
  AccessId access = passing(meeting);
  if (!end.flows.empty()) {
    all = sets_.only(all, end.flows);
    access = sets_.only(access, end.flows);
  }
  if (access != all && sets_.plain(access) != all) out.word = Word::Mixed;
  out.allowed = first ? access : sets_.both(out.allowed, access);
  out.possible = first ? access : sets_.either(out.possible, access);
  return true;
}

Traffic AllPorts::between(const Party& from, const Party& to) {
  Traffic out;
  out.word = Word::Allowed;
  bool first = true;
  for (const End& source : from.ends) {
    for (const End& destination : to.ends) {
      for (const Meeting& meeting : judge_.encounters().meet(source, destination)) {
        if (!add(meeting, from, to, destination, first, out)) return out;
        first = false;
      }
    }
  }
  if (out.possible == nothing) out.word = Word::Denied;
  return out;
}

std::vector<AllPorts::Case> AllPorts::cases(const Party& from, const Party& to) {
  std::vector<Case> out;
  for (const End& source : from.ends)
    for (const End& destination : to.ends)
      for (const Meeting& meeting : judge_.encounters().meet(source, destination)) out.push_back({meeting, passing(meeting)});
  return out;
}

const ir::Incomputable* AllPorts::incomputable(const Party& party) {
  for (const End& end : party.ends)
    for (const auto& face : judge_.encounters().faces(end))
      if (const ir::Incomputable* why = face.subject ? incomputable(*face.subject) : nullptr) return why;
  return nullptr;
}

std::vector<const ir::DecisionTable*> AllPorts::tables(const Party& party) {
  std::vector<const ir::DecisionTable*> out;
  for (const End& end : party.ends)
    for (const auto& face : judge_.encounters().faces(end))
      if (const ir::DecisionTable* table = face.subject ? table_of(*face.subject) : nullptr) out.push_back(table);
  return out;
}

}  // namespace netpolc::verify
