#include "verify/symbolic/search.h"

#include <algorithm>
#include <set>

#include "ir/eval/fqdn.h"
#include "verify/smt/reasons.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::symbolic {
namespace {

constexpr std::size_t kLikenesses = 256;  // endpoints that are tried as witnesses
constexpr std::size_t kMostTexts = 10'000;
constexpr std::size_t kSmallCore = 48;    // guards that are tried to be left out of a core

class Search {
 public:
  Search(const SearchWorld& world, z3::context& context, const Inquiry& inquiry, const Choice& from, const Choice& to)
      : context_(context), world_(world), inquiry_(inquiry), from_(from), to_(to), solver_(context_, {world.budget.steps, world.budget.milliseconds}), traffic_(context_, inquiry.traffic) {
    if (from.pattern != nullptr) from_pod_.emplace(world.universe, context_, "from", *from.pattern);
    if (to.pattern != nullptr) to_pod_.emplace(world.universe, context_, "to", *to.pattern);
    std::vector<SymbolicPod*> pods;
    if (from_pod_) pods.push_back(&*from_pod_);
    if (to_pod_) pods.push_back(&*to_pod_);
    if (inquiry.request) request_.emplace(context_, *inquiry.request, world.world.cluster.config.version);
    if (!to.names_known && to.facts != nullptr && to.facts->address && ir::eval::is_external(*to.facts)) names_.emplace(context_, world.world.cluster.config.version);
    SymbolicNames* const names = names_ ? &*names_ : nullptr;
    SymbolicRequest* const request = request_ ? &*request_ : nullptr;
    encoder_.emplace(world.world, world.rules, context_, pods, world.other == nullptr, request, names);
    if (world.other != nullptr) other_.emplace(*world.other, *world.other_rules, context_, pods, false, request, names);
    if (!inquiry.unknown_alike) return;
    encoder_->take_unknown_as_alike();
    if (other_) other_->take_unknown_as_alike();
  }

  Outcome run(bool alike) {
    const z3::expr wanted = alike ? context_.bool_val(false) : what_is_wanted();
    set_premise();
    if (wanted.is_false()) return forbidden({});
    const z3::expr goal = context_.bool_const("wanted");
    require(!goal || wanted);
    add_facts();
    std::vector<z3::expr> assumed{goal};
    for (const Guard& guard : encoder_->guards()) assumed.push_back(guard.literal);
    smt::Answer answer = ask(assumed);
    if (const auto* unknown = std::get_if<smt::Undecided>(&answer)) return NotKnown{unknown->why};
    if (const auto* none = std::get_if<smt::Impossible>(&answer)) return forbidden(smaller(none->core, assumed));
    if (request_ && !request_->problem().empty()) return NotKnown{inquiry_.name + ": " + request_->problem() + " has no automaton"};
    return model(std::get<smt::Possible>(answer).model, std::move(assumed));
  }

  std::uint64_t steps() const { return solver_.steps(); }

 private:
  static Party party(const Choice& choice, std::optional<SymbolicPod>& pod, bool other) {
    if (pod) return {&*pod, nullptr, nullptr};
    return other && choice.other_facts != nullptr ? Party{nullptr, choice.other_subject, choice.other_facts} : Party{nullptr, choice.subject, choice.facts};
  }

  // What isn't so whatever texts and names are.
  void require(const z3::expr& fact) {
    solver_.add(fact);
    if (request_ || names_) reasons_.add(fact);
  }

  // What texts can't be is found out as models ask for it.
  smt::Answer ask(const std::vector<z3::expr>& assumed) {
    for (std::size_t round = 0;; ++round) {
      smt::Answer answer = solver_.ask(inquiry_.name, assumed);
      const auto* possible = std::get_if<smt::Possible>(&answer);
      if (possible == nullptr) return answer;
      if (!request_ && !names_) return answer;
      std::vector<z3::expr> open = request_ ? request_->open() : std::vector<z3::expr>{};
      if (names_)
        for (const z3::expr& has : names_->open()) open.push_back(has);
      const std::vector<z3::expr> needed = reasons_.needed(possible->model, open);
      const z3::model told = smt::part(possible->model, needed);
      auto clause = request_ ? request_->impossible(told) : std::nullopt;
      if (!clause && names_) clause = names_->impossible(told);
      if (!clause) return smt::Possible{smt::without(possible->model, open, needed)};
      if (round == kMostTexts) return smt::Undecided{inquiry_.name + ": more than " + std::to_string(kMostTexts) + " kinds of texts were tried"};
      solver_.add(*clause);
    }
  }

