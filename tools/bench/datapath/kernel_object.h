// tools/bench/datapath/kernel_object.h — a BPF object in the kernel with nothing of netpolc's loader
// around it: for the benchmark's own programs, and for what the verifier says of any.
// Everything here throws std::runtime_error with what was tried.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

struct bpf_object;

namespace netpolc::datapath_bench {

// The objects built from *.bpf.c, by name without suffix; empty if there is none of that name.
std::string_view embedded(std::string_view name);

struct ProgramCost {
  std::string name;
  std::uint32_t instructions = 0;  // as loaded, subprograms included
  std::uint32_t machine_code = 0;  // bytes
  std::uint32_t walked = 0;        // instructions that the verifier looked at
  std::uint32_t verifier_us = 0;   // 0 where the kernel doesn't say
};

struct LoadOptions {
  std::map<std::string, std::uint32_t> max_entries;  // by map
  std::map<std::string, int> reuse;                  // maps that exist
  std::vector<std::string> only = {};                // programs to load; empty: all
  bool statistics = false;                           // ask the verifier what it cost
};

class KernelObject {
 public:
  KernelObject(std::string_view bytes, const LoadOptions& options);
  ~KernelObject();
  KernelObject(const KernelObject&) = delete;
  int program(const char* name) const;
  int map(const char* name) const;
  // With `statistics`.
  std::vector<ProgramCost> costs() const;

 private:
  bpf_object* object_ = nullptr;
  std::map<std::string, std::vector<char>> logs_;
};

void put_bytes(int map, const void* key, const void* value);
template <class Key, class Value>
void put(int map, const Key& key, const Value& value) {
  put_bytes(map, &key, &value);
}

// Bytes of kernel memory that the map or program behind a descriptor is charged for.
std::uint64_t memory_of(int fd);

// The ring buffer's reader that reads nothing: makes room again for what was written.
class Ring {
 public:
  explicit Ring(int map);
  ~Ring();
  Ring(const Ring&) = delete;
  // Bytes that were waiting.
  std::uint64_t drain();

 private:
  void* consumer_ = nullptr;
  void* producer_ = nullptr;
};

// One TU of generated C and the embedded object `with`, linked: bytes of the result. Runs clang.
std::string link_policy(const std::string& policy_c, std::string_view with);

}  // namespace netpolc::datapath_bench
