// runtime-loader/losses.h — the one reader of an installation's events, and what it could not read: events that programs counted
// but didn't write (NP_STAT_SUPPRESSED).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime-loader/event_output.h"
#include "runtime-loader/fd.h"
#include "runtime-loader/installation.h"

namespace netpolc::loader {

//   STATE/monitor.lock   held by who reads; has its process number, and how many losses were told of, by processor
class Losses {
 public:
  // The ring has one reader: two would each see half. Fails as input where another process is it. `maps`: which maps they are
  // (State::conntrack): others begin to count at 0.
  static Result<Losses> open(const Installation& site, std::uint32_t maps);

  // What nobody was told of yet. Once told, `remember` it: the next reader goes on from there.
  Result<std::vector<LostEvents>> news();
  void remember();

 private:
  Losses() = default;
  Fd lock_, stats_;
  std::uint32_t maps_ = 0;
  std::vector<std::uint64_t> told_, seen_;
};

}  // namespace netpolc::loader
