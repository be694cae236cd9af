#include "verify/claims.h"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "ir/eval/requests.h"
#include "ir/eval/conflicts.h"
#include "ir/eval/fqdn.h"
#include "verify/entities.h"
#include "verify/symbolic/matters.h"
#include "verify/symbolic/replay.h"
#include "verify/symbolic/search.h"

namespace netpolc::verify {

using symbolic::Choice;

struct Claims::Prepared {
  explicit Prepared(const ir::eval::World& world) : rules(world) {
    for (const auto& policy : rules.policies)
      for (const auto& side : policy.rules)
        for (const auto& rule : side) {
          for (const auto& peer : rule.peers) matchers.emplace(peer.key, &peer.matcher);
          for (const auto& selector : rule.rule->requires_all) required.push_back(selector);
          named_ranges |= symbolic::has_named_range(*rule.rule);
        }
    for (std::size_t n = 0; n < required.size(); ++n) matchers.emplace("requires " + std::to_string(n), &required[n]);
  }
  symbolic::PreparedRules rules;
  std::vector<ir::eval::Matcher> required;  // by from/toRequires
  bool named_ranges = false;
  std::map<std::string, const ir::eval::Matcher*> matchers;  // the distinct ones
};

Claims::Claims(const ir::eval::World& world, Judge& judge, KeepsLabel keeps, SolverBudget budget, const ir::eval::World* other)
    : world_(world), judge_(judge), keeps_(std::move(keeps)), budget_(budget), other_(other), prepared_(std::make_unique<Prepared>(world_)) {
  if (other != nullptr) other_prepared_ = std::make_unique<Prepared>(*other);
}
Claims::~Claims() = default;

// ---- who is meant ------------------------------------------------------------------------------------

tl::expected<EndSet, RefError> Claims::ends(const std::string& reference, const std::vector<IpPrefix>& cuts) const {
  if (is_entity(reference)) return ends("entity:" + reference, cuts);
  EndSet out{.name = reference, .pods = {}, .ends = {}, .prefixes = {}};
  if (auto pattern = parse_pattern(reference)) {
    out.pods.push_back(std::move(*pattern));
    return out;
  }
  const Directory& directory = judge_.directory();
  if (reference == "any") {
    out.pods.push_back({"[]", std::nullopt, {}});
    for (const char* entity : {"entity:host", "entity:remote-node", "entity:kube-apiserver", "entity:health", "entity:ingress", "entity:init", "entity:unmanaged"})
      out.ends.push_back(directory.resolve(entity, std::nullopt)->front());
    for (std::uint32_t e = 0; e < world_.cluster.endpoints.size(); ++e)
      if (world_.cluster.endpoints[e].remote) out.ends.push_back(directory.endpoint_end(e, std::nullopt));
    for (End& end : node_ends([](const ir::Node&) { return true; })) out.ends.push_back(std::move(end));
    for (End& end : directory.outside(cuts)) out.ends.push_back(std::move(end));
    return out;
  }
  // The world is every address outside, not an identity without one.
  if (reference == "entity:world") {
    out.ends = directory.outside(cuts);
    out.prefixes = {*IpPrefix::parse("0.0.0.0/0"), *IpPrefix::parse("::/0")};
    return out;
  }
  // A name may resolve to any address outside.
  if (reference.starts_with("fqdn:")) {
    const std::string name = ir::eval::canonical_name(std::string_view(reference).substr(5));
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") != std::string::npos || name == ".")
      return tl::unexpected(RefError{"`" + reference + "`: expected a name, such as fqdn:api.example.com", false});
    for (End& end : directory.outside(cuts)) {
      end.name = reference;
      end.dns_name = name;
      out.ends.push_back(std::move(end));
    }
    return out;
  }
  auto found = directory.resolve(reference, std::nullopt);
  if (!found) return tl::unexpected(found.error());
  out.ends = std::move(*found);
  // What such an identity is also known by: the node's own labels and addresses, the API server's where it is outside.
  if (reference == "entity:remote-node")
    for (End& end : node_ends([](const ir::Node&) { return true; })) {
      end.labels = {{"reserved", "remote-node", ""}};
      out.ends.push_back(std::move(end));
    }
  if (reference == "entity:host" && world_.cluster.config.cidr_matches_nodes)
    for (End& end : node_ends([](const ir::Node& node) { return !node.remote_cluster; })) {
      end.labels = {{"reserved", "host", ""}};
      out.ends.push_back(std::move(end));
    }
  if (reference == "entity:kube-apiserver")
    for (const IpAddress& address : world_.cluster.kube_apiservers) out.ends.push_back(directory.address_end(address));
  // What is around a prefix, or left out of it, may be alike to policies: it has ends of its own.
  if (reference.starts_with("cidr:")) {
    if (const auto prefix = IpPrefix::parse(reference.substr(5))) {
      out.prefixes.push_back(*prefix);
      std::vector<IpPrefix> all = cuts;
      all.push_back(*prefix);
      for (End& end : directory.outside(all))
        if (prefix->contains(*end.address)) out.ends.push_back(std::move(end));
    }
    return out;
  }
  for (const End& end : out.ends)
    if (end.kind == EndKind::Address) out.prefixes.push_back(IpPrefix::host(*end.address));
  return out;
}

// A node by its addresses: where CIDRs match nodes, by each of them.
Ends Claims::node_ends(const std::function<bool(const ir::Node&)>& wanted) const {
  Ends out;
  for (const ir::Node& node : world_.cluster.nodes) {
    if (!wanted(node)) continue;
    for (const IpAddress& address : node.addresses) {
      out.push_back(judge_.directory().address_end(address));
      if (!world_.cluster.config.cidr_matches_nodes) break;
    }
  }
  return out;
}

namespace {

bool has_all(const ir::LabelSet& labels, const ir::LabelSet& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const ir::Label& label) { return std::binary_search(labels.begin(), labels.end(), label); });
}