  struct Both {
    z3::expr allowed, plain;
  };
  Both sides(Encoder& encoder, bool other) {
    const Party from = party(from_, from_pod_, other), to = party(to_, to_pod_, other);
    std::vector<z3::expr> allowed, plain;
    const auto side = [&](ir::Direction direction, const Party& subject, const Party& peer) {
      if (!subject.judged()) return;
      const SideTerms terms = encoder.side(direction, subject, peer, traffic_);
      allowed.push_back(terms.passes);
      plain.push_back(terms.plain);
    };
    side(ir::Direction::Egress, from, to);
    side(ir::Direction::Ingress, to, from);
    return {smt::all(context_, allowed), smt::all(context_, plain)};
  }

  z3::expr what_is_wanted() {
    const Both here = sides(*encoder_, false);
    z3::expr wanted = inquiry_.wanted == Wanted::AllowedWithoutProxy ? here.plain : here.allowed;
    if (inquiry_.wanted == Wanted::Denied) wanted = smt::negate(wanted);
    if (other_) {
      const Both both = sides(*other_, true);
      const z3::expr there = inquiry_.wanted == Wanted::AllowedWithoutProxy ? both.plain : both.allowed;
      wanted = z3::eq(wanted, there) ? context_.bool_val(false) : smt::all(context_, {wanted, smt::negate(there)});
    }
    return wanted;
  }

  void set_premise() {
    for (const FlowRange& left_out : inquiry_.not_traffic)
      if (left_out.protocol) premise_.push_back(smt::negate(smt::all(context_, {traffic_.is(*left_out.protocol), traffic_.within(left_out.first, left_out.last)})));
    if (request_) {
      premise_.push_back(inquiry_.other_requests ? smt::negate(request_->in_range()) : request_->in_range());
      request_->relate_to_range();
      const bool dns = request_->kind() == ir::eval::kDnsKind;
      premise_.push_back(smt::any(context_, {traffic_.is(ir::Protocol::Tcp), dns ? traffic_.is(ir::Protocol::Udp) : context_.bool_val(false)}));
    }
    if (names_) {
      if (!to_.dns_name.empty()) premise_.push_back(named(to_.dns_name));
      for (const End& end : inquiry_.not_to.ends)
        if (!end.dns_name.empty()) premise_.push_back(smt::negate(named(end.dns_name)));
    }
    one_family(from_);
    one_family(to_);
    leave_out(from_pod_, inquiry_.not_from);
    leave_out(to_pod_, inquiry_.not_to);
    if (inquiry_.differing && from_pod_ && to_pod_) premise_.push_back(from_pod_->may_differ(*to_pod_, *inquiry_.differing));
  }

  // The address is this name's: that is known, or may be.
  z3::expr named(const std::string& name) {
    const ir::FqdnPeer peer{name, ""};
    const auto known = ir::eval::resolve(peer, world_.world.resolutions, world_.world.cluster.config.version);
    return std::binary_search(known.begin(), known.end(), *to_.facts->address) ? context_.bool_val(true) : names_->has(peer);
  }

  // No address has ICMP of the other family.
  void one_family(const Choice& choice) {
    if (choice.facts == nullptr || !choice.facts->address) return;
    premise_.push_back(smt::negate(traffic_.is(choice.facts->address->v6 ? ir::Protocol::Icmp : ir::Protocol::Icmpv6)));
  }

  void leave_out(std::optional<SymbolicPod>& pod, const EndSet& left_out) {
    if (!pod) return;
    for (const PodPattern& pattern : left_out.pods) premise_.push_back(smt::negate(pod->matches(pattern)));
    for (const std::string& key : inquiry_.without) premise_.push_back(smt::negate(pod->has(key)));
  }

