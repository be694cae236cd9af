#include "verify/bytecode/search_witness.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string_view>

#include "ir/map_layout.h"
#include "verify/bytecode/search_lines.h"
#include "verify/bytecode/search_proof.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::size_t kMostSingle = 256, kRandom = 256, kMostOthers = 4, kMostRowsOfOthers = 64;
using Row = std::vector<std::uint64_t>;

class Trier {
 public:
  Trier(const Object& object, const Function& function, std::size_t map, const ir::DirectionTable& table, const Slice& slice, std::size_t words)
      : object_(object), function_(function), map_(map), table_(table), slice_(slice), words_(words), bits_(context_) {}

  std::optional<Refuted> rows_of(const std::optional<Suspect>& suspect) {
    if (suspect)
      if (auto shown = one(suspect->row, suspect->identity, slice_.first)) return shown;
    for (const std::uint32_t identity : {1000u, 1u})
      if (auto shown = one(Row(words_), identity, slice_.first)) return shown;
    const std::vector<Row> all = rows();
    for (const Row& row : all)
      if (auto shown = one(row, 1000, slice_.first)) return shown;
    for (const std::uint16_t number : others())
      for (std::size_t r = 0; r < std::min(all.size(), kMostRowsOfOthers); ++r)
        if (auto shown = one(all[all.size() - 1 - r], 1000, number)) return shown;
    return std::nullopt;
  }

 private:
  // Ports of the slice that some table of the object has something else for than for the first one.
  std::set<std::uint16_t> others() const {
    std::set<std::uint16_t> out;
    for (const Object::Constant& constant : object_.constants)
      for (const std::size_t bytes : {1u, 2u}) {
        const std::string_view all = std::string_view(object_.data[constant.data].bytes).substr(constant.offset, constant.size);
        if (all.size() < (slice_.last + 1u) * bytes) continue;
        const auto at = [&](std::uint32_t number) { return all.substr(number * bytes, bytes); };
        std::size_t found = 0;
        for (std::uint32_t number = slice_.first + 1u; number <= slice_.last && found < kMostOthers; ++number)
          if (at(number) != at(slice_.first)) out.insert(static_cast<std::uint16_t>(number)), ++found;
      }
    return out;
  }

  std::vector<Row> rows() const {
    static const std::vector<ir::TableEntry> none;
    const SearchLines lines(slice_.entries != nullptr ? *slice_.entries : none, words_);
    std::vector<const std::vector<ir::TableEntry>*> some;
    const std::size_t step = lines.lines().size() / kMostSingle + 1;
    std::size_t number = 0;
    for (const auto& [place, entries] : lines.lines())
      if (number++ % step == 0) some.push_back(&entries);
    std::vector<Row> out;
    const auto add = [&](const std::vector<const ir::TableEntry*>& entries, std::uint64_t others) {
      Row row(words_, others);
      for (const ir::TableEntry* entry : entries) row[entry->bit / 64] |= std::uint64_t{1} << (entry->bit % 64);
      out.push_back(std::move(row));
    };
    for (const auto* line : some) {
      add({&line->front()}, 0);
      add({&line->back()}, 0);
      add({&line->at(line->size() / 2), &line->back()}, 0);
    }
    // a place that is passed by, since its peers are others, and one that holds
    for (std::size_t s = 1; s < some.size(); ++s) {
      add({&some[s]->back()}, 0);
      const std::uint32_t word = some[s - 1]->front().bit / 64;
      std::uint64_t own = 0;
      for (const ir::TableEntry& entry : *some[s - 1]) own |= std::uint64_t{1} << (entry.bit % 64);
      out.back()[word] |= ~own;
      add({&some[s - 1]->back(), &some[s]->front()}, 0);
    }
    // of each word everything, and what no entry names
    std::map<std::uint32_t, std::uint64_t> named;
    for (const auto& [place, entries] : lines.lines())
      for (const ir::TableEntry& entry : entries) named[entry.bit / 64] |= std::uint64_t{1} << (entry.bit % 64);
    for (std::uint32_t word = 0; word < words_; ++word)
      for (const std::uint64_t bits : {~std::uint64_t{0}, ~named[word]}) out.emplace_back(words_)[word] = bits;
    out.push_back(Row(words_, ~std::uint64_t{0}));
    std::mt19937 random(1);
    for (std::size_t r = 0; r < kRandom && !some.empty(); ++r) {
      Row row(words_);
      for (std::size_t bits = random() % 4; bits > 0; --bits) row[random() % words_] |= std::uint64_t{1} << (random() % 64);
      for (std::size_t bits = 1 + random() % 3; bits > 0; --bits) {
        const auto& line = *some[random() % some.size()];
        const std::uint32_t bit = line[random() % line.size()].bit;
        row[bit / 64] |= std::uint64_t{1} << (bit % 64);
      }
      out.push_back(std::move(row));
    }
    return out;
  }

