// compiler/report/names.h — ends that toFQDNs rules mean: what they are called, and how it is known which addresses those are.
#pragma once
#include "compiler/report/model.h"
#include "verify/all_ports.h"
#include "verify/diff/names.h"

namespace netpolc::compiler {

// `ends` are those of `parties`, in that order, and `identities` those of the addresses of all; `stand_ins` are the addresses of names
// that the session has none for. An end is called by a pattern or name that it stands for as such, or else by the one name whose
// addresses it is, if it is all of them.
void add_names(const Session& session, const ir::Identities& identities, const verify::diffs::StandIns& stand_ins, const verify::Parties& parties, std::vector<ReportEnd>& ends);

}  // namespace netpolc::compiler