// A node is left out as the host where it is one, and as what it is to others.
bool left_out(const ir::PeerFacts& facts, const EndSet& excluded) {
  return std::any_of(excluded.ends.begin(), excluded.ends.end(), [&](const End& other) {
    if (other.kind == EndKind::Host) return ir::eval::has_label(facts.labels, "reserved", "host");
    return other.kind == EndKind::Reserved && has_all(facts.labels, other.labels);
  });
}

// Labels by a pattern are an identity's; a pattern means pods of this cluster.
bool is_such(const ir::Endpoint& endpoint, const PodPattern& pattern) {
  if (endpoint.remote || endpoint.host_network || (pattern.ns && *pattern.ns != endpoint.ns)) return false;
  return std::all_of(pattern.labels.begin(), pattern.labels.end(), [&](const auto& wanted) {
    return std::binary_search(endpoint.labels.begin(), endpoint.labels.end(), ir::Label{"k8s", wanted.first, wanted.second});
  });
}

bool left_out(const End& end, const EndSet& excluded, const ir::Cluster& cluster) {
  if (end.kind == EndKind::Endpoint)
    for (const PodPattern& pattern : excluded.pods)
      if (is_such(cluster.endpoints[end.index], pattern)) return true;
  if (end.address && end.kind == EndKind::Address)
    for (const IpPrefix& prefix : excluded.prefixes)
      if (prefix.contains(*end.address)) return true;
  return std::any_of(excluded.ends.begin(), excluded.ends.end(), [&](const End& other) {
    if (end.kind != other.kind || !other.dns_name.empty()) return false;  // by name: the search leaves it out
    switch (end.kind) {
      case EndKind::Endpoint: return end.index == other.index;
      case EndKind::Node: return other.labels.empty() && end.index == other.index;  // else it is left out as what it is to others
      case EndKind::Host: return true;
      case EndKind::Address: return end.address == other.address;
      case EndKind::Reserved: return end.labels == other.labels;
    }
    return false;
  });
}

}  // namespace

// ---- looking -------------------------------------------------------------------------------------------

