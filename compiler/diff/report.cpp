#include "compiler/diff/report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/answers.h"
#include "compiler/diff/cost.h"
#include "compiler/diff/flows.h"
#include "compiler/diff/safety.h"
#include "compiler/request_options.h"
#include "compiler/traffic_text.h"

namespace netpolc::compiler {
namespace {

using verify::ChangeKind;
using verify::Diff;
using verify::DiffEnd;
using verify::DiffEndIds;
using Kind = verify::DiffEnd::Kind;

constexpr std::size_t kNamed = 3;  // of a group of ends, or of rules: more are counted

std::string counted(std::uint64_t n, const char* one, const char* many) { return std::to_string(n) + " " + (n == 1 ? one : many); }

// Values of headers may have anything in them.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return text;
}

// ---- who ---------------------------------------------------------------------------------------------

class Names {
 public:
  explicit Names(const Diff& diff) : diff_(diff) {
    for (const auto& arrival : diff.arrivals) --all_[diff.ends[arrival.end].kind];
    for (const DiffEnd& end : diff.ends) ++all_[end.kind];
  }

  std::string of(verify::DiffEndId id) const {
    const std::string& name = diff_.ends[id].name;
    return name.starts_with("entity:") ? name.substr(7) : name;
  }

  // Few by name, many by number; all that is outside together as the world.
  std::string of(const DiffEndIds& ids, bool sources) const {
    std::map<Kind, std::size_t> here;
    for (const auto id : ids) ++here[diff_.ends[id].kind];
    const auto whole = [&](Kind kind) { return here[kind] == count(kind) || (sources && kind == Kind::Name); };
    const bool outside = whole(Kind::World) && whole(Kind::Outside) && whole(Kind::Name);
    if (outside && whole(Kind::Workload) && whole(Kind::Entity) && whole(Kind::Node)) return "everybody";
    const bool workloads = here[Kind::Workload] > kNamed && whole(Kind::Workload), worlds = whole(Kind::World);
    std::vector<std::string> names;
    if (worlds) names.emplace_back(outside ? "world" : "world (other addresses)");
    if (workloads) names.push_back("all " + std::to_string(here[Kind::Workload]) + " workloads");
    for (const auto id : ids) {
      const Kind kind = diff_.ends[id].kind;
      const bool said = (workloads && kind == Kind::Workload) || (worlds && kind == Kind::World) || (outside && (kind == Kind::Outside || kind == Kind::Name));
      if (!said) names.push_back(of(id));
    }
    return joined(names);
  }

 private:
  std::size_t count(Kind kind) const {
    const auto found = all_.find(kind);
    return found == all_.end() ? 0 : found->second;
  }
  static std::string joined(const std::vector<std::string>& names) {
    std::string out;
    const std::size_t shown = names.size() <= kNamed + 1 ? names.size() : kNamed;
    for (std::size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : ", ") + names[i];
    return shown == names.size() ? out : out + " and " + std::to_string(names.size() - shown) + " more";
  }

  const Diff& diff_;
  std::map<Kind, std::size_t> all_;
};

// ---- why ----------------------------------------------------------------------------------------------

class Reasons {
 public:
  Reasons(const Session& before, const Session& after) : before_(before), after_(after) {}

  void now(std::vector<DiffReason>& out, const char* how, const std::vector<ir::RuleRef>& rules) const { add_reasons(out, how, rules, after_, false); }
  void once(std::vector<DiffReason>& out, const char* how, const std::vector<ir::RuleRef>& rules) const { add_reasons(out, how, rules, before_, true); }

  // One side of a pair, if it says something else than before. "" name: nothing to be said.
  void side(std::vector<DiffReason>& out, const std::optional<ir::SideVerdict>& before, const std::optional<ir::SideVerdict>& after, const char* direction) const {
    if (!before || !after) return;
    const bool passed = passes(*before), passes_now = passes(*after);
    if (passed == passes_now && before->verdict == after->verdict && before->l7 == after->l7 && before->auth == after->auth) return;
    if (!passed && !passes_now) return;
    if (passes_now && !after->rules.empty()) {
      now(out, "by", after->rules);
      if (passed && !before->rules.empty()) once(out, "was by", before->rules);
    } else if (passes_now) {
      out.push_back({passes_without_rule(*after, direction), ""});
      once(out, before->verdict == ir::Verdict::Deny ? "was denied by" : "default deny was switched on by", before->rules);
    } else if (after->verdict == ir::Verdict::Deny) {
      if (after->encapsulation) out.push_back({"only nodes send to the overlay's port of a node", ""});
      now(out, "denied by", after->rules);
    } else {
      if (!before->rules.empty()) once(out, "was by", before->rules);
      else now(out, "default deny, switched on by", after->rules);
    }
  }

