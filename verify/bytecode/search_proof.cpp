#include "verify/bytecode/search_proof.h"

#include <algorithm>
#include <bit>

#include "ir/map_layout.h"

namespace netpolc::verify::bytecode {
namespace {

// What turns hand to each other (np_search of the runtime), by offset. Wherever a program has it otherwise, it is not proved.
struct SearchAt {
  static constexpr int peer = 0, both = 8, group = 16, next = 20, verdict = 32, bytes = 40;
  static constexpr int summary = 24, first = 28;
};
constexpr std::size_t kLevelsOfStep = 4;  // that a step looks at, at most
constexpr std::size_t kMostRuns = 400'000;
constexpr std::uint64_t kMostTurns = 1u << 23;  // of the kernel's loop
const std::vector<ir::TableEntry> kNoEntries;

// The loop's arguments.
struct Loop {
  std::size_t turn = 0;
  std::uint64_t turns = 0;
  int place = 0;
};
Loop loop_of(const Machine& machine, const State& state) {
  const auto single = [&](const Value& value) -> const Pointer& {
    if (value.pointers.size() != 1 || !value.pointers[0].when.is_true()) throw NotModelled{"what bpf_loop calls, or hands over, is not constant"};
    return value.pointers[0];
  };
  const Pointer &turn = single(state.registers[2]), &context = single(state.registers[3]);
  const auto turns = Bits::value(state.registers[1].bits), flags = Bits::value(state.registers[4].bits), offset = Bits::value(context.offset);
  if (machine.region(turn.region).kind != Region::Kind::Code || Bits::value(turn.offset) != 0 || !machine.is_stack(context.region) || !offset || !turns || flags != 0 ||
      *offset + SearchAt::bytes > kStackBytes || machine.region(context.region).index != 0)
    throw NotModelled{"bpf_loop is not called as for a search"};
  const std::uint64_t count = *turns & 0xffffffff;
  if (count > kMostTurns) throw NotModelled{"the kernel refuses so many turns of bpf_loop"};
  return {machine.region(turn.region).index, count, machine.place(context.region, *offset)};
}

}  // namespace

Value turn_by_turn(Machine& machine, State& state) {
  const Loop loop = loop_of(machine, state);
  if (!state.when.is_true()) throw NotModelled{"whether bpf_loop is called is not constant"};
  const Function& function = machine.object().functions[loop.turn];
  for (std::uint64_t i = 0; i < loop.turns; ++i) {
    Run run = execute(machine, function, {machine.number(i), state.registers[3]}, {.caller = state.stack});
    const auto result = Bits::value(run.result);
    if (!result || !run.returns.is_true()) throw NotModelled{"which turn of bpf_loop is the last one is not constant"};
    state.stack = std::move(run.stack);
    if (*result != 0) return machine.number(i + 1);
  }
  return machine.number(loop.turns);
}

SearchProof::SearchProof(Machine& machine, std::size_t row, const ir::DirectionTable& table, std::size_t words, const z3::expr& identity, Inquiry& inquiry)
    : machine_(machine), bits_(machine.bits()), row_(row), table_(table), words_(words), identity_(identity),
      otherwise_(expected_verdict(bits_, table, &kNoEntries, [&](std::uint32_t) { return bits_.no(); }, identity)), inquiry_(inquiry) {
  for (std::size_t s = 0; s < NP_SUMMARY_WORDS(words); ++s) symbols_.push_back(bits_.fresh("summary", 64));
}

void SearchProof::add(const Function& function, const Value& flow, const std::vector<ir::TableEntry>& entries) {
  if (std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.auth >= ir::AuthMode::Required; }))
    throw NotModelled{"a search that is about authentication is not covered"};
  lines_.emplace(entries, words_);
  entries_ = &entries;
  ++searches_;
  first_step(function, flow);
}

