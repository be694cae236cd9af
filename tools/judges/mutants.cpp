#include "tools/judges/mutants.h"

#include <algorithm>
#include <functional>

#include "codegen-bpf/codegen.h"
#include "compiler/kernel_judge/reasons.h"

namespace netpolc::judges {
namespace {

constexpr std::uint32_t kLocalIdentities = 1u << 24;  // of prefixes (semantics 3.1)

using Change = std::function<void(ir::DirectionTable&)>;

std::string class_text(const ir::L4Class& c) { return std::to_string(c.first) + "-" + std::to_string(c.last); }

class Finder {
 public:
  Finder(const World& world, const Cases& cases) : world_(world) {
    for (const Case& c : cases.all)
      if (c.no_packet == NoPacket::None) of_table_[c.table_index(world)].push_back(&c);
  }

  std::vector<Mutant> find() {
    for (const auto& [table, cases] : of_table_)
      for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
        peer_bits(table, direction);
        port_bounds(table, direction);
        entries(table, direction);
      }
    return std::move(out_);
  }

 private:
  static ir::DirectionTable& side(ir::DecisionTable& table, ir::Direction direction) { return direction == ir::Direction::Egress ? table.egress : table.ingress; }
  const ir::DirectionTable& side(std::uint32_t table, ir::Direction direction) const {
    const ir::DecisionTable& whole = world_.decisions().tables[table];
    return direction == ir::Direction::Egress ? whole.egress : whole.ingress;
  }
  bool found(const std::string& kind) const {
    return std::any_of(out_.begin(), out_.end(), [&](const Mutant& m) { return m.kind == kind; });
  }

  // Keeps the change if a case tells it from the original.
  void offer(std::uint32_t table, ir::Direction direction, const std::string& kind, const std::string& text, const Change& change) {
    if (found(kind)) return;
    Mutant mutant{table, world_.decisions().tables[table], kind, text};
    ir::DirectionTable& changed = side(mutant.content, direction);
    change(changed);
    for (const Case* c : of_table_.at(table)) {
      if (c->direction != direction) continue;
      if (kernel_judge::reason_of(ir::look_up(changed, c->peer->identity, c->flow)) == kernel_judge::reason_of(c->looked_up)) continue;
      out_.push_back(std::move(mutant));
      return;
    }
  }

  void peer_bits(std::uint32_t table, ir::Direction direction) {
    const ir::DirectionTable& original = side(table, direction);
    for (std::size_t bit = 1; bit < original.bits.size(); ++bit)
      for (const Case* c : of_table_.at(table)) {
        const std::uint32_t identity = c->peer->identity;
        if (found("a peer bit")) return;
        if (c->direction != direction) continue;
        // what a prefix is to this policy is what the world is, whatever the maps say
        if (identity >= kLocalIdentities && !codegen_bpf::asks_for_prefixes(original)) continue;
        offer(table, direction, "a peer bit", "bit " + std::to_string(bit) + " (" + original.bits[bit].text + ") of identity " + std::to_string(identity) + " flipped",
              [&](ir::DirectionTable& t) {
                auto& ids = t.bits[bit].identities;
                const auto at = std::lower_bound(ids.begin(), ids.end(), identity);
                if (at != ids.end() && *at == identity) ids.erase(at);
                else ids.insert(at, identity);
              });
      }
  }

  // The class before a bound takes one number from the class after it, or gives it one.
  void port_bounds(std::uint32_t table, ir::Direction direction) {
    const auto& classes = side(table, direction).classes;
    for (std::size_t i = 0; i + 1 < classes.size(); ++i) {
      if (classes[i].protocol != classes[i + 1].protocol) continue;
      for (const int by : {1, -1})
        offer(table, direction, "a port bound", "bound after " + class_text(classes[i]) + " moved by " + std::to_string(by), [&](ir::DirectionTable& t) {
          t.classes[i].last = static_cast<std::uint16_t>(t.classes[i].last + by);
          t.classes[i + 1].first = static_cast<std::uint16_t>(t.classes[i + 1].first + by);
          if (by > 0 && classes[i + 1].first == classes[i + 1].last) t.classes.erase(t.classes.begin() + static_cast<std::ptrdiff_t>(i) + 1);
          else if (by < 0 && classes[i].first == classes[i].last) t.classes.erase(t.classes.begin() + static_cast<std::ptrdiff_t>(i));
        });
    }
  }

  void entries(std::uint32_t table, ir::Direction direction) {
    const auto& classes = side(table, direction).classes;
    for (std::size_t i = 0; i < classes.size(); ++i)
      for (std::size_t e = 0; e < classes[i].entries.size(); ++e)
        offer(table, direction, "an entry", "entry " + std::to_string(e) + " of " + class_text(classes[i]) + " lost",
              [&](ir::DirectionTable& t) { t.classes[i].entries.erase(t.classes[i].entries.begin() + static_cast<std::ptrdiff_t>(e)); });
  }

  const World& world_;
  std::map<std::uint32_t, std::vector<const Case*>> of_table_;
  std::vector<Mutant> out_;
};

}  // namespace

std::vector<Mutant> find_mutants(const World& world, const Cases& cases) { return Finder(world, cases).find(); }

}  // namespace netpolc::judges