 private:
  static std::string passes_without_rule(const ir::SideVerdict& verdict, const char* direction) {
    if (verdict.localhost_exception) return "a pod's own node always reaches it";
    return std::string(verdict.enforcement == ir::Enforcement::None ? "no policy is for its " : "no policy turns on default deny for its ") + direction;
  }
  static bool passes(const ir::SideVerdict& verdict) { return verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7; }

  const Session& before_;
  const Session& after_;
};

// ---- lines ---------------------------------------------------------------------------------------------

struct Ranked {
  int rank = 0;
  DiffLine line;
};

class Reporter {
 public:
  Reporter(const Diff& diff, const Session& before, const Session& after, const Beside& beside)
      : diff_(diff), after_(after), beside_(beside), names_(diff), reasons_(before, after), texts_(diff.sets) {}

  DiffReport report() {
    for (std::size_t i = 0; i < diff_.traffic.size(); ++i) traffic(i);
    safety();
    transitions();
    for (const auto& one : diff_.undecided) undecided(one);
    all_requests();
    for (const auto& one : diff_.arrivals) arrival(one);
    std::stable_sort(lines_.begin(), lines_.end(), [](const Ranked& a, const Ranked& b) { return a.rank < b.rank; });
    DiffReport out;
    for (Ranked& one : lines_) {
      one.line.level = one.rank <= Broken ? Severity::Error : one.rank <= Opened ? Severity::Warning : Severity::Note;
      out.lines.push_back(std::move(one.line));
    }
    out.counts = counts();
    footers(out.footers);
    return out;
  }

 private:
  enum Rank { Exposure, Broken, Enforcement, Undecided, Opened, Changed, Closed, Requests, Arrivals };

  void observed(std::vector<DiffReason>& out, const ObservedOnLine& seen) const {
    for (std::string& words : to_words(seen, beside_.flows->sources)) out.push_back({std::move(words), ""});
  }

  std::string access(const verify::DiffAccess& one) {
    std::string out = texts_.text(one.allowed);
    if (one.possible != one.allowed) out += "; for some replicas, nodes or addresses " + texts_.text(one.possible);
    return out;
  }

  std::string what(const verify::TrafficChange& one) {
    if (one.kind == ChangeKind::Opened) return access(one.after);
    if (one.kind == ChangeKind::Closed) return access(one.before);
    return access(one.before) + " → " + access(one.after) + (one.in_cases ? " (some replicas, nodes or addresses only)" : "");
  }

  static Rank rank(const verify::TrafficChange& one) {
    if (one.exposes) return Exposure;
    return one.opens ? one.closes ? Changed : Opened : Closed;
  }

  void traffic(std::size_t number) {
    const verify::TrafficChange& one = diff_.traffic[number];
    DiffLine line;
    line.symbol = one.kind == ChangeKind::Opened ? '+' : one.kind == ChangeKind::Closed ? '-' : '~';
    line.word = to_string(one.kind);
    line.who = names_.of(one.from, true) + " → " + names_.of(one.to, false);
    line.what = what(one);
    if (one.exposes) line.alarm = "NEW INTERNET EXPOSURE";
    reasons_.side(line.reasons, one.why_before.egress, one.why_after.egress, "egress");
    reasons_.side(line.reasons, one.why_before.ingress, one.why_after.ingress, "ingress");
    if (beside_.flows != nullptr) observed(line.reasons, beside_.flows->traffic[number]);
    lines_.push_back({rank(one), std::move(line)});
  }

