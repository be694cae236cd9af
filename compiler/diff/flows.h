// compiler/diff/flows.h — recorded flows beside a comparison: how many of them each line would drop, and which traffic that opens
// was seen denied. The flows are judged as `netpolc replay --against` does it; each is counted once for all lines about traffic
// and requests, and what is in no line is counted, too.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "compiler/replay/outcome.h"
#include "verify/diff/diff.h"

namespace netpolc::compiler {

// Flows, by what they are about ("dns", "shop/otel:4317"): most first.
struct Observed {
  std::uint64_t flows = 0;
  std::vector<std::pair<std::string, std::uint64_t>> what = {};
};
struct ObservedOnLine {
  Observed dropped;  // were forwarded, and would be dropped now
  Observed opened;   // were dropped, and would pass now
};

struct SeenFlows {
  std::string sources;  // as the user named them: "hubble.json"
  std::vector<ObservedOnLine> traffic, enforcement, requests;  // beside those of the comparison
  std::uint64_t flows = 0, connections = 0;                    // that were judged
  std::uint64_t dropped = 0, opened = 0, undecided = 0;        // of them
  std::uint64_t in_no_line = 0;     // of those dropped or opened: of ends that the comparison doesn't have, or of single cases
  std::uint64_t contradicting = 0;  // recorded otherwise than the set before says
  std::string not_judged, not_judged_json;
  std::uint64_t lost = 0, bad = 0;
  std::uint64_t unchanged() const { return flows - dropped - opened - undecided; }
};

// `outcomes`: of what came after, against what was before.
SeenFlows place(const verify::Diff& diff, const replay::Outcomes& outcomes, const replay::Recording& recording, ir::CiliumVersion version, const ir::Resolutions& resolutions, std::string sources);

// What a line says of them: none, one or two sentences.
std::vector<std::string> to_words(const ObservedOnLine& seen, const std::string& sources);
// "Observed flows (--flows hubble.json): 12 would now be dropped; 17 fare as before." and what was left out.
std::string to_words(const SeenFlows& seen);

}  // namespace netpolc::compiler
