// compiler/kernel_judge/kernel.h — the judge that is the product: programs of decision tables, loaded into this machine's kernel
// with maps of their own, and what they say about packets (BPF_PROG_TEST_RUN). No interface is touched, nothing is pinned,
// and all is gone with this value.
//
// Every packet has a tuple of its own and must give exactly one event (drops and new allowed
// connections are reported, with rule, reason and identity). A packet that conntrack let pass
// as a reply gives none, so no verdict of one probe can hide in that of another.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "compiler/kernel_judge/programs.h"
#include "ir/decide/table.h"
#include "runtime-loader/test_run.h"

namespace netpolc::kernel_judge {

struct Shot {  // a packet for a program
  std::uint32_t table = 0;  // as it was loaded
  ir::Direction direction = ir::Direction::Ingress;
  IpAddress source, destination;
  ir::Flow flow;
};

struct Seen {
  bool passed = false;       // the program's return value
  bool reported = false;     // an event came; what follows is from it
  std::uint8_t reason = 0;   // NP_REASON_*
  std::uint32_t rule = 0;    // of the direction; NP_NO_RULE
  std::uint32_t identity = 0;
};

class Kernel {
 public:
  explicit Kernel(Programs& programs) : programs_(programs) {}
  // All of these throw std::runtime_error where the machine fails.
  // `table`: what packets call it.
  void load(std::uint32_t table, const ir::DecisionTable& content, codegen_bpf::Subject subject = codegen_bpf::Subject::Pod);
  // After the last `load`.
  void start(const std::map<IpPrefix, std::uint32_t>& ipcache, const ir::Config& config);
  std::vector<Seen> run(const std::vector<Shot>& shots);
  // Sentences about counters that differ from what events said; none is how it should be.
  std::vector<std::string> audit() const;

 private:
  struct Loaded {
    loader::Object object;
    std::uint64_t tag = 0;
    codegen_bpf::Subject subject = codegen_bpf::Subject::Pod;
    std::uint32_t ingress_rules = 0, egress_rules = 0;
    std::map<std::uint32_t, std::uint64_t> expected;  // packets by slot of np_rules
  };
  void run_batch(const Shot* shots, std::size_t count, Seen* seen);
  loader::Bytes packet(const Shot& shot, std::uint16_t own_port) const;

  Programs& programs_;
  loader::TestMaps maps_;
  std::map<std::uint32_t, Loaded> loaded_;
  std::map<std::uint32_t, std::uint64_t> drops_;  // by reason
  std::set<IpAddress> hosts_;                     // what comes from there, the node sent
  std::uint16_t next_port_ = 0;
};

// Why programs can't be asked on this machine; none: they can.
std::optional<std::string> kernel_unavailable();

}  // namespace netpolc::kernel_judge
