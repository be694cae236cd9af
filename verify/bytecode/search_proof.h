// verify/bytecode/search_proof.h — programs whose rows have a summary look for the first entry that holds turn by turn, in the
// kernel's own loop (bpf_loop), so that there are too many ways through them to be run one by one. Proved by induction:
// whatever a turn finds, it ends with the table's verdict or leaves a state in which no entry before its place holds.
// Whoever includes this links Z3.
//
// Whichever summary a row has, it belongs to one case: the first place that the next step looks at is this one, or there is
// none. In a case the way through the code is constant, so that little is left to the solver.
#pragma once
#include <set>

#include "verify/bytecode/inquiry.h"
#include "verify/bytecode/policy_spec.h"
#include "verify/bytecode/search_lines.h"

namespace netpolc::verify::bytecode {

// What bpf_loop does where all is constant: turns, one after the other.
Value turn_by_turn(Machine& machine, State& state);

class SearchProof {
 public:
  // `machine` is one whose look-up of the row finds `row`, a region. All of it outlives this.
  SearchProof(Machine& machine, std::size_t row, const ir::DirectionTable& table, std::size_t words, const z3::expr& identity, Inquiry& inquiry);

  // For all rows: the function returns for `flow`, its argument, what the entries say. What must not be is on record with
  // the inquiry then, tagged with an index of `looked`. Throws NotModelled where the search is none of those that are understood.
  void add(const Function& function, const Value& flow, const std::vector<ir::TableEntry>& entries);
  // What was looked at: in which of the searches that were added, at which word of the row.
  struct Looked {
    std::size_t search = 0, word = 0;
  };
  const std::vector<Looked>& looked() const { return looked_; }
  std::size_t row() const { return row_; }
  std::size_t instructions() const { return instructions_; }

 private:
  // A case: the first place, or none until `until`; which bits of the summaries are known then.
  struct Case {
    std::optional<Place> found;
    std::size_t until = 0;
    std::vector<std::uint64_t> zeros, ones;
  };
  // The loop as it was entered: its turns are runs of `turn` on what is at `place` of the stack.
  struct Entered {
    z3::expr when;
    Stack stack;
    std::size_t turn = 0, turns = 0;
    int place = 0;
    z3::expr verdict;  // that is there afterwards
  };
  // How a step ended: it goes on with a state, or with a verdict.
  struct Ended {
    z3::expr goes_on, verdict;
    const Stack& stack;
    int place = 0;
  };
  // A search that all turns are proved of.
  struct Search {
    std::size_t turn = 0;
    int place = 0;
    std::uint64_t group = 0;
    const std::vector<ir::TableEntry>* entries = nullptr;
  };
  // Where a turn begins: at a place with what is left of its level, or before a level.
  struct Begin {
    std::size_t level = 0;
    std::optional<unsigned> bit;
    auto operator<=>(const Begin&) const = default;
  };

  std::vector<Case> cases(std::size_t from) const;
  void set_summaries(const Case& one);
  z3::expr partly(const z3::expr& symbol, std::uint64_t zeros, std::uint64_t ones);
  z3::expr summary(std::size_t level) { return machine_.initial(row_, (words_ + lines_->summary(level)) * 8, 8); }
  z3::expr left_of(const z3::expr& both, const Place& at);

  void first_step(const Function& function, const Value& flow);
  Value enter(State& state, std::optional<Entered>& entered);
  void turns(const Entered& entered);
  void turn(const Search& search, const Begin& begin);
  Stack stack_of(const Search& search, const Begin& begin, const z3::expr& both);

  void found(const Place& at, const z3::expr& both, const Ended& ended);
  void found_none(std::size_t from, std::size_t until, const Ended& ended);
  void is_state(const Ended& ended, std::size_t next, const z3::expr& both);
  void begin_at(const Begin& begin);
  void look_at(const Case& one) { looked_.push_back({searches_ - 1, one.found ? lines_->word(*one.found) : 0}); }
  z3::expr field(const Stack& stack, int place, int offset) { return machine_.bytes(stack, place + offset, 4); }
  std::uint64_t constant(const z3::expr& term, const char* what) const;
  z3::expr number(std::uint64_t value) { return bits_.number(value, 32); }
  void never(const z3::expr& when, const std::string& what) { inquiry_.never(when, what, looked_.size() - 1); }

  Machine& machine_;
  Bits& bits_;
  std::size_t row_;
  const ir::DirectionTable& table_;
  std::size_t words_;
  z3::expr identity_, otherwise_;
  Inquiry& inquiry_;
  std::vector<z3::expr> symbols_;  // of the summaries
  std::optional<SearchLines> lines_;
  const std::vector<ir::TableEntry>* entries_ = nullptr;
  std::optional<std::uint64_t> group_;  // whose lines are looked at
  std::vector<Search> searched_;
  std::set<Begin> seen_;
  std::vector<Begin> to_do_;
  std::vector<Looked> looked_;
  std::size_t searches_ = 0, instructions_ = 0, runs_ = 0;
};

}  // namespace netpolc::verify::bytecode