namespace {

// What of all that a policy set asks about holds for somebody.
struct Asks {
  const ir::eval::World& world;
  const ir::eval::AddressLabels& labels;
  const std::map<std::string, const ir::eval::Matcher*>& matchers;
  void append(std::string& out, const ir::PeerFacts& facts) const {
    const ir::LabelSet all = facts.address ? labels.of(facts) : facts.labels;
    const ir::eval::PeerView view{facts, all, ir::eval::is_external(facts)};
    for (const auto& [key, matcher] : matchers) out += ir::eval::matches(*matcher, view, world.cluster.config, labels) ? '1' : '0';
  }
};

struct Candidate : Choice {
  const End* end = nullptr;  // none: a pattern
  FactsId seen = 0;
  std::optional<std::uint32_t> host_of = std::nullopt;  // a node as it sees itself: which one
};

class Look {
 public:
  Look(const symbolic::SearchWorld& world, Judge& judge, std::vector<Asks> asks, const Inquiry& inquiry)
      : judge_(judge), asks_(std::move(asks)), inquiry_(inquiry), world_(world), matters_(sets(world), inquiry.traffic) {}

  Finding run(std::uint64_t& steps) {
    const bool placed = has_pods(inquiry_.from) || has_pods(inquiry_.to);
    const auto from = choices(inquiry_.from, inquiry_.not_from, placed), to = choices(inquiry_.to, inquiry_.not_to, placed);
    for (const Candidate& source : from)
      for (const Candidate& destination : to) {
        if (placed && !meet(source, destination)) continue;
        if (source.subject == nullptr && destination.subject == nullptr && source.pattern == nullptr && destination.pattern == nullptr) {
          unjudged_ = world_.other == nullptr;
          continue;
        }
        if (asked_before(source, destination)) continue;
        const bool alike = says_the_same(source, destination);
        if (alike && possible_) continue;
        if (auto found = between(source, destination, alike, steps)) return std::move(*found);
      }
    if (!unknown_.empty()) return NotKnown{unknown_};
    std::sort(none_.because.begin(), none_.because.end());
    none_.because.erase(std::unique(none_.because.begin(), none_.because.end()), none_.because.end());
    none_.possible = possible_;
    none_.request_possible = possible_ || request_possible_;
    none_.nothing_enforced = unjudged_ && !possible_;
    note_conflicts();
    if (unjudged_ && possible_) none_.left_out.push_back("what ends that no policy is enforced for send to each other, such as a node to the world");
    return none_;
  }

 private:
  static std::vector<symbolic::RuleSet> sets(const symbolic::SearchWorld& world) {
    std::vector<symbolic::RuleSet> out{{world.world, world.rules}};
    if (world.other != nullptr) out.push_back({*world.other, *world.other_rules});
    return out;
  }
  static bool is_judged(const Candidate& one) { return one.pattern != nullptr || one.subject != nullptr; }
  static std::optional<std::string> namespace_of(const Candidate& one) {
    if (one.pattern != nullptr) return one.pattern->ns;
    return one.subject->is_host ? std::nullopt : std::optional(one.subject->ns);
  }

  // Addresses differ in rules of one direction and of some traffic: where those don't matter, one stands for all.
  bool asked_before(const Candidate& source, const Candidate& destination) {
    const bool sends = source.end != nullptr && source.end->kind == EndKind::Address;
    const Candidate &outside = sends ? source : destination, &other = sends ? destination : source;
    if (outside.end == nullptr || outside.end->kind != EndKind::Address || !is_judged(other)) return false;
    std::string what = matters_.of(sends ? ir::Direction::Ingress : ir::Direction::Egress, namespace_of(other), *outside.facts) + outside.dns_name + " ";
    const auto name = [&](const End& end) {
      if (end.dns_name.empty()) return;
      const auto addresses = ir::eval::resolve({end.dns_name, ""}, world_.world.resolutions, world_.world.cluster.config.version);
      what += std::binary_search(addresses.begin(), addresses.end(), *outside.facts->address) ? '1' : '0';
    };
    name(*outside.end);
    for (const End& end : inquiry_.not_to.ends) name(end);
    return !asked_.emplace(&other, sends, std::move(what)).second;
  }

  // Both sets have the same rules for these two.
  bool says_the_same(const Candidate& source, const Candidate& destination) {
    if (world_.other == nullptr || (inquiry_.request && !inquiry_.unknown_alike)) return false;
    return !(is_judged(source) && matters_.could_differ(ir::Direction::Egress, namespace_of(source), destination.facts)) &&
           !(is_judged(destination) && matters_.could_differ(ir::Direction::Ingress, namespace_of(destination), source.facts));
  }

