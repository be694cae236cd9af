// np_policy_ingress and np_policy_egress against the table, slice by slice: within a slice ports decide nothing, so that
// what is left to the solver are the bits of the peer's row. That they are told the flow's identity, row, number and protocol
// is the proof of np_admit_in and np_admit_out.
#include <algorithm>

#include "ir/map_layout.h"
#include "verify/bytecode/inquiry.h"
#include "verify/bytecode/policy_spec.h"
#include "verify/bytecode/search_proof.h"
#include "verify/bytecode/search_witness.h"

namespace netpolc::verify::bytecode {
namespace {

// Slices that are asked about together: many small ones, or few with a hundred peers each.
constexpr std::size_t kNarrow = 256, kWide = 2;

class PolicyProof {
 public:
  PolicyProof(const Object& object, const ir::DirectionTable& table, bool ingress, Effort effort, Part& out)
      : object_(object), table_(table), name_(ingress ? "np_policy_ingress" : "np_policy_egress"), peers_(ingress ? NP_MAP_PEERS_IN : NP_MAP_PEERS_OUT),
        words_(std::max<std::size_t>(1, (table.bits.size() + 63) / 64)), bits_(context_), known_(bits_, object), unknown_(bits_, object), searched_(bits_, object),
        inquiry_(name_, context_, effort, words_ > 1 ? kWide : kNarrow), search_inquiry_(name_, context_, effort, kNarrow), identity_(context_.bv_const("identity", 32)), row_(context_.bv_const("row", 32)), out_(out) {}

  void prove() {
    const Function* function = object_.function(name_);
    if (function == nullptr) throw NotModelled{"the object has no such function"};
    const auto map = std::find_if(object_.maps.begin(), object_.maps.end(), [&](const Map& m) { return m.name == peers_; });
    if (map == object_.maps.end()) throw NotModelled{"the object has no map " + std::string(peers_)};
    if (map->type != BPF_MAP_TYPE_ARRAY || map->key_size != 4 || map->value_size != 8 * NP_ROW_WORDS(words_)) {
      out_.answer = Refuted{"rows of " + map->name + " are not of " + std::to_string(NP_ROW_WORDS(words_)) + " words", std::nullopt};
      return;
    }
    map_ = static_cast<std::size_t>(map - object_.maps.begin());
    unknown_.decide(map_, false);
    peer_ = row_of(known_, inquiry_);
    if (NP_SUMMARY_WORDS(words_) > 0) search_.emplace(searched_, row_of(searched_, search_inquiry_)->region, table_, words_, identity_, search_inquiry_);
    Slices all = slices(table_);
    if (!all.gap.empty()) throw NotModelled{all.gap};
    for (const Slice& slice : all.all) {
      try {
        if (search_ && searches(*function, slice)) search(*function, slice);
        else run(*function, slice, known_, true);
        run(*function, slice, unknown_, false);
      } catch (const NotModelled&) {
        auto shown = search_ ? try_rows(object_, *function, map_, table_, slice, words_, std::nullopt) : std::nullopt;
        if (!shown) throw;
        out_.answer = std::move(*shown);
        return;
      }
    }
    answer();
    if (search_ && std::holds_alternative<Proved>(out_.answer)) answer_searches(*function);
    out_.steps = inquiry_.steps() + search_inquiry_.steps();
  }

 private:
  std::optional<Lookup> row_of(Machine& machine, Inquiry& inquiry) {
    machine.decide(map_, true);
    const Lookup out = machine.look_up(map_, row_);
    // everyone is in every row (ir/map_layout.h)
    inquiry.assume(machine.initial(out.region, 0, 8).extract(0, 0) == 1);
    return out;
  }

  // A row that the map doesn't have is that of everyone alone.
  z3::expr holds(std::uint32_t bit, bool row_known) {
    if (bit == 0 || !row_known) return context_.bool_val(bit == 0);
    const z3::expr word = known_.initial(peer_->region, bit / 64 * 8, 8);
    return bits_.equal(bits_.extract(word, bit % 64, bit % 64), bits_.number(1, 1));
  }

  z3::expr number_of(const Slice& slice, Inquiry& inquiry) {
    if (slice.first == slice.last) return bits_.number(slice.first, 16);
    const z3::expr out = bits_.fresh("number", 16);
    bits_.promise(out, {slice.first, slice.last});
    inquiry.assume(z3::uge(out, slice.first) && z3::ule(out, slice.last));
    return out;
  }
  Value flow_of(Machine& machine, const Slice& slice, const z3::expr& number) {
    const z3::expr word = bits_.join(bits_.number(slice.protocol, 48), number);
    return machine.pointer(machine.give("the flow", kFlowBytes, {{0, bits_.join(row_, identity_)}, {1, word}}));
  }

