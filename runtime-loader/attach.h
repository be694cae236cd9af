// runtime-loader/attach.h — putting programs on interfaces so that it can be taken back.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "runtime-loader/attachment.h"
#include "runtime-loader/installation.h"
#include "runtime-loader/own_programs.h"

namespace netpolc::loader {

// Steps that were taken and how to take each back. Whoever doesn't keep them takes them back,
// the last first.
class Journal {
 public:
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { take_back(); }
  void take_back() {
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
    undo_.clear();
  }
  void add(std::function<void()> undo) { undo_.push_back(std::move(undo)); }
  void keep() { undo_.clear(); }
  // For steps that are being taken back: one could not be.
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
  std::vector<std::function<void()>> undo_;
};

// In place of what we have there, without a moment in between. `wanted`: nothing is tcx where
// the kernel has it, else clsact; the choice is left in `attachment.mode`. `ours`: what may be there now, to
// put it back. True: something else was there than is now.
Result<bool> attach(const Installation& site, Attachment& attachment, ProgramPair programs, std::optional<AttachMode> wanted,
                    const OwnPrograms& ours, Journal& journal);
// Are there links of ours, dead or alive?
bool has_links(const Installation& site, const Attachment& attachment);

// Links and filters of ours that aren't those of `keep`. `former`: what was attached, as far
// as it is known; links are found by their pins.
Done detach_others(const Installation& site, const std::vector<Attachment>& former,
                   const std::vector<Attachment>& keep);

// What is in force: the ids of the programs, 0 where there is none (any more).
struct InForce {
  std::uint32_t from_pod = 0, to_pod = 0;
  bool both() const { return from_pod != 0 && to_pod != 0; }
};
InForce in_force(const Installation& site, const Attachment& attachment);

}  // namespace netpolc::loader
