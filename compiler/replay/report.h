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

}  // namespace netpolc::compiler::replay