  // Patterns first: what they find is what nobody has seen yet.
  // `placed`: ends that policies treat alike may be on different nodes, and it matters.
  std::vector<Candidate> choices(const EndSet& set, const EndSet& excluded, bool placed) {
    std::vector<Candidate> out;
    for (const PodPattern& pattern : set.pods) out.push_back({{&pattern, pattern.name, nullptr, nullptr}});
    std::set<std::pair<std::optional<SubjectId>, std::string>> seen;
    auto& encounters = judge_.encounters();
    for (const End& end : set.ends) {
      if (left_out(end, excluded, world_.world.cluster)) continue;
      const auto faces = encounters.faces(end);
      for (std::size_t i = 0; i < faces.size(); ++i) {
        const auto& face = faces[i];
        if (end.kind == EndKind::Node && !has_all(encounters.facts(face.seen).labels, end.labels)) continue;
        if (left_out(encounters.facts(face.seen), excluded)) continue;
        const std::string place = placed && end.kind != EndKind::Address ? std::to_string(static_cast<int>(end.kind)) + "/" + std::to_string(end.index) + "." + std::to_string(end.pod.value_or(0)) + " " : "";
        if (!seen.emplace(face.subject, place + end.dns_name + " " + signature(encounters.facts(face.seen))).second) continue;
        const auto host = host_of(end, i);
        const std::string name = end.name + (end.kind == EndKind::Host && faces.size() > 1 ? " of " + world_.world.cluster.nodes[*host].name : "");
        out.push_back({{nullptr, name, face.subject ? &kept(encounters.subject(*face.subject)) : nullptr, &kept(encounters.facts(face.seen)), end.dns_name}, &end, face.seen, host});
      }
    }
    return out;
  }
  // Whose host that is, as the end's i-th face.
  std::optional<std::uint32_t> host_of(const End& end, std::size_t i) const {
    if (end.kind == EndKind::Node && i == 0) return end.index;
    if (end.kind != EndKind::Host || !judge_.encounters().hosts_are_managed()) return std::nullopt;
    const auto& nodes = world_.world.cluster.nodes;
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const ir::Node& one) { return !one.remote_cluster && i-- == 0; });
    return found == nodes.end() ? std::nullopt : std::optional(static_cast<std::uint32_t>(found - nodes.begin()));
  }
  bool has_pods(const EndSet& set) const {
    return std::any_of(set.ends.begin(), set.ends.end(), [&](const End& end) { return end.kind == EndKind::Endpoint && !world_.world.cluster.endpoints[end.index].remote; });
  }
  // A pod that exists is on its nodes: one of them is its host, the others aren't (section 3.1).
  bool meet(const Candidate& from, const Candidate& to) {
    if (from.end == nullptr || to.end == nullptr) return true;
    const auto cases = judge_.encounters().meet(*from.end, *to.end);
    return std::any_of(cases.begin(), cases.end(), [&](const Meeting& one) { return one.source_seen == from.seen && one.destination_seen == to.seen; });
  }
  // Encounters may move theirs.
  const ir::Subject& kept(ir::Subject subject) { return *subjects_.emplace_back(std::make_unique<ir::Subject>(std::move(subject))); }
  const ir::PeerFacts& kept(ir::PeerFacts facts) { return *facts_.emplace_back(std::make_unique<ir::PeerFacts>(std::move(facts))); }

  std::string signature(const ir::PeerFacts& facts) const {
    std::string out;
    for (const Asks& asks : asks_) asks.append(out, facts);
    if (facts.address) out += facts.address->v6 ? '6' : '4';
    for (const ir::Label& label : facts.labels)
      if (label.source == "reserved" || facts.named_ports) out += label.to_string() + ' ';
    return out;
  }

  // Which endpoints meet the other end as it is seen here: a node is the host of its own pods, and a remote node to others.
  Choice placed(const Candidate& pattern, const Candidate& other, bool sends) {
    Choice out = pattern;
    if (pattern.end != nullptr || other.end == nullptr || (other.end->kind != EndKind::Node && other.end->kind != EndKind::Host)) return out;
    out.may_be = [this, &other, sends](std::uint32_t endpoint) {
      const End pod = judge_.directory().endpoint_end(endpoint, std::nullopt);
      const auto cases = sends ? judge_.encounters().meet(pod, *other.end) : judge_.encounters().meet(*other.end, pod);
      return std::any_of(cases.begin(), cases.end(), [&](const Meeting& one) { return (sends ? one.destination_seen : one.source_seen) == other.seen; });
    };
    return out;
  }

  // A node is somebody else to its own pods, so where a pod runs that nobody has seen yet is a part of the witness.
  void where(const symbolic::Met& pod, const Candidate& other, Witness& out) const {
    if (!pod.is_new || other.end == nullptr || other.end->kind != EndKind::Node) return;
    const bool there = ir::eval::has_label(other.facts->labels, "reserved", "host");
    out.besides.push_back(pod.name + " runs on " + (there ? "" : "another node than ") + world_.world.cluster.nodes[other.end->index].name);
  }

  // With the ends that are no patterns.
  static std::shared_ptr<const Scene> scene(Scene of, const Candidate& source, const Candidate& destination) {
    const auto add = [](SceneEnd& to, const Candidate& one) {
      if (one.end == nullptr) return;
      to = {*one.end, one.host_of};
      to.end.name = one.name;
      if (one.host_of) to.end.kind = EndKind::Host;
    };
    add(of.from, source);
    add(of.to, destination);
    return std::make_shared<const Scene>(std::move(of));
  }

  std::optional<Finding> between(const Candidate& source, const Candidate& destination, bool alike, std::uint64_t& steps) {
    const Choice from = placed(source, destination, true), to = placed(destination, source, false);
    const symbolic::Outcome outcome = symbolic::search(world_, context_, inquiry_, from, to, alike, steps);
    if (const auto* unknown = std::get_if<NotKnown>(&outcome)) {
      if (unknown_.empty()) unknown_ = unknown->why;
      return std::nullopt;
    }
    if (const auto* none = std::get_if<symbolic::Forbidden>(&outcome)) {
      none_.because.insert(none_.because.end(), none->because.begin(), none->because.end());
      possible_ |= none->possible;
      request_possible_ &= none->request_possible;
      return std::nullopt;
    }
    const auto& model = std::get<symbolic::Model>(outcome);
    symbolic::Replayed replayed = symbolic::replay(world_.world, model);
    if (!replayed.incomputable.empty()) {
      if (unknown_.empty()) unknown_ = replayed.incomputable;
      return std::nullopt;
    }
    if (!known(model, replayed, as_wanted(replayed))) return std::nullopt;
    if (!as_wanted(replayed)) throw std::logic_error(disagreement(model, replayed));
    Found found{{model.from.name, model.to.name, model.flow, model.request, std::move(replayed.egress), std::move(replayed.ingress), {}, {}, std::move(replayed.besides), {}, {}}};
    where(model.from, destination, found.witness);
    where(model.to, source, found.witness);
    found.witness.scene = scene(std::move(replayed.scene), source, destination);
    if (world_.other == nullptr) return found;
    symbolic::Replayed there = symbolic::replay(*world_.other, model);
    if (!there.incomputable.empty()) {
      if (unknown_.empty()) unknown_ = there.incomputable;
      return std::nullopt;
    }
    if (!known(model, there, !as_wanted(there))) return std::nullopt;
    if (as_wanted(there)) throw std::logic_error(disagreement(model, there));
    found.witness.other_egress = std::move(there.egress);
    found.witness.other_ingress = std::move(there.ingress);
    found.witness.other_scene = scene(std::move(there.scene), source, destination);
    return found;
  }

  // A request that turns on what is not modelled is no witness, unless the interpreter can tell.
  bool known(const symbolic::Model& model, const symbolic::Replayed& replayed, bool right) {
    std::string why = replayed.unknown();
    if (why.empty() && !right && model.unmodelled) why = "what some lists let pass is not known";
    if (why.empty()) return true;
    if (unknown_.empty()) unknown_ = inquiry_.name + ": " + why;
    return false;
  }

  static std::string disagreement(const symbolic::Model& model, const symbolic::Replayed& replayed) {
    return "the solver and the interpreter disagree: from " + model.from.name + " to " + model.to.name + ", " + ir::to_string(model.flow.protocol) + "/" +
           std::to_string(model.flow.number) + " is " + (replayed.allowed() ? "allowed" : "denied") + " to the interpreter";
  }

  bool as_wanted(const symbolic::Replayed& replayed) const {
    switch (inquiry_.wanted) {
      case Wanted::Allowed: return replayed.allowed();
      case Wanted::Denied: return !replayed.allowed();
      case Wanted::AllowedWithoutProxy: return replayed.allowed() && !replayed.proxied();
    }
    return false;
  }

  // Endpoints whose rules conflict have no policy that could be computed: an answer doesn't speak of them.
  void note_conflicts() {
    if (inquiry_.from.pods.empty() && inquiry_.to.pods.empty()) return;
    for (const auto* rules : {&world_.rules, world_.other_rules}) {
      if (rules != nullptr) note_conflicts(*rules);
    }
  }
  void note_conflicts(const symbolic::PreparedRules& rules) {
    for (const std::size_t d : {0U, 1U}) {
      std::vector<ir::eval::SelectedRule> all;
      for (const auto& policy : rules.policies)
        for (const auto& rule : policy.rules[d]) all.push_back({rule.ref, rule.rule, &rule.peers});
      if (const auto conflict = ir::eval::find_conflict(all)) none_.left_out.push_back("pods whose rules conflict (" + conflict->reason + "): no policy can be computed for them");
    }
    std::sort(none_.left_out.begin(), none_.left_out.end());
    none_.left_out.erase(std::unique(none_.left_out.begin(), none_.left_out.end()), none_.left_out.end());
  }

  Judge& judge_;
  const std::vector<Asks> asks_;
  const Inquiry& inquiry_;
  const symbolic::SearchWorld& world_;
  symbolic::Matters matters_;
  std::set<std::tuple<const Candidate*, bool, std::string>> asked_;
  z3::context context_;  // one for all searches: they say much the same
  std::vector<std::unique_ptr<ir::Subject>> subjects_;
  std::vector<std::unique_ptr<ir::PeerFacts>> facts_;
  NoneFound none_;
  bool possible_ = false, request_possible_ = true, unjudged_ = false;
  std::string unknown_;
};

}  // namespace