  std::optional<Refuted> one(Row row, std::uint32_t identity, std::uint16_t port) try {
    row.resize(words_);
    row[0] |= 1;  // everyone
    // what stands for nothing no row has
    for (std::size_t bit = table_.bits.size(); bit < words_ * 64; ++bit) row[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
    Machine machine(bits_, object_);
    machine.decide(map_, true);
    const z3::expr number = bits_.number(7, 32), peer = bits_.number(identity, 32);
    const std::size_t region = machine.look_up(map_, number).region;
    std::vector<std::uint64_t> summaries(NP_SUMMARY_WORDS(words_));
    for (std::size_t w = 0; w < words_; ++w) {
      machine.set_word(region, w, bits_.number(row[w], 64));
      if (row[w] != 0) summaries[w / 64] |= std::uint64_t{1} << (w % 64);
    }
    for (std::size_t s = 0; s < summaries.size(); ++s) machine.set_word(region, words_ + s, bits_.number(summaries[s], 64));
    const std::size_t flow = machine.give("the flow", kFlowBytes, {{0, bits_.join(number, peer)}, {1, bits_.number(std::uint64_t{slice_.protocol} << 16 | port, 64)}});
    AskedFlow asked{slice_.protocol, port, identity, true, row, expected(row, peer), 0};
    Setting setting;
    setting.loop = [&](State& state) { return turn_by_turn(machine, state); };
    const Run run = execute(machine, function_, {machine.pointer(flow)}, setting);
    for (const Machine::Fault& fault : machine.faults())
      if (fault.when.is_true()) return Refuted{fault.what, std::move(asked)};
    const auto got = Bits::value(bits_.extract(run.result, 31, 0));
    if (!run.returns.is_true() || !got || *got == asked.expected) return std::nullopt;
    asked.got = static_cast<std::uint32_t>(*got);
    return Refuted{"returns another verdict than the table", std::move(asked)};
  } catch (const NotModelled&) {
    return std::nullopt;
  }

  std::uint32_t expected(const Row& row, const z3::expr& identity) {
    std::vector<ir::TableEntry> holding;
    if (slice_.entries != nullptr)
      for (const ir::TableEntry& entry : *slice_.entries)
        if ((row[entry.bit / 64] >> (entry.bit % 64) & 1) != 0) holding.push_back(entry);
    return static_cast<std::uint32_t>(*Bits::value(expected_verdict(bits_, table_, slice_.entries != nullptr ? &holding : nullptr, [&](std::uint32_t) { return bits_.yes(); }, identity)));
  }

  const Object& object_;
  const Function& function_;
  std::size_t map_;
  const ir::DirectionTable& table_;
  const Slice& slice_;
  std::size_t words_;
  z3::context context_;
  Bits bits_;
};

}  // namespace

std::optional<Refuted> try_rows(const Object& object, const Function& function, std::size_t map, const ir::DirectionTable& table, const Slice& slice, std::size_t words,
                                const std::optional<Suspect>& suspect) {
  return Trier(object, function, map, table, slice, words).rows_of(suspect);
}

}  // namespace netpolc::verify::bytecode