  // What people rely on, whatever the policies are for.
  void safety() {
    if (beside_.safety == nullptr) return;
    for (const BrokenAssertion& one : beside_.safety->broken) {
      const char* before = !one.before ? "was not asked before" : *one.before == assertions::Status::Passed ? "held before" : *one.before == assertions::Status::Vacuous ? "was vacuous before" : "was undecided before";
      DiffLine line{'!', "broken", one.name, before, "BROKEN SAFETY ASSERTION", {}};
      for (const assertions::Detail& detail : one.details) line.reasons.push_back({detail.text, detail.where ? place(*detail.where, after_) : "", detail.where, false});
      lines_.push_back({Broken, std::move(line)});
    }
    for (const std::string& name : beside_.safety->repaired) lines_.push_back({Arrivals, {'+', "repaired", name, "failed before", "", {}}});
  }

  static bool enters(const verify::EnforcementChange& one) { return one.after == ir::Enforcement::DefaultDeny; }

  // One line for all that the same rules are the reason for.
  void transitions() {
    using Key = std::tuple<bool, ir::Direction, std::vector<ir::RuleRef>>;
    struct Group {
      DiffEndIds ends;
      ObservedOnLine seen;
    };
    std::map<Key, Group> groups;
    for (std::size_t i = 0; i < diff_.enforcement.size(); ++i) {
      const auto& one = diff_.enforcement[i];
      Group& group = groups[{!enters(one), one.direction, enters(one) ? one.rules_after : one.rules_before}];
      group.ends.push_back(one.end);
      if (beside_.flows != nullptr) merge(group.seen, beside_.flows->enforcement[i]);
    }
    for (auto& [key, group] : groups) {
      const auto& [left, direction, rules] = key;
      DiffEndIds& ends = group.ends;
      std::sort(ends.begin(), ends.end());
      const std::string verb = left ? ends.size() == 1 ? " leaves" : " leave" : ends.size() == 1 ? " enters" : " enter";
      DiffLine line{'!', "default", names_.of(ends, false) + verb + " default deny for " + (direction == ir::Direction::Ingress ? "ingress" : "egress"), "", "", {}};
      if (left) reasons_.once(line.reasons, "was switched on by", rules);
      else reasons_.now(line.reasons, "switched on by", rules);
      if (beside_.flows != nullptr) observed(line.reasons, group.seen);
      lines_.push_back({Enforcement, std::move(line)});
    }
  }

  void undecided(const verify::UndecidedEnd& one) {
    const std::string when = one.before.empty() ? "after" : one.after.empty() ? "before" : "before and after";
    lines_.push_back({Undecided, {'?', "undecided", names_.of(one.end), "its policy cannot be computed " + when + ": " + (one.after.empty() ? one.before : one.after), "", {}}});
  }

  // One line for all ends of which the same is said of the same peers.
  void all_requests() {
    using Key = std::tuple<ir::Direction, verify::RequestsChange::Kind, std::optional<ir::Request>, std::optional<ir::Request>, std::string, verify::AccessId, DiffEndIds, std::vector<ir::RuleRef>, std::vector<ir::RuleRef>>;
    std::map<Key, std::vector<std::size_t>> groups;
    const auto request = [](const std::optional<verify::RequestExample>& one) { return one ? std::optional(one->request) : std::nullopt; };
    for (std::size_t i = 0; i < diff_.requests.size(); ++i) {
      const auto& one = diff_.requests[i];
      groups[{one.direction, one.kind, request(one.opened), request(one.closed), one.why, one.traffic, one.peers, one.rules_before, one.rules_after}].push_back(i);
    }
    for (const auto& [key, all] : groups) requests(all);
  }

