#include "runtime-loader/connectivity/judge.h"

#include <netinet/in.h>

#include <algorithm>

#include "runtime-loader/files.h"
#include "runtime-loader/identities.h"
#include "runtime-loader/names.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader::connectivity {
namespace {

constexpr std::size_t kTableLimit = 64u << 20;

Prefix single(const Address& address) { return {address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)}; }

const HostPlan* find(const std::vector<HostPlan>& hosts, const std::string& name) {
  const auto found = std::find_if(hosts.begin(), hosts.end(), [&](const HostPlan& it) { return it.name == name; });
  return found == hosts.end() ? nullptr : &*found;
}

// Where the bundle is the same for all nodes: without what only loading needs.
Bundle without_bytes(Bundle bundle) {
  for (BundleProgram& program : bundle.programs) {
    program.source.clear();
    program.source_map.clear();
  }
  bundle.manifest.clear();
  return bundle;
}

Result<std::optional<Table>> table_of(const std::string& directory, const Bundle& bundle, const BundleProgram& program) {
  const std::string path = "programs/" + program.digest + ".ir";
  // Only what the manifest names was held against its checksum.
  if (bundle.manifest.find("\"" + path + "\"") == std::string::npos) return std::nullopt;
  const auto text = read_beneath(directory, path, kTableLimit);
  if (!text) return tl::make_unexpected(text.error());
  auto table = parse_table(*text, directory + "/" + path);
  if (!table) return tl::make_unexpected(table.error());
  return std::optional<Table>(std::move(*table));
}

}  // namespace

const Leg* Expected::denied_by() const {
  const auto found = std::find_if(legs.begin(), legs.end(), [](const Leg& it) { return !it.decision.allowed; });
  return found == legs.end() ? nullptr : &*found;
}

std::uint32_t Judge::View::identity(const Address& address) const {
  if (std::find(own.begin(), own.end(), address) != own.end()) return kHostIdentity;
  const Prefix wanted = single(address);
  int longest = -1;
  std::uint32_t out = address.v6 ? bundle.world6 : bundle.world4;
  for (const auto& [prefix, identity] : addresses) {
    if (prefix.length <= longest || !prefix.contains(wanted)) continue;
    longest = prefix.length;
    out = identity;
  }
  return out;
}

Result<Judge> Judge::create(const std::string& directory, const Bundle& bundle, World& world) {
  Judge judge;
  for (const Host& host : world.hosts()) {
    judge.hosts_.push_back(host);
    if (host.kind != HostKind::Pod) continue;
    const auto endpoint = find_endpoint(bundle, host.name);
    if (!endpoint) return tl::make_unexpected(endpoint.error());
    const std::size_t program = bundle.endpoints[*endpoint].program;
    if (judge.tables_.contains(program)) continue;
    auto table = table_of(directory, bundle, bundle.programs[program]);
    if (!table) return tl::make_unexpected(table.error());
    if (*table) judge.tables_.emplace(program, std::move(**table));
  }
  std::set<std::size_t> programs;
  for (std::size_t p = 0; p < bundle.programs.size(); ++p) programs.insert(p);
  for (const NodeSite& node : world.nodes()) {
    View view{without_bytes(bundle), bundle.addresses, judge.hosts_[node.host].addresses, nullptr, {}};
    AddressIdentities own;
    for (const Address& address : view.own) own[single(address)] = kHostIdentity;
    const auto host = own_node(view.bundle, node.name, {}, own);
    if (!host) return tl::make_unexpected(host.error());
    if (*host)
      if (const Done done = add_peers(view.bundle, programs, {{kHostIdentity, **host}}); !done) return tl::make_unexpected(done.error());
    judge.views_.push_back(std::move(view));
  }
  return judge;
}

std::pair<std::size_t, std::size_t> Judge::tables() const {
  std::set<std::size_t> programs;
  for (const HostPlan& host : hosts_)
    if (host.kind == HostKind::Pod)
      if (const auto endpoint = find_endpoint(bundle(), host.name)) programs.insert(bundle().endpoints[*endpoint].program);
  return {tables_.size(), programs.size()};
}

Done Judge::learn(World& world, const std::vector<Address>& told) {
  for (std::size_t n = 0; n < views_.size(); ++n) {
    View& view = views_[n];
    const auto known = known_peers(world.nodes()[n].where);
    if (!known) return tl::make_unexpected(known.error());
    std::set<std::size_t> programs;
    for (std::size_t p = 0; p < view.bundle.programs.size(); ++p) programs.insert(p);
    for (const Address& address : told) {
      const auto found = known->addresses.find(single(address));
      if (found == known->addresses.end()) return refused(address.to_string() + " was told and is not in the loader's table");
      view.addresses[single(address)] = found->second;
      const auto identity = known->identities.find(found->second);
      if (identity == known->identities.end() || !identity->second.learned) continue;
      if (Done done = add_peers(view.bundle, programs, {{found->second, {parsed(identity->second.labels), {}}}}); !done) return done;
    }
    view.objects.clear();
    view.maps.reset();
  }
  return {};
}

Decision Judge::ask_table(const View& view, const Table& table, const Question& question) const {
  const BundleDirection& facts = direction_of(view.bundle.programs[question.program], question.direction);
  const auto bits = facts.peers.find(question.peer);
  const bool v6 = question.source.v6;
  const std::uint16_t number = question.speech == Speech::Echo ? (v6 ? 128 : 8) : question.port;
  return (question.direction == NP_INGRESS ? table.ingress : table.egress)
      .decide(bits == facts.peers.end() ? std::vector<std::uint64_t>{} : bits->second, question.from_own_node, ip_protocol(question.speech, v6), number);
}