// Of the first place that is not passed by: a bit of a summary that is 0 says that no entry of its word holds.
std::vector<SearchProof::Case> SearchProof::cases(std::size_t from) const {
  const std::size_t until = std::max(from, std::min(from + kLevelsOfStep, lines_->levels()));
  Case none{std::nullopt, until, std::vector<std::uint64_t>(symbols_.size()), std::vector<std::uint64_t>(symbols_.size())};
  std::vector<Case> out;
  for (std::size_t level = from; level < until; ++level) {
    const std::size_t s = lines_->summary(level);
    for (std::uint64_t left = lines_->filled(level) & ~none.zeros[s]; left != 0; left &= left - 1) {
      const Place at{level, static_cast<unsigned>(std::countr_zero(left))};
      Case& one = out.emplace_back(none);
      one.found = at;
      one.ones[s] = std::uint64_t{1} << at.bit;
      none.zeros[s] |= one.ones[s];
      if (lines_->word(at) == 0) return out;  // has everyone's bit
    }
  }
  out.push_back(std::move(none));
  return out;
}

z3::expr SearchProof::partly(const z3::expr& symbol, std::uint64_t zeros, std::uint64_t ones) {
  std::optional<z3::expr> out;
  const auto kind = [&](unsigned bit) { return (zeros >> bit & 1) | (ones >> bit & 1) << 1; };
  for (unsigned end = 64; end > 0;) {
    unsigned from = end - 1;
    while (from > 0 && kind(from - 1) == kind(end - 1)) --from;
    const unsigned width = end - from;
    const z3::expr piece = kind(from) == 0 ? bits_.extract(symbol, end - 1, from) : bits_.number(kind(from) == 1 ? 0 : ~std::uint64_t{0}, width);
    out = out ? bits_.join(*out, piece) : piece;
    end = from;
  }
  return *out;
}

void SearchProof::set_summaries(const Case& one) {
  for (std::size_t s = 0; s < symbols_.size(); ++s) machine_.set_word(row_, words_ + s, partly(symbols_[s], one.zeros[s], one.ones[s]));
}

// Of the words of a level that are to be looked at, those after the place.
z3::expr SearchProof::left_of(const z3::expr& both, const Place& at) {
  if (at.bit == 63) return bits_.number(0, 64);
  const z3::expr upper = bits_.bit_and(bits_.extract(both, 63, at.bit + 1), bits_.number(lines_->filled(at.level) >> (at.bit + 1), 63 - at.bit));
  return bits_.join(upper, bits_.number(0, at.bit + 1));
}

Value SearchProof::enter(State& state, std::optional<Entered>& entered) {
  if (entered) throw NotModelled{"bpf_loop is called more than once"};
  const Loop loop = loop_of(machine_, state);
  entered.emplace(Entered{state.when, state.stack, loop.turn, loop.turns, loop.place, bits_.fresh("found", 32)});
  // turns may write anywhere in their caller's frame
  state.stack.clear();
  state.stack.emplace(loop.place + SearchAt::verdict, Cell{4, {entered->verdict}});
  return machine_.any();
}

void SearchProof::first_step(const Function& function, const Value& flow) {
  std::optional<Entered> any;
  seen_.clear();
  to_do_.clear();
  group_.reset();
  for (const Case& one : cases(0)) {
    set_summaries(one);
    look_at(one);
    std::optional<Entered> entered;
    Setting setting;
    setting.loop = [&](State& state) { return enter(state, entered); };
    const std::size_t faults = machine_.faults().size();
    const Run run = execute(machine_, function, {flow}, setting);
    instructions_ += run.steps;
    inquiry_.no_faults(machine_, faults, looked_.size() - 1);
    never(bits_.negate(run.returns), "does not return");
    const z3::expr result = bits_.extract(run.result, 31, 0), goes_on = entered ? entered->when : bits_.no();
    const Stack nothing;
    const Ended ended{goes_on, result, entered ? entered->stack : nothing, entered ? entered->place : 0};
    if (one.found) found(*one.found, summary(one.found->level), ended);
    else found_none(0, one.until, ended);
    if (!entered) continue;
    never(bits_.both(goes_on, bits_.negate(bits_.equal(result, entered->verdict))), "returns another verdict than its search found");
    if (any && (any->turn != entered->turn || any->place != entered->place || any->turns != entered->turns)) throw NotModelled{"there is more than one search"};
    any = std::move(entered);
  }
  if (any) turns(*any);
}

