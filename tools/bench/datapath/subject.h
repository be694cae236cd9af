// tools/bench/datapath/subject.h — what is measured: the empty program, the baseline, and what
// netpolc makes of a policy, loaded and filled for a world, and run on packets.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "codegen-bpf/codegen.h"
#include "runtime-loader/object.h"
#include "runtime-loader/packet.h"
#include "tools/bench/datapath/kernel_object.h"
#include "tools/bench/datapath/policies.h"

namespace netpolc::datapath_bench {

enum class Hook : std::uint8_t { FromPod, ToPod, Verdict };

inline constexpr std::uint32_t kPassed = ~0u, kDropped = 2;  // TC_ACT_UNSPEC, TC_ACT_SHOT

// A stream of packets. `how` names a program of mutate.bpf.c, null: always the same packet.
struct Traffic {
  Hook hook = Hook::FromPod;
  loader::Bytes frame;
  const char* how = nullptr;
  mutation tuples{};
  std::optional<std::uint32_t> answer = std::nullopt;  // of the last packet, or it was not what was to be measured
  bool events = false;                  // each packet causes one: the ring is emptied in between
};

class Subject {
 public:
  virtual ~Subject() = default;
  // Nanoseconds a packet.
  double run(const Traffic& traffic, std::uint32_t packets);
  std::uint32_t last_answer() const { return last_answer_; }
  // Takes all connections out; how many were opened since the last time.
  virtual std::uint64_t forget() { return 0; }
  virtual void report_allowed(bool) {}
  virtual std::string name() const = 0;
  // What run() checks; the empty program only passes.
  virtual bool answers() const { return true; }

 protected:
  virtual int program(Hook hook) const = 0;
  virtual Ring* ring() { return nullptr; }
  virtual std::uint32_t record_size() const { return 0; }  // of an event

 private:
  KernelObject& mutator(Hook hook);
  double run_once(int program, const Traffic& traffic, std::uint32_t packets);
  std::map<Hook, std::unique_ptr<KernelObject>> mutators_;
  std::uint32_t last_answer_ = 0;
};

class Empty : public Subject {
 public:
  std::string name() const override { return "empty"; }
  bool answers() const override { return false; }

 protected:
  int program(Hook) const override { return object_.program("empty"); }

 private:
  KernelObject object_{embedded("empty"), {}};
};

// `flows`: of its tables, 0: as many as it comes with.
class Baseline : public Subject {
 public:
  explicit Baseline(const World& world, std::uint32_t flows = 0);
  std::uint64_t forget() override;
  void report_allowed(bool) override;
  std::string name() const override { return "baseline"; }

 protected:
  int program(Hook hook) const override;
  Ring* ring() override { return &ring_; }
  std::uint32_t record_size() const override { return sizeof(verdict_event); }

 private:
  KernelObject object_;
  Ring ring_;
};

struct Loaded {
  codegen_bpf::Emitted emitted;
  loader::Object object;
};

class Netpolc : public Subject {
 public:
  explicit Netpolc(const World& world, std::uint32_t flows = 0);
  std::uint64_t forget() override;
  void report_allowed(bool) override;
  std::string name() const override { return "netpolc"; }
  std::uint64_t stat(std::uint32_t number) const;
  const loader::Object& object() const { return loaded_.object; }
  loader::SharedMaps& shared() { return shared_; }

 protected:
  int program(Hook hook) const override;
  Ring* ring() override { return &*ring_; }
  std::uint32_t record_size() const override { return sizeof(np_event); }

 private:
  loader::SharedMaps shared_;
  Loaded loaded_;
  std::unique_ptr<KernelObject> verdict_;
  std::optional<Ring> ring_;
  std::uint64_t opened_ = 0;
};

}  // namespace netpolc::datapath_bench
