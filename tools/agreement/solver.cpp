#include "tools/agreement/solver.h"

#include <algorithm>
#include <deque>
#include <map>

#include "frontend/label_filter.h"
#include "verify/smt/solver.h"
#include "verify/symbolic/encode.h"

namespace netpolc::agreement {
namespace {

using verify::PodPattern;
using verify::symbolic::SideTerms;
using verify::symbolic::SymbolicPod;
namespace smt = verify::smt;

// An end of a question.
struct End {
  std::optional<PodPattern> pattern;  // of a pod; or somebody that there is:
  const ir::Subject* subject = nullptr;
  const ir::PeerFacts* facts = nullptr;
  std::string name;                   // of all that share a question
};

// Three ways to speak of a pod: every pod, every one of its namespace, every one with some of its labels.
PodPattern pattern_of(const ir::Endpoint& endpoint, std::uint32_t index) {
  PodPattern out{"[]", std::nullopt, {}};
  if (index % 3 != 0) out.ns = endpoint.ns;
  if (index % 3 == 2)
    for (const ir::Label& label : endpoint.labels)
      if (label.key == "app" || label.key == "tier") out.labels.emplace_back(label.key, label.value);
  out.name = out.ns.value_or("") + "/[";
  for (const auto& [key, value] : out.labels) out.name += key + "=" + value + ",";
  out.name += "]";
  return out;
}

}  // namespace

// One formula for all packets between two patterns; what is asked about is assumed.
class Question {
 public:
  Question(const ir::eval::World& world, const verify::symbolic::PreparedRules& rules, const verify::symbolic::Universe& universe, z3::context& context, const End& from, const End& to)
      : world_(world), context_(context), traffic_(context, {}), solver_(context, z3::solver::simple()) {
    if (from.pattern) from_.emplace(universe, context, "from", *from.pattern);
    if (to.pattern) to_.emplace(universe, context, "to", *to.pattern);
    std::vector<SymbolicPod*> pods;
    for (auto* pod : {&from_, &to_})
      if (*pod) pods.push_back(&**pod);
    encoder_.emplace(world, rules, context, pods, false);
    using verify::symbolic::Party;
    const auto party = [](const End& end, std::optional<SymbolicPod>& pod) { return pod ? Party{&*pod, nullptr, nullptr} : Party{nullptr, end.subject, end.facts}; };
    const Party source = party(from, from_), destination = party(to, to_);
    if (source.judged()) egress_ = encoder_->side(ir::Direction::Egress, source, destination, traffic_);
    if (destination.judged()) ingress_ = encoder_->side(ir::Direction::Ingress, destination, source, traffic_);
    for (const auto* side : {&egress_, &ingress_})
      if (*side)
        for (const z3::expr& term : {(*side)->allowed, (*side)->plain}) terms_.push_back(term);
  }

  Solver::Sides ask(const ir::Endpoint* from, const ir::Endpoint* to, ir::Flow flow, bool twice, std::uint64_t& questions) {
    std::vector<z3::expr> assumed;
    if (from_) assumed.push_back(likeness(*from_, *from, from_likes_, "from"));
    if (to_) assumed.push_back(likeness(*to_, *to, to_likes_, "to"));
    assumed.push_back(sent(flow));
    add_facts();
    ++questions;
    if (check(assumed) != z3::sat) return say("there is no such packet to the solver");
    const z3::model model = solver_.get_model();
    std::vector<bool> values;
    for (const z3::expr& term : terms_) values.push_back(model.eval(term, true).is_true());
    if (!twice) return say(values);
    // The packet is said in full: there must not be a second answer.
    assumed.push_back(otherwise(values));
    ++questions;
    if (check(assumed) != z3::unsat) return say("the solver has two answers");
    return say(values);
  }

 private:
  // Without a budget, whose count of steps costs more than these questions do.
  z3::check_result check(const std::vector<z3::expr>& assumed) {
    z3::expr_vector given(context_);
    for (const z3::expr& one : assumed) given.push_back(one);
    return solver_.check(given);
  }
  z3::expr literal(const std::string& name, const z3::expr& means) {
    const z3::expr out = context_.bool_const(name.c_str());
    solver_.add(!out || means);
    return out;
  }
  z3::expr likeness(SymbolicPod& pod, const ir::Endpoint& endpoint, std::map<const ir::Endpoint*, z3::expr>& known, const char* role) {
    if (const auto found = known.find(&endpoint); found != known.end()) return found->second;
    return known.emplace(&endpoint, literal(std::string(role) + " is " + endpoint.ns + "/" + endpoint.name, pod.is_like(endpoint))).first->second;
  }
  z3::expr sent(ir::Flow flow) {
    if (const auto found = flows_.find(flow); found != flows_.end()) return found->second;
    const std::string name = "sent " + std::string(ir::to_string(flow.protocol)) + "/" + std::to_string(flow.number);
    return flows_.emplace(flow, literal(name, traffic_.is(flow.protocol) && traffic_.number() == context_.bv_val(flow.number, 16))).first->second;
  }
  z3::expr otherwise(const std::vector<bool>& values) {
    if (const auto found = otherwise_.find(values); found != otherwise_.end()) return found->second;
    std::vector<z3::expr> differences;
    std::string name = "other than";
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      differences.push_back(values[i] ? smt::negate(terms_[i]) : terms_[i]);
      name += values[i] ? " yes" : " no";
    }
    return otherwise_.emplace(values, literal(name, smt::any(context_, differences))).first->second;
  }

