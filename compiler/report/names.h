// compiler/report/names.h — ends that toFQDNs rules mean: what they are called, and how it is known which addresses those are.
#pragma once
#include "compiler/report/model.h"
#include "verify/all_ports.h"
#include "verify/diff/names.h"

namespace netpolc::compiler {

// `ends` are those of `parties`, in that order; `stand_ins` are the addresses of names that the session has none for. An end that
// has the one name that it is of, and all of that name, is called by it.
void add_names(const Session& session, const verify::diffs::StandIns& stand_ins, const verify::Parties& parties, std::vector<ReportEnd>& ends);

}  // namespace netpolc::compiler
