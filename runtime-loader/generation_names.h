// runtime-loader/generation_names.h — the names behind the numbers of events, of the generation in force and of those that were in
// force before it: an event is told in the words of the generation whose program wrote it, however late it is read.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "ir/map_layout.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/state.h"

namespace netpolc::loader {

// What may be known of who has an address; "" for what isn't.
struct PodName {
  std::string ns, pod, workload, kind;
};

class GenerationNames {
 public:
  // `since`: wall clock, ns, from when on its programs are in force.
  GenerationNames(GenerationState state, Bundle bundle, std::int64_t since);

  const GenerationState& state() const { return state_; }
  const Bundle& bundle() const { return bundle_; }
  std::int64_t since() const { return since_; }
  // The same bundle, with the endpoints and addresses of now.
  void update(GenerationState state);

  bool has_program(std::uint64_t tag) const;
  // A pod by its address, as the bundle or those who told of it since have it; else the workload that alone has this identity.
  PodName name(const Address& address, std::uint32_t identity) const;
  // A pod or workload by "namespace/name", as attachments have it.
  PodName name(const std::string& full) const;
  // Null where nobody knows.
  const std::vector<std::string>* labels(std::uint32_t identity) const;

 private:
  static constexpr std::size_t kWorkload = ~std::size_t{0};
  struct Place {
    std::size_t endpoint = 0, pod = kWorkload;  // the workload itself, or one of its pods
  };
  void index();
  void learn();
  PodName at(const Place& place) const;

  GenerationState state_;
  Bundle bundle_;
  std::int64_t since_;
  std::map<Address, Place> pods_;                        // by address, where it is one's alone
  std::map<std::string, Place> names_;                   // "namespace/name"; of a pod before that of a workload
  std::map<Address, std::string> told_;                  // "namespace/name"
  std::map<std::uint32_t, std::size_t> workloads_;       // by identity, where it is one's alone
  std::map<std::uint32_t, std::vector<std::string>> learned_;
};

// Newest last; few.
class Generations {
 public:
  void add(std::shared_ptr<GenerationNames> generation);
  bool empty() const { return all_.empty(); }
  GenerationNames& newest() const { return *all_.back(); }
  bool has_program(std::uint64_t tag) const;
  // Of those that have the program the one that was in force then (`time`: wall clock, ns); of a program that none has, or that
  // is no endpoint's, the one that was in force then. Not to be asked where there are none.
  const GenerationNames& of(std::uint64_t program, std::int64_t time) const;

 private:
  std::deque<std::shared_ptr<GenerationNames>> all_;
};

// RFC 3339 in UTC, as state has it, in ns; 0: it is no such text.
std::int64_t wall_time(const std::string& rfc3339);

}  // namespace netpolc::loader
