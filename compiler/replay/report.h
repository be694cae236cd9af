// compiler/replay/report.h — what a replay found, for people and for machines.
#pragma once
#include <string>

#include "compiler/diff/report.h"
#include "compiler/replay/outcome.h"

namespace netpolc::compiler::replay {

DiffReport report(const Outcomes& outcomes, const Recording& recording, const Session& now);
// apiVersion netpolc.dev/v1, kind ReplayResult (docs/replay.md). `was`: the set that is compared with, or null.
std::string to_json(const Outcomes& outcomes, const Recording& recording, const Session& now, const Session* was);

// As `verify` takes it, where one reference says it: "entity:host", "ip:192.0.2.1".
std::string reference(const RecordedEnd& end);
std::string to_words(ir::Flow flow);  // "TCP 8080"

// "1 reply, 2 malformed lines": flows that say nothing of policy, by reason; "": there are none.
std::string not_judged(const Recording& recording);
// The same as JSON: {"reply":1}.
std::string not_judged_json(const Recording& recording);

}  // namespace netpolc::compiler::replay
