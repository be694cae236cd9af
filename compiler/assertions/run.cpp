#include "compiler/assertions/run.h"

#include <algorithm>

#include "compiler/answers.h"
#include "compiler/explain/why.h"

namespace netpolc::compiler::assertions {
namespace {

constexpr std::size_t kMostShown = 3;  // pairs of a test

}  // namespace

Runner::Runner(const Session& session, verify::SolverBudget budget)
    : session_(session), world_{session.loaded.policies, session.loaded.cluster, session.resolutions}, judge_(world_, session.lock), places_(session.sources), universal_(session, world_, judge_, budget) {}

Outcome Runner::run(const Test& test) {
  if (!test.nobody.empty()) return {Status::Vacuous, {{test.nobody}}};
  Outcome all;
  for (const Reference& from : test.from)
    for (const Target& to : test.to) worsen(all, reach(test, from, to));
  if (test.only == Only::No || all.status == Status::Vacuous) return all;
  Outcome others = universal_.nothing_else(test);
  all.scope = others.scope;
  worsen(all, std::move(others));
  return all;
}

Outcome Runner::reach(const Test& test, const Reference& from, const Target& to) {
  const auto& said = to.traffic.empty() ? test.traffic : to.traffic;
  const auto traffic = said.empty() ? std::vector<verify::FlowRange>{{}} : said;
  Outcome all;
  for (const verify::FlowRange& range : traffic) {
    if (is_universal(test, from, to, range)) worsen(all, universal_.reach(test, from, to, range));
    else worsen(all, sample(test, {from.text, to.end.text, range.protocol ? std::optional(ir::Flow{*range.protocol, range.first}) : std::nullopt, *request_of(test.request)}));
  }
  return all;
}

// The world is every address outside, and a name that nothing is known of any of them.
bool Runner::is_universal(const Test& test, const Reference& from, const Target& to, const verify::FlowRange& range) const {
  if (test.symbolic || test.expect == Expect::Some || !test.except_from.empty() || !test.except_to.empty()) return true;
  for (const std::string* reference : {&from.text, &to.end.text}) {
    if (*reference == "any" || *reference == "entity:world") return true;
    if (reference->starts_with("fqdn:") && !judge_.directory().resolve(*reference, std::nullopt)) return true;
  }
  return range.first != range.last && (range.protocol || !to.end.text.starts_with("svc:"));
}

Outcome Runner::sample(const Test& test, const verify::Question& question) {
  const auto answer = judge_.ask(question);
  if (!answer) return {Status::Vacuous, {{answer.error().message}}};
  if (answer->pairs.empty()) return {Status::Vacuous, {{answer->reason}}};
  Outcome out;
  const verify::Word wanted = test.expect == Expect::Allow ? verify::Word::Allowed : verify::Word::Denied;
  std::size_t shown = 0;
  for (const verify::PairAnswer& pair : answer->pairs) {
    for (const auto* side : {&pair.egress, &pair.ingress}) note_policies(*side, out.policies);
    if (pair.word == wanted) continue;
    if (pair.word == verify::Word::Undecided) {
      worsen(out, {Status::Undecided, {{pair.from + " → " + pair.to + ": " + pair.reason}}});
      continue;
    }
    Outcome wrong{Status::Failed};
    if (++shown <= kMostShown) explain(test, pair, question, answer->pairs.size() > 1, wrong.details);
    worsen(out, std::move(wrong));
  }
  if (shown > kMostShown) out.details.push_back({"and " + std::to_string(shown - kMostShown) + " more such pairs"});
  return out;
}

void Runner::explain(const Test& test, const verify::PairAnswer& pair, const verify::Question& question, bool several, std::vector<Detail>& out) {
  const bool out_of_it = denies(pair.egress), into_it = denies(pair.ingress);
  std::string head = std::string("expected ") + to_string(test.expect) + ", got " + verify::to_string(pair.word);
  if (out_of_it) head += " at egress of " + pair.egress->subject;
  if (into_it) head += std::string(out_of_it ? " and" : " at") + " ingress of " + pair.ingress->subject;
  if (several || test.from.size() > 1 || test.to.size() > 1) head += ": " + pair.from + " → " + pair.to + " " + flow_text(pair.flow);
  else if (test.traffic.size() > 1) head += ": " + flow_text(pair.flow);
  out.push_back({head});
  if (question.request) out.push_back({"request: " + to_text(*question.request)});
  const bool denied = pair.word == verify::Word::Denied;
  if (!denied && !pair.egress && !pair.ingress) out.push_back({"no policy is enforced at either end"});
  if (!denied || out_of_it) say("egress", pair.egress, session_.loaded.policies, out);
  if (out_of_it) say_nearest(pair.egress, ir::Direction::Egress, pair.flow, out);
  if (!denied || into_it) say("ingress", pair.ingress, session_.loaded.policies, out);
  if (into_it) say_nearest(pair.ingress, ir::Direction::Ingress, pair.flow, out);
}

void Runner::say_nearest(const std::optional<verify::Side>& side, ir::Direction direction, ir::Flow flow, std::vector<Detail>& out) {
  const auto near = netpolc::explain::why(*side, direction, flow, {world_, judge_, places_}).nearest;
  if (!near) return;
  std::string text = "nearest: " + rule_name(near->rule, session_.loaded.policies);
  for (const std::string& one : near->sentences()) text += (one == near->sentences().front() ? " " : "; ") + one;
  out.push_back({text, place_of(near->rule, session_.loaded.policies)});
}

}  // namespace netpolc::compiler::assertions