void SearchProof::turns(const Entered& entered) {
  // each turn passes one line at least
  if (entered.turns < lines_->count()) throw NotModelled{"a search of " + std::to_string(lines_->count()) + " lines takes " + std::to_string(entered.turns) + " turns at most"};
  const Search search{entered.turn, entered.place, *group_, entries_};
  for (const Search& known : searched_)
    if (known.turn == search.turn && known.place == search.place && known.group == search.group && (known.entries == entries_ || *known.entries == *entries_)) return;
  while (!to_do_.empty()) {
    const Begin begin = to_do_.back();
    to_do_.pop_back();
    turn(search, begin);
  }
  searched_.push_back(search);
}

void SearchProof::begin_at(const Begin& begin) {
  if (seen_.insert(begin).second) to_do_.push_back(begin);
}

Stack SearchProof::stack_of(const Search& search, const Begin& begin, const z3::expr& both) {
  Stack out;
  const auto put = [&](int offset, unsigned size, const Value& value) { out.emplace(search.place + offset, Cell{size, value}); };
  put(SearchAt::peer, 8, machine_.pointer(row_));
  put(SearchAt::both, 8, {both});
  put(SearchAt::group, 4, {number(search.group)});
  put(SearchAt::next, 4, {number(begin.bit ? begin.level + 1 : begin.level)});
  if (begin.bit) {
    put(SearchAt::summary, 4, {number(lines_->summary(begin.level))});
    put(SearchAt::first, 4, {number(lines_->first(begin.level))});
  }
  put(SearchAt::verdict, 4, {otherwise_});
  return out;
}

void SearchProof::turn(const Search& search, const Begin& begin) {
  const Function& function = machine_.object().functions[search.turn];
  const auto run_case = [&](const Case& one, const z3::expr& both) {
    if (++runs_ > kMostRuns) throw NotModelled{"a search of more than " + std::to_string(kMostRuns) + " steps"};
    set_summaries(one);
    look_at(one);
    const std::size_t faults = machine_.faults().size();
    const int offset = search.place;
    const Run run = execute(machine_, function, {machine_.any(), machine_.pointer(machine_.stack(), static_cast<std::uint64_t>(offset))}, {.caller = stack_of(search, begin, both)});
    instructions_ += run.steps;
    inquiry_.no_faults(machine_, faults, looked_.size() - 1);
    never(bits_.negate(run.returns), "does not return from a turn");
    const Ended ended{bits_.equal(run.result, bits_.number(0, 64)), field(run.stack, search.place, SearchAt::verdict), run.stack, search.place};
    if (one.found) found(*one.found, begin.bit ? both : summary(one.found->level), ended);
    else found_none(begin.level, one.until, ended);
  };
  if (!begin.bit) {
    for (const Case& one : cases(begin.level)) run_case(one, bits_.number(0, 64));
    return;
  }
  const Place at{begin.level, *begin.bit};
  const z3::expr rest = left_of(bits_.fresh("words to look at", 64), at), here = bits_.number(std::uint64_t{1} << at.bit, at.bit + 1);
  const z3::expr both = at.bit == 63 ? bits_.number(std::uint64_t{1} << 63, 64) : bits_.join(bits_.extract(rest, 63, at.bit + 1), here);
  Case all{at, 0, std::vector<std::uint64_t>(symbols_.size()), std::vector<std::uint64_t>(symbols_.size())};
  run_case(all, both);
}