Done Judge::load_program(View& view, std::size_t program) {
  if (view.objects.contains(program)) return {};
  if (!view.maps) view.maps = std::make_unique<TestMaps>();
  const BundleProgram& it = view.bundle.programs[program];
  auto object = Object::load(it.bytes, it.object, view.maps->shared, it.ingress.peers, it.egress.peers);
  if (!object) return tl::make_unexpected(object.error());
  view.objects.emplace(program, std::move(*object));
  AddressIdentities addresses;
  for (const HostPlan& host : hosts_)
    for (const Address& address : host.addresses) addresses[single(address)] = view.identity(address);
  np_config config = fresh_config();
  config.world4 = {view.bundle.world4, view.maps->shared.rows.row(view.bundle.world4)};
  config.world6 = {view.bundle.world6, view.maps->shared.rows.row(view.bundle.world6)};
  config.tunnel_port = view.bundle.tunnel_port;
  config.flags |= NP_CONFIG_REPORT_ALLOWED;
  return view.maps->set_addresses(addresses, config);
}

Result<Decision> Judge::ask_program(View& view, const Question& question) {
  if (Done done = load_program(view, question.program); !done) return tl::make_unexpected(done.error());
  if (Done done = view.maps->forget_connections(); !done) return tl::make_unexpected(done.error());
  if (const auto old = view.maps->take_events(); !old) return tl::make_unexpected(old.error());
  PacketSpec packet;
  packet.source = question.source;
  packet.destination = question.destination;
  packet.protocol = ip_protocol(question.speech, question.source.v6);
  packet.destination_port = question.port;
  packet.icmp_type = question.source.v6 ? 128 : 8;
  const Side side = question.direction == NP_EGRESS ? Side::FromPod : Side::ToPod;
  const auto verdict = test_run(view.objects.at(question.program), side, build_packet(packet), question.from_own_node);
  if (!verdict) return tl::make_unexpected(verdict.error());
  const auto events = view.maps->take_events();
  if (!events) return tl::make_unexpected(events.error());
  Decision out;
  out.allowed = *verdict == TcVerdict::Pass;
  if (!events->empty()) out = {out.allowed, events->back().reason, events->back().rule};
  return out;
}

Result<Leg> Judge::leg(std::size_t node, const std::string& pod, const Question& question) {
  View& view = views_[node];
  const auto endpoint = find_endpoint(view.bundle, pod);
  if (!endpoint) return tl::make_unexpected(endpoint.error());
  Leg out;
  out.direction = question.direction;
  out.node = node;
  out.endpoint = *endpoint;
  Question asked = question;
  asked.program = view.bundle.endpoints[*endpoint].program;
  out.peer = asked.peer = view.identity(question.direction == NP_EGRESS ? question.destination : question.source);
  // Only who is the node is from the node: its address in a packet from elsewhere is the world's.
  asked.from_own_node = question.direction == NP_INGRESS && out.peer == kHostIdentity;
  const auto table = tables_.find(asked.program);
  out.by_table = table != tables_.end();
  const auto decision = out.by_table ? Result<Decision>(ask_table(view, table->second, asked)) : ask_program(view, asked);
  if (!decision) return tl::make_unexpected(decision.error());
  out.decision = *decision;
  return out;
}

Result<Expected> Judge::expect(const Action& action) {
  Expected out;
  const HostPlan* from = find(hosts_, action.from);
  const HostPlan* to = find(hosts_, action.to);
  Question question;
  question.source = action.source;
  question.destination = action.service && action.service->at_node ? action.service->address : action.destination;
  question.speech = action.speech;
  question.port = action.port;
  if (from != nullptr && from->kind == HostKind::Pod) {
    question.direction = NP_EGRESS;
    auto one = leg(from->node, from->name, question);
    if (!one) return tl::make_unexpected(one.error());
    out.legs.push_back(std::move(*one));
  }
  if (to != nullptr && to->kind == HostKind::Pod) {
    question.direction = NP_INGRESS;
    question.destination = action.destination;
    auto one = leg(to->node, to->name, question);
    if (!one) return tl::make_unexpected(one.error());
    out.legs.push_back(std::move(*one));
  }
  return out;
}

std::string Judge::words(const Leg& leg, const Decision& decision) const {
  const BundleEndpoint& endpoint = bundle().endpoints[leg.endpoint];
  const BundleDirection& facts = direction_of(bundle().programs[endpoint.program], leg.direction);
  const std::string verdict = decision.allowed ? "ALLOWED" : "DENIED (" + reason_name(decision.reason) + ")";
  std::string out = verdict + " at " + direction_name(leg.direction) + " of " + endpoint.full_name();
  if (decision.rule >= facts.rule_texts.size()) {
    if (decision.rule != NP_NO_RULE) return out + " by rule " + std::to_string(decision.rule) + ", which the bundle doesn't have";
    return out + (decision.allowed ? ", no rule needed" : ", no rule allows it");
  }
  out += " by `" + facts.rule_texts[decision.rule] + "`";
  const auto& origins = origins_of(endpoint, leg.direction);
  if (decision.rule < origins.size() && origins[decision.rule]) out += ", " + to_string(*origins[decision.rule]);
  return out;
}

}  // namespace netpolc::loader::connectivity
