// runtime-loader/status.h — what is loaded, whether it is in force, and what it has counted.
#pragma once
#include <string>
#include <vector>

#include "ir/map_layout.h"
#include "runtime-loader/attach.h"
#include "runtime-loader/bundle.h"
#include "runtime-loader/maps.h"
#include "runtime-loader/state.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

struct AttachmentStatus {
  Attachment attachment;
  InForce programs;
  std::string problem;  // empty: both programs are in force
};
// A program's counters: one of each rule, then one for packets that no rule decided.
struct ProgramStatus {
  std::size_t program = 0;  // index into Bundle::programs
  std::vector<np_counter> ingress, egress;
};
struct Status {
  std::string root;
  bool unfinished = false; // a load was killed before it was done, so that more may be in force than is said
  bool installed = false;  // false: the rest is empty
  State state;
  Bundle bundle;
  std::vector<AttachmentStatus> attachments;
  std::vector<ExternalDevice> external;  // at which dropping begins
  std::vector<ProgramStatus> programs;
  std::vector<np_counter> drops;  // by reason
  std::size_t addresses = 0;
  FlowCount flows;
  std::vector<std::uint64_t> stats;  // by NP_STAT_*
  // Installed, nothing unfinished, and every attachment in force.
  bool good() const;
};

Result<Status> status(const std::string& root, const std::string& state);

std::string status_text(const Status& status);
std::string status_json(const Status& status);

}  // namespace netpolc::loader