// Entries before the place don't hold.
void SearchProof::found(const Place& at, const z3::expr& both, const Ended& ended) {
  const std::vector<ir::TableEntry>& entries = lines_->entries(at);
  const z3::expr word = machine_.initial(row_, lines_->word(at) * 8, 8);
  std::uint64_t mask = 0;
  for (const ir::TableEntry& entry : entries) mask |= std::uint64_t{1} << (entry.bit % 64);
  const z3::expr holds = bits_.negate(bits_.equal(bits_.bit_and(word, bits_.number(mask, 64)), bits_.number(0, 64)));
  // of earlier pieces no peer of the word holds either
  std::uint64_t before = 0;
  for (std::size_t level = lines_->summary(at.level); level < at.level; level += lines_->summaries())
    if ((lines_->filled(level) >> at.bit & 1) != 0)
      for (const ir::TableEntry& entry : lines_->entries({level, at.bit})) before |= std::uint64_t{1} << (entry.bit % 64);
  const z3::expr reached = bits_.equal(bits_.bit_and(word, bits_.number(before, 64)), bits_.number(0, 64));
  const z3::expr wanted = expected_verdict(bits_, table_, &entries, [&](std::uint32_t bit) { return bits_.equal(bits_.extract(word, bit % 64, bit % 64), bits_.number(1, 1)); }, identity_);
  const z3::expr ends = bits_.negate(ended.goes_on);
  never(bits_.both(reached, bits_.both(ended.goes_on, holds)), "passes by a peer that an entry names");
  never(bits_.both(reached, bits_.both(ends, bits_.negate(holds))), "ends its search before the last entry");
  never(bits_.both(reached, bits_.both(bits_.both(ends, holds), bits_.negate(bits_.equal(ended.verdict, wanted)))), "returns another verdict than the table");
  if (ended.goes_on.is_false()) return;
  is_state(ended, at.level + 1, left_of(both, at));
  never(bits_.both(ended.goes_on, bits_.negate(bits_.equal(field(ended.stack, ended.place, SearchAt::summary), number(lines_->summary(at.level))))), "loses which summary it looks at");
  never(bits_.both(ended.goes_on, bits_.negate(bits_.equal(field(ended.stack, ended.place, SearchAt::first), number(lines_->first(at.level))))), "loses which lines it looks at");
  const std::uint64_t after = at.bit == 63 ? 0 : lines_->filled(at.level) >> (at.bit + 1) << (at.bit + 1);
  for (std::uint64_t left = after; left != 0; left &= left - 1) begin_at({at.level, static_cast<unsigned>(std::countr_zero(left))});
  begin_at({at.level + 1, std::nullopt});
}

// No entry before the level `until` holds.
void SearchProof::found_none(std::size_t from, std::size_t until, const Ended& ended) {
  const bool all = until >= lines_->levels();
  if (ended.goes_on.is_false()) {
    if (!all) throw NotModelled{"a search ends before the last entry"};
    return never(bits_.negate(bits_.equal(ended.verdict, otherwise_)), "returns another verdict than the table");
  }
  if (!ended.goes_on.is_true()) throw NotModelled{"whether a search goes on is not constant"};
  const std::uint64_t next = constant(field(ended.stack, ended.place, SearchAt::next), "where a search goes on");
  if (next <= from || (next > until && !all)) throw NotModelled{"a search goes on somewhere else than expected"};
  is_state(ended, next, bits_.number(0, 64));
  begin_at({next, std::nullopt});
}

void SearchProof::is_state(const Ended& ended, std::size_t next, const z3::expr& both) {
  const auto peer = ended.stack.find(ended.place + SearchAt::peer);
  const bool one = peer != ended.stack.end() && peer->second.size == 8 && peer->second.value.pointers.size() == 1;
  const Pointer* const to = one ? &peer->second.value.pointers[0] : nullptr;
  if (!one || to->region != row_ || Bits::value(to->offset) != 0 || !to->when.is_true()) throw NotModelled{"a search looks at something else than the row"};
  const auto keeps = [&](const z3::expr& has, const z3::expr& wanted, const char* what) { never(bits_.both(ended.goes_on, bits_.negate(bits_.equal(has, wanted))), what); };
  keeps(machine_.bytes(ended.stack, ended.place + SearchAt::both, 8), both, "loses which words it looks at");
  keeps(field(ended.stack, ended.place, SearchAt::next), number(next), "loses where it goes on");
  const z3::expr group = field(ended.stack, ended.place, SearchAt::group);
  if (!group_) group_ = constant(group, "the group of a search");
  keeps(group, number(*group_), "loses whose lines it looks at");
  keeps(field(ended.stack, ended.place, SearchAt::verdict), otherwise_, "has another verdict than the table while it looks on");
}

std::uint64_t SearchProof::constant(const z3::expr& term, const char* what) const {
  const auto known = Bits::value(term);
  if (!known) throw NotModelled{std::string(what) + " is not constant"};
  return *known;
}

}  // namespace netpolc::verify::bytecode
