// compiler/replay/outcome.h — which recorded flows would fare otherwise: dropped that were forwarded, forwarded that were dropped.
//
// A flow tells what one side decided. It is held against that side; against the other side, too, where the flow shows that the other
// side let it pass (what arrived had left), or where the recording has nothing of the other side's.
#pragma once
#include <vector>

#include "compiler/replay/verdicts.h"

namespace netpolc::compiler::replay {

enum class Change : std::uint8_t { Dropped, Opened, Undecided };

// Of one connection; where packets decide, of all requests over it together.
struct Outcome {
  Change change = Change::Dropped;
  std::uint32_t connection = 0;  // index; of several the first
  std::uint64_t flows = 0;       // that fare otherwise, or whose fate is not known
  std::uint64_t audited = 0;     // of them: forwarded only since policy was in audit mode
  std::uint64_t requests = 0;    // of them: proxies' records
  Counts recorded = {};          // what became of all flows of these connections
  bool by_request = false;       // the request decides, and not the packets
  bool unrecorded = false;       // the side that drops it has said nothing in the recording
  bool exposes = false;          // newly reached from the internet
  Answer now = {};
  std::optional<Answer> was = {};  // where sets are compared
  std::string why = {};            // of Undecided
};

struct Outcomes {
  std::vector<Outcome> all;  // worst first
  std::uint64_t connections = 0, unchanged_connections = 0;
  std::uint64_t flows = 0, unchanged_flows = 0;
  std::uint64_t contradicting = 0;  // flows that fared otherwise than the set compared with says
  std::uint64_t flows_of(Change change) const;
  std::size_t count(Change change) const;
};

// `was`: what the flows are held against instead of what was recorded; null: what was recorded. Flows that turn out to be nobody's
// are counted in `recording`.
Outcomes outcomes(Recording& recording, Verdicts& now, Verdicts* was);

}  // namespace netpolc::compiler::replay
