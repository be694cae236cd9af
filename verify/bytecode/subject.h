// verify/bytecode/subject.h — what a proof of a program follows from, beside the program, for whoever keeps proofs.
#pragma once
#include <string>

#include "ir/decide/table.h"

namespace netpolc::verify::bytecode {

// All of a table that Prover::prove looks at: with the same text, object and effort it gives the same answer. Names and
// peers are not in it, but for whether these may depend on prefixes.
std::string subject_of(const ir::DecisionTable& table);

}  // namespace netpolc::verify::bytecode
