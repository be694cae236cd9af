#include "compiler/replay/read_flows.h"

#include <cstdio>

#include "compiler/command_line/progress.h"
#include "compiler/exit_code.h"
#include "compiler/replay/files.h"
#include "compiler/session.h"

namespace netpolc::compiler::replay {

std::optional<int> read_flows(const std::vector<std::string>& paths, bool keep_going, Recording& recording) {
  const auto errors = during("reading flows", [&] { return read(paths, recording); });
  for (const auto& error : errors) complain(error.message);
  if (recording.bad() > errors.size()) std::fprintf(stderr, "netpolc: %llu malformed lines in all\n", static_cast<unsigned long long>(recording.bad()));
  if (recording.bad() != 0 && !keep_going) return complain("flows are missing; --keep-going goes on without malformed lines");
  if (errors.size() > recording.bad()) return kNoAnswer;  // files that can't be read
  if (recording.lines() == 0) return complain("there are no flows in " + paths.front());
  std::fprintf(stderr, "read %llu lines · %llu flows · %zu connections\n", static_cast<unsigned long long>(recording.lines()), static_cast<unsigned long long>(recording.flows()), recording.connections().size());
  return std::nullopt;
}

}  // namespace netpolc::compiler::replay