  void requests(const std::vector<std::size_t>& all) {
    using RequestKind = verify::RequestsChange::Kind;
    const verify::RequestsChange& one = diff_.requests[all.front()];
    DiffEndIds ends;
    ObservedOnLine seen;
    for (const std::size_t i : all) {
      ends.push_back(diff_.requests[i].end);
      if (beside_.flows != nullptr) merge(seen, beside_.flows->requests[i]);
    }
    std::sort(ends.begin(), ends.end());
    const bool ingress = one.direction == ir::Direction::Ingress, known = one.kind != RequestKind::Undecided;
    DiffLine line{known ? '~' : '?', known ? to_string(one.kind) : "requests", "", "requests over " + texts_.text(one.traffic) + ": ", "", {}};
    line.who = ingress ? names_.of(one.peers, true) + " → " + names_.of(ends, false) : names_.of(ends, true) + " → " + names_.of(one.peers, false);
    if (!known) line.what += "undecided, as " + printable(one.why) + (one.opened || one.closed ? "; " : "");
    if (one.opened) line.what += printable(to_text(one.opened->request)) + " now allowed";
    if (one.closed) line.what += (one.opened ? ", " : "") + printable(to_text(one.closed->request)) + (one.opened ? " no longer" : " no longer allowed");
    if (known) request_reasons(one, line.reasons);
    else {
      reasons_.now(line.reasons, "now by", one.rules_after);
      reasons_.once(line.reasons, "was by", one.rules_before);
    }
    if (beside_.flows != nullptr) observed(line.reasons, seen);
    lines_.push_back({one.opened ? one.closed ? Changed : Opened : one.closed ? Closed : Requests, std::move(line)});
  }

  void request_reasons(const verify::RequestsChange& one, std::vector<DiffReason>& out) const {
    if (one.opened && one.opened->after.rules.empty()) out.push_back({"no rule is needed for it now", ""});
    if (one.opened) reasons_.now(out, "by", one.opened->after.rules);
    if (!one.closed) return;
    if (one.closed->before.rules.empty()) out.push_back({"no rule was needed for it", ""});
    reasons_.once(out, "was by", one.closed->before.rules);
    reasons_.now(out, "not in", one.closed->after.rules);
  }

  static void merge(ObservedOnLine& into, const ObservedOnLine& more) {
    for (const auto member : {&ObservedOnLine::dropped, &ObservedOnLine::opened}) {
      Observed& all = into.*member;
      all.flows += (more.*member).flows;
      for (const auto& [what, flows] : (more.*member).what) {
        const auto known = std::find_if(all.what.begin(), all.what.end(), [&](const auto& other) { return other.first == what; });
        if (known == all.what.end()) all.what.emplace_back(what, flows);
        else known->second += flows;
      }
      std::sort(all.what.begin(), all.what.end(), [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
    }
  }

  void arrival(const verify::Arrival& one) {
    DiffLine line{one.came ? '+' : '-', one.came ? "came" : "went", names_.of(one.end), "", "", {}};
    if (one.from_internet != verify::nothing) {
      line.what = "from the world: " + texts_.text(one.from_internet);
      line.alarm = "NEW INTERNET EXPOSURE";
    }
    lines_.push_back({one.from_internet != verify::nothing ? Exposure : Arrivals, std::move(line)});
  }

  std::string counts() const {
    std::map<ChangeKind, std::uint64_t> pairs;
    for (const auto& one : diff_.traffic) pairs[one.kind] += one.pairs;
    std::vector<std::string> parts;
    for (const auto& [kind, n] : pairs) parts.push_back(std::to_string(n) + " " + to_string(kind));
    const auto add = [&](auto n, const char* one, const char* many) {
      if (n != 0) parts.push_back(counted(static_cast<std::uint64_t>(n), one, many));
    };
    const auto entering = std::count_if(diff_.enforcement.begin(), diff_.enforcement.end(), enters);
    const auto arrivals = [&](bool came) { return std::count_if(diff_.arrivals.begin(), diff_.arrivals.end(), [&](const auto& one) { return one.came == came; }); };
    add(entering, "endpoint newly default-deny", "endpoints newly default-deny");
    add(static_cast<std::ptrdiff_t>(diff_.enforcement.size()) - entering, "endpoint no longer default-deny", "endpoints no longer default-deny");
    add(arrivals(true), "came", "came");
    add(arrivals(false), "went", "went");
    add(diff_.undecided.size(), "undecided", "undecided");
    add(diff_.request_pairs, "with other requests", "with other requests");
    add(diff_.undecided_request_pairs, "with undecided requests", "with undecided requests");
    std::string out = "Reachability: ";
    for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : ", ") + parts[i];
    if (parts.empty() && diff_.pairs == 0) return "Nothing compared: there are no workloads that policy could govern, in neither set; give the cluster with -f.";
    if (parts.empty()) return "No difference: " + counted(diff_.pairs, "pair lets", "pairs let") + " the same pass.";
    return out + "; " + counted(diff_.pairs - diff_.changed_pairs - diff_.request_pairs - diff_.undecided_request_pairs, "pair", "pairs") + " unchanged.";
  }

  // Where nothing changes they would only say what there is.
  void footers(std::vector<std::string>& out) const {
    const bool costs = beside_.cost_after != nullptr, differs = diff_.differs() || diff_.is_undecided() || !lines_.empty() || (costs && !(*beside_.cost_before == *beside_.cost_after));
    std::string line;
    if (costs && differs) line = to_words(*beside_.cost_before, *beside_.cost_after);
    if (beside_.safety != nullptr && differs) line += (line.empty() ? "" : " ") + to_words(*beside_.safety);
    if (!line.empty()) out.push_back(std::move(line));
    if (beside_.flows == nullptr) return;
    const std::string flows = to_words(*beside_.flows);
    for (std::size_t at = 0; at < flows.size();) {
      const std::size_t end = std::min(flows.find('\n', at), flows.size());
      out.push_back(flows.substr(at, end - at));
      at = end + 1;
    }
  }

  static std::string place(Span where, const Session& session) { return session.sources.path(where.file) + ":" + std::to_string(session.sources.locate(where.file, where.begin).line); }

  const Diff& diff_;
  const Session& after_;
  const Beside& beside_;
  Names names_;
  Reasons reasons_;
  TrafficText texts_;
  std::vector<Ranked> lines_;
};

}  // namespace

bool chooses_otherwise(const Session& session) {
  if (session.loaded.cluster.config.version >= 17) return false;
  const auto asks = [](const ir::Rule& rule) {
    return rule.auth != ir::AuthMode::Unset || std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return item.l7.redirects(); });
  };
  const auto& policies = session.loaded.policies.policies;
  return std::any_of(policies.begin(), policies.end(), [&](const ir::Policy& policy) { return std::any_of(policy.rules.begin(), policy.rules.end(), asks); });
}

