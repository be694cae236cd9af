#include "tools/judges/trial.h"

#include <algorithm>

#include "compiler/kernel_judge/reasons.h"
#include "tools/judges/words.h"

namespace netpolc::judges {
namespace {

constexpr std::size_t kExamples = 4;  // of each kind

bool has(const std::vector<ir::RuleRef>& rules, ir::RuleRef rule) { return std::find(rules.begin(), rules.end(), rule) != rules.end(); }

char letter_of(const ir::SideVerdict& verdict) {
  switch (verdict.verdict) {
    case ir::Verdict::Allow: return 'A';
    case ir::Verdict::AllowL7: return 'R';
    case ir::Verdict::Deny: return 'D';
    case ir::Verdict::DefaultDeny: return 'N';
  }
  return '?';
}
char auth_of(const ir::SideVerdict& verdict) { return verdict.auth == ir::AuthMode::Required ? '1' : verdict.auth == ir::AuthMode::AlwaysFail ? '2' : '0'; }

// Tables are shared by endpoints; their rules are this endpoint's under the same numbers.
const std::vector<ir::RuleRef>& own_rules(const World& world, const Case& c) {
  const ir::DecidedEndpoint& decided = world.decisions().endpoints[*c.subject->decided];
  return c.direction == ir::Direction::Egress ? decided.egress_rules : decided.ingress_rules;
}
std::vector<ir::RuleRef> rules_of_table(const World& world, const Case& c) {
  const auto& shared = c.direction_table().rules;
  const auto& own = own_rules(world, c);
  std::vector<ir::RuleRef> out;
  for (const ir::RuleRef rule : c.looked_up.rules)
    for (std::size_t i = 0; i < shared.size() && i < own.size(); ++i)
      if (shared[i] == rule) out.push_back(own[i]);
  return out;
}

void compare_vector(const World& world, const Cases& cases, const Case& c, Tally& tally) {
  if (c.letter == 'E' || c.interpreter == nullptr) {
    if (c.letter != 'E' || c.interpreter != nullptr) tally.disagree("vector/interpreter: computable", describe(world, cases, c));
    return;
  }
  if (letter_of(*c.interpreter) != c.letter) tally.disagree("vector/interpreter: verdict", describe(world, cases, c));
  if (!c.enforcement.empty() && c.enforcement != to_string(c.interpreter->enforcement)) tally.disagree("vector/interpreter: enforcement", describe(world, cases, c));
  if (auth_of(*c.interpreter) != c.auth) tally.disagree("vector/interpreter: authentication", describe(world, cases, c));
}

void compare_table(const World& world, const Cases& cases, const Case& c, Tally& tally) {
  const auto differ = [&](const char* what) { tally.disagree(std::string("interpreter/table: ") + what, describe(world, cases, c)); };
  if ((c.interpreter == nullptr) != c.table->incomputable.has_value()) return differ("computable");
  if (c.interpreter == nullptr) return;
  const ir::SideVerdict &one = *c.interpreter, &two = c.looked_up;
  if (one.verdict != two.verdict) return differ("verdict");
  if (one.enforcement != two.enforcement) differ("enforcement");
  if (one.l7 != two.l7) differ("L7 parser");
  if (auth_of(one) != auth_of(two)) differ("authentication");
  if (one.localhost_exception != two.localhost_exception) differ("localhost exception");
  if (one.verdict == ir::Verdict::DefaultDeny || one.enforcement == ir::Enforcement::None) return;
  const auto rules = rules_of_table(world, c);
  const bool by_rule = !one.rules.empty() && one.enforcement != ir::Enforcement::DefaultAllow;
  if ((by_rule && rules.empty()) || !std::all_of(rules.begin(), rules.end(), [&](ir::RuleRef r) { return has(one.rules, r); })) differ("deciding rules");
}

// Whether the rule that the program names is one that decided, to the table and to the interpreter.
bool right_rule(const World& world, const Case& c, std::uint32_t rule) {
  const auto& shared = c.direction_table().rules;
  return kernel_judge::names_who_decided(c.direction_table(), shared, c.looked_up, rule) &&
         kernel_judge::names_who_decided(c.direction_table(), own_rules(world, c), *c.interpreter, rule);
}

void compare_packet(const World& world, const Cases& cases, const Case& c, const Shot& shot, const Seen& seen, Tally& tally) {
  const auto differ = [&](const char* what) { tally.disagree(std::string("kernel: ") + what, describe(world, cases, c) + describe(world, c, shot, seen)); };
  if (c.interpreter == nullptr) return differ("a program for a policy that can't be computed");
  if (!seen.reported) return differ("no event");
  if (seen.passed != (seen.reason == NP_REASON_FORWARDED)) return differ("return value and event");
  if (seen.identity != c.peer->identity) return differ("identity");
  if (seen.reason != kernel_judge::reason_of(c.looked_up) || seen.reason != kernel_judge::reason_of(*c.interpreter)) return differ("verdict");
  // Not implied by the above while vector and interpreter differ.
  const bool drops = c.letter == 'D' || c.letter == 'N' || c.letter == 'R' || c.auth != '0';
  if (seen.passed == drops) return differ("pass or drop, against the vector");
  if (!right_rule(world, c, seen.rule)) return differ("deciding rule");
}

}  // namespace

void Tally::disagree(const std::string& kind, const std::string& text) {
  ++disagreements;
  if (++kinds[kind] <= kExamples) examples.push_back(kind + "\n" + text);
}

void Tally::add(const Tally& other) {
  scenarios += other.scenarios;
  cells += other.cells;
  probes += other.probes;
  cases += other.cases;
  tables += other.tables;
  packets4 += other.packets4;
  packets6 += other.packets6;
  probes_in_kernel += other.probes_in_kernel;
  for (std::size_t i = 0; i < without_packet.size(); ++i) without_packet[i] += other.without_packet[i];
  for (const auto& [reason, count] : other.reasons) reasons[reason] += count;
  disagreements += other.disagreements;
  for (const auto& text : other.examples)
    if (kinds[text.substr(0, text.find('\n'))] < kExamples) examples.push_back(text);
  for (const auto& [kind, count] : other.kinds) kinds[kind] += count;
}

void judge_offline(World& world, const Cases& cases, Tally& tally) {
  tally.scenarios += 1;
  tally.cells += cases.cells.size();
  tally.probes += cases.probes;
  tally.cases += cases.all.size();
  for (const std::string& complaint : cases.complaints) tally.disagree("who is judged", "  scenario " + world.scenario().name + ": " + complaint + "\n");
  for (const Case& c : cases.all) {
    compare_vector(world, cases, c, tally);
    compare_table(world, cases, c, tally);
    if (c.no_packet != NoPacket::None) ++tally.without_packet[static_cast<std::size_t>(c.no_packet)];
  }
}

void judge_in_kernel(World& world, const Cases& cases, Programs& programs, const Mutant* mutant, Tally& tally) {
  Kernel kernel(programs);
  std::vector<Shot> shots;
  std::vector<const Case*> cases_of;
  std::map<std::uint32_t, bool> loaded;
  std::map<std::pair<std::size_t, std::size_t>, bool> complete;  // by cell and probe
  for (const Case& c : cases.all) {
    if (c.no_packet == NoPacket::OpenHost) {
      complete[{c.cell, c.probe}] = false;
      continue;
    }
    const std::uint32_t table = c.table_index(world);
    if (mutant != nullptr && table != mutant->table) continue;
    const auto made = packets(c, table);
    auto& whole = complete.try_emplace({c.cell, c.probe}, true).first->second;
    whole = whole && !made.empty();
    if (made.empty()) continue;
    if (!std::exchange(loaded[table], true)) kernel.load(table, mutant != nullptr ? mutant->content : world.decisions().tables[table]);
    for (const Shot& shot : made) {
      shots.push_back(shot);
      cases_of.push_back(&c);
    }
  }
  kernel.start(world.ipcache(), world.config());
  const std::vector<Seen> seen = kernel.run(shots);
  for (std::size_t i = 0; i < shots.size(); ++i) {
    compare_packet(world, cases, *cases_of[i], shots[i], seen[i], tally);
    ++(shots[i].source.v6 ? tally.packets6 : tally.packets4);
    ++tally.reasons[reason_text(seen[i].reason)];
  }
  for (const std::string& text : kernel.audit()) tally.disagree("kernel: counters", "  scenario " + world.scenario().name + ": " + text + "\n");
  tally.tables += loaded.size();
  for (const auto& [key, whole] : complete) tally.probes_in_kernel += whole;
}

}  // namespace netpolc::judges