  void add_facts() {
    for (const z3::expr& fact : premise_) require(fact);
    for (const auto* pod : {&from_pod_, &to_pod_})
      if (*pod)
        for (const z3::expr& fact : (*pod)->facts()) solver_.add(fact);
    for (const z3::expr& fact : traffic_.facts()) solver_.add(fact);
    if (request_)
      for (const z3::expr& fact : request_->facts()) solver_.add(fact);
    for (const auto* encoder : {&encoder_, &other_})
      if (*encoder)
        for (const z3::expr& fact : (*encoder)->facts()) solver_.add(fact);
    facts_added_ = true;
  }

  // Assumption 0 is the goal; the others are guards in their order. What is needed in a set is needed in every part of it.
  std::vector<Forbids> smaller(std::vector<std::size_t> core, const std::vector<z3::expr>& assumed) {
    std::set<std::size_t> needed{0};
    while (core.size() <= kSmallCore) {
      const auto next = std::find_if(core.begin(), core.end(), [&](std::size_t i) { return !needed.contains(i); });
      if (next == core.end()) break;
      std::vector<z3::expr> without{assumed[0]};
      std::vector<std::size_t> indices{0};
      for (const std::size_t i : core) {
        if (i == *next || i == 0) continue;
        without.push_back(assumed[i]);
        indices.push_back(i);
      }
      const smt::Answer again = ask(without);
      const auto* none = std::get_if<smt::Impossible>(&again);
      if (none == nullptr) {
        needed.insert(*next);
        continue;
      }
      core.clear();
      for (const std::size_t i : none->core) core.push_back(indices[i]);
    }
    std::vector<Forbids> out;
    for (const std::size_t i : core)
      if (i != 0) out.push_back(encoder_->guards()[i - 1].what);
    std::sort(out.begin(), out.end());
    return out;
  }

  Outcome forbidden(std::vector<Forbids> because) {
    if (!facts_added_) add_facts();
    const smt::Answer premise = ask({});
    if (const auto* unknown = std::get_if<smt::Undecided>(&premise)) return NotKnown{unknown->why};
    const bool possible = std::holds_alternative<smt::Possible>(premise);
    return Forbidden{std::move(because), possible, possible || !request_ || request_can_be()};
  }

  bool request_can_be() {
    smt::Solver alone(context_, {world_.budget.steps, world_.budget.milliseconds});
    alone.add(inquiry_.other_requests ? smt::negate(request_->in_range()) : request_->in_range());
    for (const z3::expr& fact : request_->facts()) alone.add(fact);
    for (std::size_t round = 0; round < kMostTexts; ++round) {
      const smt::Answer answer = alone.ask(inquiry_.name);
      const auto* possible = std::get_if<smt::Possible>(&answer);
      const auto clause = possible == nullptr ? std::nullopt : request_->impossible(possible->model);
      if (!clause) return !std::holds_alternative<smt::Impossible>(answer);
      alone.add(*clause);
    }
    return true;
  }

  // An endpoint that there is, if one will do; then whatever people would rather see, as long as there is a model.
  Outcome model(z3::model found, std::vector<z3::expr> assumed) {
    std::vector<z3::expr> wishes;
    if (from_pod_) wishes.push_back(likeness(*from_pod_, from_));
    if (to_pod_) wishes.push_back(likeness(*to_pod_, to_));
    for (const z3::expr& wish : traffic_.preferences()) wishes.push_back(wish);
    for (auto* pod : {&from_pod_, &to_pod_})
      if (*pod)
        for (const z3::expr& wish : (*pod)->preferences()) wishes.push_back(wish);
    for (const z3::expr& wish : encoder_->preferences()) wishes.push_back(wish);
    if (request_)
      for (const z3::expr& wish : request_->preferences()) wishes.push_back(wish);
    std::erase_if(wishes, [](const z3::expr& wish) { return wish.is_false() || wish.is_true(); });
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      if (found.eval(wishes[i], true).is_true()) solver_.add(wishes[i]);
      else wish(wishes, i, i + 1, found, assumed);
    }
    wishes = names_ ? names_->preferences() : std::vector<z3::expr>{};
    if (!wishes.empty()) wish(wishes, 0, wishes.size(), found, assumed);
    const std::vector<std::string> names = names_ ? names_->names(found) : std::vector<std::string>{};
    const bool unmodelled = encoder_->is_unmodelled(found) || (other_ && other_->is_unmodelled(found)) || (names_ && names_->gave_up());
    return Model{met(from_, from_pod_, found), met(to_, to_pod_, found), traffic_.flow(found),
                 request_ ? std::optional(request_->request(found)) : std::nullopt, names, unmodelled, encoder_->cluster_ports(found)};
  }

