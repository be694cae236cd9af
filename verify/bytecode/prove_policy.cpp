// np_policy_ingress and np_policy_egress against the table, slice by slice: within a slice ports decide nothing, so that
// what is left to the solver are the bits of the peer's row.
#include <algorithm>

#include "ir/map_layout.h"
#include "verify/bytecode/inquiry.h"
#include "verify/bytecode/policy_spec.h"

namespace netpolc::verify::bytecode {
namespace {

// What a program is told about a flow: identity, row, number, protocol (np_flow of the runtime). That it is told so is
// the proof of np_admit_in and np_admit_out.
constexpr std::uint64_t kFlowBytes = 12;
// Slices that are asked about together: many small ones, or few with a hundred peers each.
constexpr std::size_t kNarrow = 256, kWide = 2;

class PolicyProof {
 public:
  PolicyProof(const Object& object, const ir::DirectionTable& table, bool ingress, Effort effort, Part& out)
      : object_(object), table_(table), name_(ingress ? "np_policy_ingress" : "np_policy_egress"), peers_(ingress ? NP_MAP_PEERS_IN : NP_MAP_PEERS_OUT),
        words_(std::max<std::size_t>(1, (table.bits.size() + 63) / 64)), bits_(context_), known_(bits_, object), unknown_(bits_, object),
        inquiry_(name_, context_, effort, words_ > 1 ? kWide : kNarrow), identity_(context_.bv_const("identity", 32)), row_(context_.bv_const("row", 32)), out_(out) {}

  void prove() {
    const Function* function = object_.function(name_);
    if (function == nullptr) throw NotModelled{"the object has no such function"};
    const auto map = std::find_if(object_.maps.begin(), object_.maps.end(), [&](const Map& m) { return m.name == peers_; });
    if (map == object_.maps.end()) throw NotModelled{"the object has no map " + std::string(peers_)};
    if (map->type != BPF_MAP_TYPE_ARRAY || map->key_size != 4 || map->value_size != 8 * NP_ROW_WORDS(words_)) {
      out_.answer = Refuted{"rows of " + map->name + " are not of " + std::to_string(NP_ROW_WORDS(words_)) + " words", std::nullopt};
      return;
    }
    if (NP_SUMMARY_WORDS(words_) > 0) throw NotModelled{"rows with a summary, of more than 32 words, are not covered yet"};
    const auto index = static_cast<std::size_t>(map - object_.maps.begin());
    known_.decide(index, true);
    unknown_.decide(index, false);
    peer_ = known_.look_up(index, row_);
    // everyone is in every row (ir/map_layout.h)
    inquiry_.assume(known_.initial(peer_->region, 0, 8).extract(0, 0) == 1);
    Slices all = slices(table_);
    if (!all.gap.empty()) throw NotModelled{all.gap};
    for (const Slice& slice : all.all) {
      run(*function, slice, known_, true);
      run(*function, slice, unknown_, false);
    }
    answer();
    out_.steps = inquiry_.steps();
  }

 private:
  // A row that the map doesn't have is that of everyone alone.
  z3::expr holds(std::uint32_t bit, bool row_known) {
    if (bit == 0 || !row_known) return context_.bool_val(bit == 0);
    const z3::expr word = known_.initial(peer_->region, bit / 64 * 8, 8);
    return bits_.equal(bits_.extract(word, bit % 64, bit % 64), bits_.number(1, 1));
  }

  void run(const Function& function, const Slice& slice, Machine& machine, bool row_known) {
    const z3::expr number = slice.first == slice.last ? bits_.number(slice.first, 16) : bits_.fresh("number", 16);
    if (slice.first != slice.last) {
      bits_.promise(number, {slice.first, slice.last});
      inquiry_.assume(z3::uge(number, slice.first) && z3::ule(number, slice.last));
    }
    const z3::expr word = bits_.join(bits_.number(slice.protocol, 48), number);
    const std::size_t flow = machine.give("the flow", kFlowBytes, {{0, bits_.join(row_, identity_)}, {1, word}});
    const std::size_t faults = machine.faults().size();
    const Run run = execute(machine, function, {machine.pointer(flow)}, {});
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
  Inquiry inquiry_;
  z3::expr identity_, row_;
  std::optional<Lookup> peer_;
  std::vector<Question> questions_;
  Part& out_;
};

}  // namespace

Part prove_policy(const Object& object, const ir::DirectionTable& table, ir::Direction direction, Effort effort) {
  const bool ingress = direction == ir::Direction::Ingress;
  return part(ingress ? "np_policy_ingress" : "np_policy_egress", [&](Part& out) { PolicyProof(object, table, ingress, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