  // They grow while terms are made. The cluster's table of port names is that of the pods that there are.
  void add_facts() {
    const auto more = [&](const std::vector<z3::expr>& facts, std::size_t& added) {
      for (; added < facts.size(); ++added) solver_.add(facts[added]);
    };
    if (from_) more(from_->facts(), facts_of_from_);
    if (to_) more(to_->facts(), facts_of_to_);
    more(traffic_.facts(), facts_of_traffic_);
    more(encoder_->facts(), facts_of_encoder_);
    if (std::exchange(ports_fixed_, true)) return;
    for (const z3::expr& fact : encoder_->preferences()) solver_.add(fact);
  }

  Solver::Sides say(const std::string& wrong) const {
    const Word word{.allowed = false, .proxied = {}, .reason = {}, .wrong = wrong};
    return {egress_ ? std::optional(word) : std::nullopt, ingress_ ? std::optional(word) : std::nullopt};
  }
  Solver::Sides say(const std::vector<bool>& values) const {
    Solver::Sides out;
    std::size_t next = 0;
    for (const bool egress : {true, false}) {
      if (!(egress ? egress_ : ingress_)) continue;
      Word word{.allowed = values[next], .proxied = {}, .reason = {}, .wrong = {}};
      // Which redirect 1.16 takes is not encoded.
      if (world_.cluster.config.version >= 17) word.proxied = values[next] && !values[next + 1];
      (egress ? out.egress : out.ingress) = word;
      next += 2;
    }
    return out;
  }

  const ir::eval::World& world_;
  z3::context& context_;
  verify::symbolic::Traffic traffic_;
  z3::solver solver_;
  std::optional<SymbolicPod> from_, to_;
  std::optional<verify::symbolic::Encoder> encoder_;
  std::optional<SideTerms> egress_, ingress_;
  std::vector<z3::expr> terms_;
  std::map<const ir::Endpoint*, z3::expr> from_likes_, to_likes_;
  std::map<ir::Flow, z3::expr> flows_;
  std::map<std::vector<bool>, z3::expr> otherwise_;
  std::size_t facts_of_from_ = 0, facts_of_to_ = 0, facts_of_traffic_ = 0, facts_of_encoder_ = 0;
  bool ports_fixed_ = false;
};

struct Solver::State {
  State(judges::World& of, std::uint64_t every)
      : world(of), twice_every(every), content(of.content()), rules(content), filter(content.cluster.config),
        universe({&content.policies}, {&content.cluster}, patterns(), [this](const std::string& key) { return filter.keeps({"k8s", key, ""}); }) {}

  std::vector<PodPattern> patterns() const {
    std::vector<PodPattern> out;
    for (std::uint32_t e = 0; e < content.cluster.endpoints.size(); ++e) out.push_back(pattern_of(content.cluster.endpoints[e], e));
    return out;
  }

  const ir::Endpoint* pod(const judges::Party& party) const {
    return party.end.kind == verify::EndKind::Endpoint && party.decided ? &content.cluster.endpoints[party.end.index] : nullptr;
  }

  End end(const judges::Party& party, const std::string& name, const std::optional<verify::SubjectId>& subject, verify::FactsId seen) {
    End out;
    if (const ir::Endpoint* endpoint = pod(party)) {
      out.pattern = pattern_of(*endpoint, party.end.index);
      out.name = out.pattern->name;
      return out;
    }
    out.name = name + " as " + std::to_string(seen);
    if (const auto known = ends.find(out.name); known != ends.end()) return known->second;
    // Encounters may move theirs.
    auto& encounters = world.interpreter().encounters();
    if (subject) out.subject = &subjects.emplace_back(encounters.subject(*subject));
    out.facts = &facts.emplace_back(encounters.facts(seen));
    return ends.emplace(out.name, out).first->second;
  }

  Sides ask(const Packet& packet) {
    const judges::Party &from = world.party(packet.from), &to = world.party(packet.to);
    const auto meetings = world.interpreter().encounters().meet(from.end, to.end);
    const End source = end(from, packet.from, meetings[0].source, meetings[0].source_seen);
    const End destination = end(to, packet.to, meetings[0].destination, meetings[0].destination_seen);
    auto& question = asked[source.name + " > " + destination.name];
    if (!question) question = std::make_unique<Question>(content, rules, universe, context, source, destination);
    return question->ask(pod(from), pod(to), packet.flow, packets++ % twice_every == 0, questions);
  }

  judges::World& world;
  const std::uint64_t twice_every;
  const ir::eval::World content;
  const verify::symbolic::PreparedRules rules;
  const frontend::LabelFilter filter;
  const verify::symbolic::Universe universe;
  z3::context context;
  std::deque<ir::Subject> subjects;
  std::deque<ir::PeerFacts> facts;
  std::map<std::string, End> ends;  // that are no patterns
  std::map<std::string, std::unique_ptr<Question>> asked;
  std::uint64_t questions = 0, packets = 0;
};

Solver::Solver(judges::World& world, std::uint64_t twice_every) : state_(std::make_unique<State>(world, twice_every)) {}
Solver::~Solver() = default;
Solver::Sides Solver::ask(const Packet& packet) { return state_->ask(packet); }
std::uint64_t Solver::questions() const { return state_->questions; }

}  // namespace netpolc::agreement