  // Of these wishes each that goes together with what was wished before it: all of them at once as long as that goes well.
  void wish(const std::vector<z3::expr>& wishes, std::size_t begin, std::size_t end, z3::model& found, std::vector<z3::expr>& assumed) {
    const z3::expr all = smt::all(context_, {wishes.begin() + static_cast<std::ptrdiff_t>(begin), wishes.begin() + static_cast<std::ptrdiff_t>(end)});
    const z3::expr literal = context_.bool_const(("wish " + std::to_string(wishes_++)).c_str());
    require(!literal || all);
    assumed.push_back(literal);
    const smt::Answer answer = ask(assumed);
    if (const auto* better = std::get_if<smt::Possible>(&answer)) {
      found = better->model;
      return;
    }
    assumed.pop_back();
    if (end - begin == 1) return;
    const std::size_t middle = begin + (end - begin) / 2;
    wish(wishes, begin, middle, found, assumed);
    wish(wishes, middle, end, found, assumed);
  }

  // Endpoints that can be the end that is meant.
  template <typename Visit>
  void each_endpoint(const Choice& choice, const Visit& visit) const {
    const auto& all = world_.world.cluster.endpoints;
    for (std::uint32_t e = 0; e < all.size(); ++e)
      if (!all[e].host_network && !all[e].remote && !visit(all[e], [&] { return !choice.may_be || choice.may_be(e); })) break;
  }

  z3::expr likeness(SymbolicPod& pod, const Choice& choice) {
    std::vector<z3::expr> any;
    each_endpoint(choice, [&](const ir::Endpoint& endpoint, const auto& may_be) {
      if (may_be()) any.push_back(pod.is_like(endpoint));
      return any.size() < kLikenesses;
    });
    return smt::any(context_, any);
  }

  Met met(const Choice& choice, std::optional<SymbolicPod>& pod, const z3::model& found) {
    if (!pod) return {choice.name, choice.subject == nullptr ? std::nullopt : std::optional(*choice.subject), *choice.facts, false};
    const ir::Endpoint* known = nullptr;
    each_endpoint(choice, [&](const ir::Endpoint& endpoint, const auto& may_be) {
      if (found.eval(pod->is_like(endpoint), true).is_true() && may_be()) known = &endpoint;
      return known == nullptr;
    });
    if (known != nullptr) {
      ir::Subject subject{.labels = known->labels, .ns = known->ns, .named_ports = known->named_ports};
      ir::PeerFacts facts{.labels = known->labels, .address = {}, .named_ports = known->named_ports};
      return {known->ns + "/" + known->name, std::move(subject), std::move(facts), false, static_cast<std::uint32_t>(known - world_.world.cluster.endpoints.data())};
    }
    ir::Subject subject = pod->subject(found);
    ir::PeerFacts facts{.labels = subject.labels, .address = {}, .named_ports = subject.named_ports};
    return {pod->describe(found), std::move(subject), std::move(facts), true, std::nullopt, pod->identity_ports(found)};
  }

  z3::context& context_;
  const SearchWorld& world_;
  const Inquiry& inquiry_;
  const Choice& from_;
  const Choice& to_;
  smt::Solver solver_;
  smt::Reasons reasons_;
  Traffic traffic_;
  std::optional<SymbolicRequest> request_;
  std::optional<SymbolicNames> names_;
  std::optional<SymbolicPod> from_pod_, to_pod_;
  std::optional<Encoder> encoder_, other_;
  std::vector<z3::expr> premise_;
  bool facts_added_ = false;
  std::size_t wishes_ = 0;
};

}  // namespace

Outcome search(const SearchWorld& world, z3::context& context, const Inquiry& inquiry, const Choice& from, const Choice& to, bool alike, std::uint64_t& steps) {
  Search one(world, context, inquiry, from, to);
  Outcome out = one.run(alike);
  steps += one.steps();
  return out;
}

}  // namespace netpolc::verify::symbolic
