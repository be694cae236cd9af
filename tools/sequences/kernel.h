// tools/sequences/kernel.h — the policies of a script in this machine's kernel, with maps of their
// own, and what they do with packets. Time can't be moved forward there, so flows and fragments are
// made older instead. All of it throws std::runtime_error where the machine fails.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/flow/firewall.h"
#include "runtime-loader/events.h"
#include "runtime-loader/test_run.h"
#include "tools/sequences/script.h"

namespace netpolc::sequences {

struct Seen {
  bool passed = false;
  std::vector<np_event> events;
  std::vector<std::uint32_t> counted;  // slots of np_rules, once for every packet that they counted
};

// A flow table, mapped.
template <class Bucket>
struct FlowTable {
  Bucket* buckets = nullptr;
  std::size_t count = 0;
  FlowTable() = default;
  FlowTable(const FlowTable&) = delete;
  ~FlowTable();
  void map(int fd);
  void forget();
  void age(std::uint32_t ticks);
  std::size_t used() const;  // ways
};

class Kernel {
 public:
  explicit Kernel(const Script& script);

  // As a case begins: no flows, the first policy, the script's world.
  void begin(const Script& script);
  void use_policy(std::uint32_t policy);
  void set_world(const ir::flow::World& world);
  void set_pod(const ir::flow::Pod& pod);
  void age(std::uint32_t ticks);
  // Newer kernels don't run a program on an untagged frame that ends within its IP header.
  static bool takes(const Frame& frame);
  Seen send(ir::Direction direction, ir::flow::Origin origin, bool neighbour, const Frame& frame);
  // What the shared counters say so far.
  struct Totals {
    std::map<std::uint32_t, std::uint64_t> drops;  // by reason
    std::uint64_t opened = 0, audited = 0, suppressed = 0;
    std::uint64_t crowded = 0;  // live flows that gave way to others, and new ones that found no room
    Totals since(const Totals& before) const;
  };
  Totals totals() const;
  // There are, dead ones that nobody took the place of among them.
  std::size_t flows() const { return flows4_.used() + flows6_.used(); }

  ir::flow::Lifetimes lifetimes() const;  // in ticks
  static std::uint64_t tick();            // it is now
  static std::uint32_t ticks(std::uint32_t seconds);

 private:
  struct Program {
    loader::Object object;
    std::vector<std::uint64_t> counters;  // of packets, as read last
  };
  std::vector<std::uint64_t> counters(const Program& program) const;
  void forget();

  loader::TestMaps maps_;
  std::vector<Program> programs_;
  std::optional<loader::EventReader> events_;
  FlowTable<np_bucket4> flows4_;
  FlowTable<np_bucket6> flows6_;
  np_config config_{};
  ir::flow::World world_;
  bool clean_ = false, node_ = false;
  std::uint32_t policy_ = 0;
  std::uint32_t neighbour_ = 0;  // the interface of the other pod
};

// Nothing: it can run here. Otherwise why not.
std::optional<std::string> kernel_unavailable();

}  // namespace netpolc::sequences
