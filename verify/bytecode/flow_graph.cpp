// Bourdoncle's weak topological order: loops are what is strongly connected, and loops within it once its
// head is taken away.
#include "verify/bytecode/flow_graph.h"

#include <algorithm>
#include <limits>
#include <set>

namespace netpolc::verify::bytecode {
namespace {

constexpr std::size_t kDone = std::numeric_limits<std::size_t>::max();

class Orderer {
 public:
  explicit Orderer(const std::vector<std::vector<std::size_t>>& next) : next_(next), number_(next.size(), 0) {}
  std::vector<Step> order() {
    std::vector<Step> out;
    visit(0, out);
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  // Lists are made back to front.
  std::size_t visit(std::size_t block, std::vector<Step>& out) {
    open_.push_back(block);
    std::size_t head = number_[block] = ++count_;
    bool loop = false;
    for (const std::size_t next : next_[block]) {
      const std::size_t least = number_[next] == 0 ? visit(next, out) : number_[next];
      if (least <= head) {
        head = least;
        loop = true;
      }
    }
    if (head != number_[block]) return head;
    number_[block] = kDone;
    std::size_t last = open_.back();
    open_.pop_back();
    if (!loop) {
      out.push_back({block, false, {}});
      return head;
    }
    while (last != block) {
      number_[last] = 0;
      last = open_.back();
      open_.pop_back();
    }
    Step step{block, true, {}};
    for (const std::size_t next : next_[block])
      if (number_[next] == 0) visit(next, step.body);
    std::reverse(step.body.begin(), step.body.end());
    out.push_back(std::move(step));
    return head;
  }

  const std::vector<std::vector<std::size_t>>& next_;
  std::vector<std::size_t> number_, open_;
  std::size_t count_ = 0;
};

bool jumps(const Instruction& one) { return one.is_jump() && !one.is_call(); }
bool always(const Instruction& one) { return one.is_exit() || (one.is_jump() && (one.code & 0xf0) == BPF_JA); }

}  // namespace

std::size_t FlowGraph::block_at(std::size_t instruction) const {
  return static_cast<std::size_t>(std::lower_bound(first.begin(), first.end(), instruction) - first.begin());
}

Graphed flow_graph(const std::vector<Instruction>& code) {
  Graphed out;
  std::set<std::size_t> leaders{0};
  const auto target = [&](std::size_t at) { return static_cast<std::int64_t>(at) + 1 + code[at].off; };
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (!jumps(code[at]) || code[at].second) continue;
    leaders.insert(at + 1);
    if (code[at].is_exit()) continue;
    const std::int64_t to = target(at);
    if (to < 0 || to >= static_cast<std::int64_t>(code.size()) || code[static_cast<std::size_t>(to)].second) out.broken = true;
    else leaders.insert(static_cast<std::size_t>(to));
  }
  leaders.erase(code.size());
  if (code.empty() || !always(code.back())) out.broken = true;
  if (out.broken) return out;
  out.graph.first.assign(leaders.begin(), leaders.end());
  std::vector<std::vector<std::size_t>> next(leaders.size());
  for (std::size_t block = 0; block < next.size(); ++block) {
    const std::size_t end = block + 1 < next.size() ? out.graph.first[block + 1] : code.size();
    const Instruction& last = code[end - 1];
    if (!always(last)) next[block].push_back(block + 1);
    if (jumps(last) && !last.is_exit()) next[block].push_back(out.graph.block_at(static_cast<std::size_t>(target(end - 1))));
  }
  out.graph.order = Orderer(next).order();
  return out;
}

}  // namespace netpolc::verify::bytecode
