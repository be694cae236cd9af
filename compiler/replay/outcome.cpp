#include "compiler/replay/outcome.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "verify/diff/diff.h"

namespace netpolc::compiler::replay {
namespace {

using Word = SideAnswer::Word;

Word together(const Answer& answer) {
  for (const Word word : {Word::Denied, Word::Undecided, Word::ByRequest})
    if (answer.egress.word == word || answer.ingress.word == word) return word;
  return Word::Passes;
}

std::string why(const Answer& answer, Word word) { return answer.egress.word == word ? answer.egress.why : answer.ingress.why; }

// Denied by what a proxy reads, on each side that denies.
bool by_request(const Answer& answer) {
  for (const SideAnswer* side : {&answer.egress, &answer.ingress})
    if (side->word == Word::Denied && !side->refused_request) return false;
  return true;
}

struct Found {
  Change change = Change::Dropped;
  std::uint64_t flows = 0, audited = 0;  // none: no change
  bool unrecorded = false;
};

// Against what was recorded: the flows that the answer is about. What arrived had left; of what left, nothing is known of its
// arrival where nothing is recorded of that.
struct Stake {
  const Counts& flows;
  bool unrecorded;
};
Stake stake(const Connection& connection, const Answer& now, Word word) {
  const Counts &egress = connection.egress, &ingress = connection.ingress;
  if (now.egress.word == word) return egress.forwarded != 0 ? Stake{egress, false} : Stake{ingress, egress.all() == 0};
  return ingress.all() != 0 ? Stake{ingress, false} : Stake{egress, true};
}

Found against_recorded(const Connection& connection, const Answer& now) {
  const Word word = together(now);
  const std::uint64_t was_dropped = connection.egress.dropped + connection.ingress.dropped;
  if (word == Word::Passes || word == Word::NotAsked) return {Change::Opened, was_dropped};
  const Stake at = stake(connection, now, word);
  if (word == Word::Undecided) return {Change::Undecided, at.flows.forwarded + was_dropped};
  if (word == Word::ByRequest) return at.flows.forwarded != 0 ? Found{Change::Undecided, at.flows.forwarded} : Found{Change::Opened, was_dropped};
  return {Change::Dropped, at.flows.forwarded, at.flows.audited, at.unrecorded};
}

// The lists that a proxy goes by; equal lists let the same pass.
std::vector<ir::L7> lists(const SideAnswer& side, const Verdicts& set) {
  std::vector<ir::L7> out;
  if (!side.side || side.side->verdict == nullptr) return out;
  const auto& policies = set.session().loaded.policies.policies;
  for (const ir::RuleRef& ref : side.side->verdict->rules)
    for (const ir::PortRule& ports : policies[ref.policy].rules[ref.rule].ports) out.push_back(ports.l7);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Found against_set(const Connection& connection, const Answer& now, const Answer& was, const Verdicts& now_set, const Verdicts& was_set) {
  const Word before = together(was), after = together(now);
  const std::uint64_t all = connection.flows(), audited = connection.egress.audited + connection.ingress.audited;
  if (before == Word::Undecided || after == Word::Undecided) return {Change::Undecided, all};
  if (after == Word::Denied) return before == Word::Denied ? Found{} : Found{Change::Dropped, all, audited};
  if (before == Word::Denied) return {Change::Opened, all};
  const bool same_lists = lists(now.egress, now_set) == lists(was.egress, was_set) && lists(now.ingress, now_set) == lists(was.ingress, was_set);
  const bool by_requests = before == Word::ByRequest || after == Word::ByRequest;
  return by_requests && !(before == after && same_lists) ? Found{Change::Undecided, all} : Found{};
}

// Flows that were recorded otherwise than the set says.
std::uint64_t contradicting(const Connection& connection, const Answer& was) {
  if (together(was) == Word::Passes) return connection.egress.dropped + connection.ingress.dropped;
  return (was.egress.word == Word::Denied ? connection.egress.forwarded : 0) + (was.ingress.word == Word::Denied ? connection.ingress.forwarded : 0);
}

bool exposes(const Recording& recording, const Connection& connection) {
  const RecordedEnd& from = recording.ends()[connection.from];
  return from.kind == RecordedEnd::Kind::Outside && recording.ends()[connection.to].kind == RecordedEnd::Kind::Pod &&
         std::any_of(from.addresses.begin(), from.addresses.end(), [](const IpAddress& address) { return verify::is_routed(IpPrefix::host(address)); });
}

class Collector {
 public:
  explicit Collector(const Recording& recording) : recording_(recording) {}

  void add(std::uint32_t number, const Found& found, Answer now, std::optional<Answer> was) {
    const Connection& connection = recording_.connections()[number];
    const bool request = connection.request && (found.change != Change::Dropped || by_request(now));
    const auto next = static_cast<std::uint32_t>(out_.size());
    // Requests over packets that are dropped anyway are told with them.
    const auto key = std::make_tuple(connection.from, connection.to, connection.flow, found.change, request ? number + 1 : 0);
    const auto [at, fresh] = lines_.emplace(key, next);
    if (fresh) out_.push_back({.change = found.change, .connection = number, .by_request = request, .now = std::move(now), .was = std::move(was)});
    Outcome& line = out_[at->second];
    line.flows += found.flows;
    line.audited += found.audited;
    line.requests += connection.request ? found.flows : 0;
    line.recorded.forwarded += connection.egress.forwarded + connection.ingress.forwarded;
    line.recorded.dropped += connection.egress.dropped + connection.ingress.dropped;
    line.recorded.audited += connection.egress.audited + connection.ingress.audited;
    line.unrecorded = (fresh || line.unrecorded) && found.unrecorded;
    line.exposes = found.change == Change::Opened && exposes(recording_, connection);
    if (found.change != Change::Undecided || !line.why.empty()) return;
    line.why = reason(line);
  }

  std::vector<Outcome> sorted() {
    std::stable_sort(out_.begin(), out_.end(), [&](const Outcome& a, const Outcome& b) { return rank(a) < rank(b); });
    return std::move(out_);
  }

 private:
  static std::string reason(const Outcome& line) {
    for (const Word word : {Word::Undecided, Word::ByRequest}) {
      if (together(line.now) == word) return why(line.now, word);
      if (line.was && together(*line.was) == word) return (word == Word::ByRequest ? "before, " : "") + why(*line.was, word);
    }
    return "a proxy decides by what is asked, and no requests are recorded";
  }
  std::tuple<Change, bool, std::uint64_t, std::string, std::string, ir::Flow> rank(const Outcome& line) const {
    const Connection& connection = recording_.connections()[line.connection];
    return {line.change, !line.exposes, ~line.flows, to_string(recording_.ends()[connection.from]), to_string(recording_.ends()[connection.to]), connection.flow};
  }

  const Recording& recording_;
  std::vector<Outcome> out_;
  std::map<std::tuple<EndId, EndId, ir::Flow, Change, std::uint32_t>, std::uint32_t> lines_;
};

}  // namespace

std::uint64_t Outcomes::flows_of(Change change) const {
  std::uint64_t out = 0;
  for (const Outcome& one : all) out += one.change == change ? one.flows : 0;
  return out;
}
std::size_t Outcomes::count(Change change) const {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const Outcome& one) { return one.change == change; }));
}

Outcomes outcomes(Recording& recording, Verdicts& now, Verdicts* was) {
  Outcomes out;
  Collector collector(recording);
  for (std::uint32_t number = 0; number < recording.connections().size(); ++number) {
    const Connection& connection = recording.connections()[number];
    if (now.nobodys(connection) && (was == nullptr || was->nobodys(connection))) {
      recording.skip(Skip::NobodysPolicy, connection.flows());
      continue;
    }
    Answer after = now.answer(connection);
    std::optional<Answer> before;
    if (was != nullptr) before = was->answer(connection);
    const Found found = before ? against_set(connection, after, *before, now, *was) : against_recorded(connection, after);
    if (before) out.contradicting += contradicting(connection, *before);
    ++out.connections;
    out.flows += connection.flows();
    out.unchanged_flows += connection.flows() - found.flows;
    if (found.flows == 0) ++out.unchanged_connections;
    else collector.add(number, found, std::move(after), std::move(before));
  }
  out.all = collector.sorted();
  return out;
}

}  // namespace netpolc::compiler::replay
