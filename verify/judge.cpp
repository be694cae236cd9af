#include "verify/judge.h"

#include <algorithm>

#include "verify/conclude.h"

namespace netpolc::verify {
namespace {

bool denies(const ir::SideVerdict& verdict) {
  return verdict.verdict == ir::Verdict::Deny || verdict.verdict == ir::Verdict::DefaultDeny;
}

bool same_request(const Side& a, const Side& b) {
  return a.request.has_value() == b.request.has_value() && (!a.request || (a.request->word == b.request->word && a.request->rules == b.request->rules));
}
bool same_side(const std::optional<Side>& a, const std::optional<Side>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || (a->subject == b->subject && a->verdict == b->verdict && a->incomputable == b->incomputable && same_request(*a, *b));
}
bool same_verdict(const std::optional<Side>& a, const std::optional<Side>& b) {
  if (!a || !b || a->verdict == nullptr || b->verdict == nullptr) return same_side(a, b);
  return a->subject == b->subject && a->verdict->verdict == b->verdict->verdict &&
         a->verdict->enforcement == b->verdict->enforcement && a->verdict->rules == b->verdict->rules && same_request(*a, *b);
}

// How the ends were found. A service's ports say nothing about a source.
std::string found_via(const End& from, const End& to) {
  if (from.via.empty() || !from.flows.empty()) return to.via;
  return to.via.empty() ? from.via : from.via + "; " + to.via;
}

constexpr std::size_t kRemembered = 1U << 20U;

}  // namespace

// DENIED as soon as one side denies; UNDECIDED when a side's policy cannot be computed.
void conclude(PairAnswer& pair) {
  pair.word = Word::Allowed;
  for (const auto* side : {&pair.egress, &pair.ingress}) {
    if (!*side) continue;
    if ((*side)->incomputable != nullptr) {
      pair.word = Word::Undecided;
      pair.reason = "the policy of " + (*side)->subject + " cannot be computed: " + (*side)->incomputable->reason;
      return;
    }
    if (denies(*(*side)->verdict)) pair.word = Word::Denied;
  }
  for (const auto* side : {&pair.egress, &pair.ingress})
    if (*side && (*side)->request && (*side)->request->word == ir::RequestVerdict::Word::Denied) pair.word = Word::Denied;
  if (pair.word == Word::Denied) return;
  for (const auto* side : {&pair.egress, &pair.ingress}) {
    if (!*side || !(*side)->request || (*side)->request->word != ir::RequestVerdict::Word::Unknown) continue;
    pair.word = Word::Undecided;
    pair.reason = (*side)->request->why + " decides, and is not known";
    return;
  }
}

Word together(const std::vector<Word>& words) {
  const auto any = [&](Word word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (words.empty()) return Word::Undecided;  // nobody was asked
  if (any(Word::Mixed) || (any(Word::Allowed) && any(Word::Denied))) return Word::Mixed;
  return any(Word::Undecided) ? Word::Undecided : any(Word::Denied) ? Word::Denied : Word::Allowed;
}

// Cases that differ in placement or address only are one line to the reader.
bool repeats(const PairAnswer& a, const PairAnswer& b) {
  return a.from == b.from && a.to == b.to && a.flow == b.flow && a.word == b.word && same_verdict(a.egress, b.egress) &&
         same_verdict(a.ingress, b.ingress);
}

std::optional<Side> judged_side(Judge& judge, const std::optional<SubjectId>& subject, ir::Direction direction, FactsId peer, ir::Flow flow, const End& self,
                                const End& other, const ir::Request* request) {
  if (!subject) return std::nullopt;
  Side side{.subject = self.name, .who = *subject, .peer = peer, .other = &other};
  if (const auto& incomputable = judge.policy(*subject).incomputable())
    side.incomputable = &*incomputable;
  else
    side.verdict = &judge.verdict(*subject, direction, peer, flow);
  if (request != nullptr && side.verdict != nullptr && side.verdict->verdict == ir::Verdict::AllowL7)
    side.request = judge.policy(*subject).judge(direction, judge.encounters().facts(peer), flow, *request);
  return side;
}

void conclude(Answer& answer) {
  std::vector<Word> words;
  for (const PairAnswer& pair : answer.pairs) words.push_back(pair.word);
  answer.word = together(words);
  answer.reason.clear();
  if (answer.word != Word::Undecided) return;
  answer.reason = std::find_if(answer.pairs.begin(), answer.pairs.end(), [](const PairAnswer& pair) { return pair.word == Word::Undecided; })->reason;
}

const char* to_string(Word word) {
  switch (word) {
    case Word::Allowed: return "ALLOWED";
    case Word::Denied: return "DENIED";
    case Word::Mixed: return "MIXED";
    case Word::Undecided: return "UNDECIDED";
  }
  return "UNDECIDED";
}

Judge::Judge(const ir::eval::World& world, const ir::IdentityLock& lock)
    : world_(world),
      directory_(world.policies, world.cluster, world.resolutions, lock),
      encounters_(world.policies, directory_) {}

const ir::eval::SubjectPolicy& Judge::policy(SubjectId subject) {
  if (policies_.size() <= subject) policies_.resize(subject + 1);
  auto& kept = policies_[subject];
  if (!kept) kept.emplace(world_, encounters_.subject(subject));
  return *kept;
}

const ir::SideVerdict& Judge::verdict(SubjectId subject, ir::Direction direction, FactsId peer, ir::Flow flow) {
  const Key key{(std::uint64_t{subject} << 32U) | peer, (std::uint64_t{static_cast<std::uint8_t>(direction)} << 24U) |
                                                            (std::uint64_t{static_cast<std::uint8_t>(flow.protocol)} << 16U) |
                                                            flow.number};
  if (auto found = verdicts_.find(key); found != verdicts_.end()) return found->second;
  ir::SideVerdict verdict;
  if (direction == ir::Direction::Egress && encounters_.may_not_encapsulate(subject, peer, flow)) {
    verdict.verdict = ir::Verdict::Deny;
    verdict.enforcement = policy(subject).enforcement(direction);
    verdict.encapsulation = true;
  } else {
    verdict = policy(subject).judge(direction, encounters_.facts(peer), flow);
  }
  return verdicts_.emplace(key, std::move(verdict)).first->second;
}

const Resolved& Judge::resolve(const std::string& reference, const std::optional<ir::Flow>& flow) {
  std::string key = reference;
  if (flow && directory_.depends_on_flow(reference))
    key += '\0' + std::to_string(static_cast<int>(flow->protocol)) + '/' + std::to_string(flow->number);
  if (auto found = resolved_.find(key); found != resolved_.end()) return found->second;
  return resolved_.emplace(std::move(key), directory_.resolve(reference, flow)).first->second;
}

std::optional<Side> Judge::side(const std::optional<SubjectId>& subject, ir::Direction direction, FactsId peer, ir::Flow flow,
                                const End& self, const End& other) {
  return judged_side(*this, subject, direction, peer, flow, self, other, request_);
}

PairAnswer Judge::judge(const Meeting& meeting, const End& from, const End& to, ir::Flow flow) {
  PairAnswer pair{.from = from.name, .to = to.name, .via = found_via(from, to), .flow = flow};
  pair.egress = side(meeting.source, ir::Direction::Egress, meeting.destination_seen, flow, from, to);
  pair.ingress = side(meeting.destination, ir::Direction::Ingress, meeting.source_seen, flow, to, from);
  conclude(pair);
  return pair;
}

void Judge::judge(const End& from, const End& to, ir::Flow flow, Answer& answer) {
  for (const Meeting& meeting : encounters_.meet(from, to)) {
    PairAnswer pair = judge(meeting, from, to, flow);
    // Cases of one pair of ends lie next to each other.
    const auto earlier = answer.pairs.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(answer.pairs.size(), 8));
    if (std::none_of(earlier, answer.pairs.end(), [&](const auto& other) { return repeats(other, pair); }))
      answer.pairs.push_back(std::move(pair));
  }
}

tl::expected<Answer, RefError> Judge::ask(const Question& question) {
  const auto refused = [](const RefError& error) -> tl::expected<Answer, RefError> {
    if (!error.undecided) return tl::unexpected(error);
    return Answer{.word = Word::Undecided, .reason = error.message, .pairs = {}};
  };
  // Many different flows against one service would otherwise fill memory.
  if (resolved_.size() > kRemembered) resolved_.clear();
  if (verdicts_.size() > kRemembered) verdicts_.clear();
  const Resolved& to = resolve(question.to, question.flow);
  if (!to) return refused(to.error());
  // A service as a source means its backends: its port does not matter.
  const Resolved& from = resolve(question.from, question.from.starts_with("svc:") ? std::nullopt : question.flow);
  if (!from) return refused(from.error());
  Answer answer;
  request_ = question.request ? &*question.request : nullptr;
  for (const End& source : *from)
    for (const End& destination : *to) {
      if (!destination.flows.empty())
        for (const auto& flow : destination.flows) judge(source, destination, flow, answer);
      else if (question.flow)
        judge(source, destination, *question.flow, answer);
      else
        return tl::unexpected(RefError{"no port is given: add --port PORT/PROTOCOL or --icmp TYPE", false});
    }
  conclude(answer);
  return answer;
}

}  // namespace netpolc::verify
