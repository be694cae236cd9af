#include "verify/diff/request_search.h"

#include <algorithm>
#include <stdexcept>

#include "verify/symbolic/search.h"

namespace netpolc::verify::diffs {
namespace {

using symbolic::Choice;
using Word = ir::RequestVerdict::Word;

// Of one search; what takes more is undecided.
constexpr SolverBudget kBudget{20'000'000, 20'000};

}  // namespace

// Made once for all questions.
struct RequestSearch::Prepared {
  explicit Prepared(const Sets& both)
      : before(both.before.world()), after(both.after.world()), universe({}, {&both.before.cluster()}, {}, [](const std::string&) { return true; }) {}
  symbolic::PreparedRules before, after;
  symbolic::Universe universe;  // nobody is unknown here
};

RequestSearch::RequestSearch(Sets& both) : both_(both), prepared_(std::make_unique<Prepared>(both)) {}
RequestSearch::~RequestSearch() = default;

ir::RequestVerdict RequestSearch::verdict(Set& set, const RequestSide& side, const RequestQuestion& question, const ir::Request& request) const {
  return set.judge.policy(side.subject).judge(question.direction, set.judge.encounters().facts(side.peer), question.flow, request);
}

RequestAnswer RequestSearch::compare(const RequestQuestion& question) {
  RequestAnswer out;
  out.closed = look(question, true, out.why);
  out.opened = look(question, false, out.why);
  return out;
}

// `closed`: let through before and not after; else the other way round.
std::optional<ir::Request> RequestSearch::look(const RequestQuestion& question, bool closed, std::string& why) {
  Set &lets = closed ? both_.before : both_.after, &refuses = closed ? both_.after : both_.before;
  const RequestSide &here = closed ? question.before : question.after, &there = closed ? question.after : question.before;
  const auto &known = lets.judge.encounters(), &other = refuses.judge.encounters();
  Choice subject{.name = "subject", .subject = &known.subject(here.subject), .facts = &known.facts(here.own), .names_known = true, .may_be = {}, .other_subject = &other.subject(there.subject), .other_facts = &other.facts(there.own)};
  Choice peer{.name = "peer", .facts = &known.facts(here.peer), .names_known = true, .may_be = {}, .other_facts = &other.facts(there.peer)};
  const bool ingress = question.direction == ir::Direction::Ingress;
  Inquiry inquiry{.name = question.name, .from = {}, .to = {}, .not_from = {}, .not_to = {}, .traffic = {question.flow.protocol, question.flow.number, question.flow.number}, .not_traffic = {}, .request = RequestRange{.kind = question.kind}, .without = {}, .differing = {}};
  const symbolic::SearchWorld world{lets.world(), closed ? prepared_->before : prepared_->after, prepared_->universe, kBudget, &refuses.world(), closed ? &prepared_->after : &prepared_->before};
  z3::context context;
  std::uint64_t steps = 0;
  const symbolic::Outcome outcome = symbolic::search(world, context, inquiry, ingress ? peer : subject, ingress ? subject : peer, false, steps);
  const auto unknown = [&](const std::string& text) {
    if (why.empty()) why = text;
    return std::nullopt;
  };
  if (const auto* gave_up = std::get_if<NotKnown>(&outcome)) return unknown(gave_up->why);
  const auto* model = std::get_if<symbolic::Model>(&outcome);
  if (model == nullptr) return std::nullopt;
  const auto fares = [&](const ir::Request& request) { return std::pair(verdict(lets, here, question, request), verdict(refuses, there, question, request)); };
  const auto only_one = [&](const ir::Request& request) {
    const auto both = fares(request);
    return both.first.word == Word::Allowed && both.second.word == Word::Denied;
  };
  if (!only_one(*model->request)) {
    const auto both = fares(*model->request);
    for (const auto* one : {&both.first, &both.second})
      if (one->word == Word::Unknown) return unknown(one->why);
    if (model->unmodelled) return unknown("what its lists let through is not modelled");
    throw std::logic_error(question.name + ": the solver and the interpreter disagree about a request");
  }
  // Rather one that says no more than it must.
  if (const auto* http = std::get_if<ir::HttpRequest>(&*model->request)) {
    const ir::HttpRequest without_host{http->method, http->path, std::nullopt, http->headers};
    if (only_one(without_host)) return without_host;
  }
  return model->request;
}

}  // namespace netpolc::verify::diffs