Finding Claims::look_for(const Inquiry& inquiry) {
  if (inquiry.wanted == Wanted::AllowedWithoutProxy && world_.cluster.config.version < 17)
    for (const auto* prepared : {prepared_.get(), other_prepared_.get()})
      if (prepared != nullptr && prepared->named_ranges) return NotKnown{inquiry.name + ": which redirect Cilium 1.16 takes is not encoded where `endPort` is beside a port's name"};
  std::vector<PodPattern> patterns;
  for (const EndSet* set : {&inquiry.from, &inquiry.to, &inquiry.not_from, &inquiry.not_to}) patterns.insert(patterns.end(), set->pods.begin(), set->pods.end());
  const bool swapped = inquiry.compare == Inquiry::Compare::SecondAllows, compares = inquiry.compare != Inquiry::Compare::No;
  std::vector<const ir::PolicySet*> sets{&world_.policies};
  std::vector<Asks> asks{{world_, prepared_->rules.address_labels, prepared_->matchers}};
  if (compares) {
    sets.push_back(&other_->policies);
    asks.push_back({*other_, other_prepared_->rules.address_labels, other_prepared_->matchers});
  }
  std::vector<const ir::Cluster*> clusters{&world_.cluster};
  if (compares) clusters.push_back(&other_->cluster);
  const symbolic::Universe universe(sets, clusters, patterns, keeps_, inquiry.differing);
  const auto& allows = swapped ? *other_prepared_ : *prepared_;
  const auto* denies = !compares ? nullptr : swapped ? prepared_.get() : other_prepared_.get();
  const symbolic::SearchWorld world{swapped ? *other_ : world_, allows.rules, universe, budget_, !compares ? nullptr : swapped ? &world_ : other_,
                                    denies == nullptr ? nullptr : &denies->rules};
  Look look(world, judge_, std::move(asks), inquiry);
  return look.run(steps_);
}

}  // namespace netpolc::verify