void add_reasons(std::vector<DiffReason>& out, const char* how, const std::vector<ir::RuleRef>& rules, const Session& session, bool was) {
  const auto& policies = session.loaded.policies;
  const std::size_t shown = rules.size() <= kNamed + 1 ? rules.size() : kNamed;
  for (std::size_t r = 0; r < shown; ++r) {
    const auto& policy = policies.policies[rules[r].policy];
    const std::string path = rules[r].rule < policy.rules.size() ? policy.rules[rules[r].rule].path : "";
    const Span where = place_of(rules[r], policies);
    const std::string line = ":" + std::to_string(session.sources.locate(where.file, where.begin).line);
    out.push_back({std::string(how) + " " + (path.empty() ? "" : path + " of ") + ir::to_string(policy.kind) + " " + (policy.ns.empty() ? "" : policy.ns + "/") + policy.name,
                   session.sources.path(where.file) + (was ? " (was " + line + ")" : line), where, was});
  }
  if (shown != rules.size()) out.push_back({"and " + std::to_string(rules.size() - shown) + " more rules", ""});
}

const char* to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Opened: return "opened";
    case ChangeKind::Closed: return "closed";
    case ChangeKind::Widened: return "widened";
    case ChangeKind::Narrowed: return "narrowed";
    case ChangeKind::Changed: return "changed";
    case ChangeKind::OtherWay: return "other way";
  }
  return "changed";
}

const char* to_string(verify::RequestsChange::Kind kind) {
  switch (kind) {
    case verify::RequestsChange::Kind::Widened: return "widened";
    case verify::RequestsChange::Kind::Narrowed: return "narrowed";
    case verify::RequestsChange::Kind::Changed: return "changed";
    case verify::RequestsChange::Kind::Undecided: return "undecided";
  }
  return "undecided";
}

DiffReport report(const verify::Diff& diff, const Session& before, const Session& after, const Beside& beside) { return Reporter(diff, before, after, beside).report(); }

}  // namespace netpolc::compiler