  // Does it look at a summary? At one without bits, here: where that is not read, none is.
  bool searches(const Function& function, const Slice& slice) {
    Machine probe(bits_, object_);
    const std::size_t row = row_of(probe, search_inquiry_)->region;
    for (std::size_t s = 0; s < NP_SUMMARY_WORDS(words_); ++s) probe.set_word(row, words_ + s, bits_.number(0, 64));
    Setting setting;
    setting.loop = [&](State&) { return probe.any(); };
    execute(probe, function, {flow_of(probe, slice, number_of(slice, search_inquiry_))}, setting);
    return probe.was_read(row, words_);
  }

  void search(const Function& function, const Slice& slice) {
    if (slice.entries == nullptr) throw NotModelled{"it searches where no policy is enforced"};
    searching_.push_back(&slice);
    search_->add(function, flow_of(searched_, slice, number_of(slice, search_inquiry_)), *slice.entries);
  }

  void answer_searches(const Function& function) {
    out_.instructions += search_->instructions();
    search_inquiry_.never(context_.bool_val(!searched_.stores().empty()), "writes to memory", 0);
    for (const z3::expr& fact : searched_.facts()) search_inquiry_.assume(fact);
    const auto found = search_inquiry_.ask();
    if (!found) return;
    const auto number = [&](const z3::expr& term) { return Bits::value(found->model.eval(term, true)).value_or(0); };
    const auto [search, word] = search_->looked()[found->tag];
    Suspect suspect{static_cast<std::uint32_t>(number(identity_)), std::vector<std::uint64_t>(words_)};
    suspect.row[word] = number(searched_.initial(search_->row(), word * 8, 8));
    auto shown = try_rows(object_, function, map_, table_, *searching_[search], words_, suspect);
    if (!shown) throw NotModelled{"its search " + found->what + ", it seems, but no row was found that shows it"};
    out_.answer = std::move(*shown);
  }

  void run(const Function& function, const Slice& slice, Machine& machine, bool row_known) {
    const z3::expr number = number_of(slice, inquiry_);
    const std::size_t faults = machine.faults().size();
    Setting setting;
    setting.loop = [&](State& state) { return turn_by_turn(machine, state); };
    const Run run = execute(machine, function, {flow_of(machine, slice, number)}, setting);
    out_.instructions += run.steps;
    const z3::expr got = bits_.extract(run.result, 31, 0);
    const z3::expr expected = expected_verdict(bits_, table_, slice.entries, [&](std::uint32_t bit) { return holds(bit, row_known); }, identity_);
    const std::size_t tag = questions_.size();
    questions_.push_back({slice.protocol, row_known, number, expected, got});
    inquiry_.never(bits_.negate(run.returns), "does not return", tag);
    inquiry_.never(bits_.negate(bits_.equal(expected, got)), "returns another verdict than the table", tag);
    inquiry_.no_faults(machine, faults, tag);
    inquiry_.never(context_.bool_val(!machine.stores().empty()), "writes to memory", tag);
  }

  void answer() {
    for (const Machine* machine : {&known_, &unknown_})
      for (const z3::expr& fact : machine->facts()) inquiry_.assume(fact);
    const auto found = inquiry_.ask();
    if (!found) return;
    const Question& question = questions_[found->tag];
    const auto number = [&](const z3::expr& term) { return Bits::value(found->model.eval(term, true)).value_or(0); };
    AskedFlow flow{question.protocol, static_cast<std::uint16_t>(number(question.number)), static_cast<std::uint32_t>(number(identity_)),
                   question.row_known, {}, static_cast<std::uint32_t>(number(question.expected)),
                   static_cast<std::uint32_t>(number(question.got))};
    for (std::size_t w = 0; w < words_; ++w) flow.row.push_back(question.row_known ? number(known_.initial(peer_->region, w * 8, 8)) : w == 0 ? 1 : 0);
    out_.answer = Refuted{found->what, std::move(flow)};
  }

  struct Question {
    std::uint8_t protocol;
    bool row_known;
    z3::expr number, expected, got;
  };

  const Object& object_;
  const ir::DirectionTable& table_;
  std::string name_;
  const char* peers_;
  std::size_t words_;
  z3::context context_;
  Bits bits_;
  Machine known_, unknown_;  // the map has the row, or not
  Machine searched_;         // has it, and a summary that is looked at
  Inquiry inquiry_, search_inquiry_;
  z3::expr identity_, row_;
  std::size_t map_ = 0;
  std::optional<Lookup> peer_;
  std::optional<SearchProof> search_;
  std::vector<const Slice*> searching_;
  std::vector<Question> questions_;
  Part& out_;
};

}  // namespace

Part prove_policy(const Object& object, const ir::DirectionTable& table, ir::Direction direction, Effort effort) {
  const bool ingress = direction == ir::Direction::Ingress;
  return part(ingress ? "np_policy_ingress" : "np_policy_egress", [&](Part& out) { PolicyProof(object, table, ingress, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
