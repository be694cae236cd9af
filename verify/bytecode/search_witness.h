// verify/bytecode/search_witness.h — rows for which a program with a search (search_proof.h) returns something else than the
// table, found by trying: where the induction fails, that alone shows nothing.
#pragma once
#include <optional>
#include <vector>

#include "ir/decide/table.h"
#include "verify/bytecode/object.h"
#include "verify/bytecode/policy_spec.h"
#include "verify/bytecode/prove.h"

namespace netpolc::verify::bytecode {

// A peer that may show it.
struct Suspect {
  std::uint32_t identity = 1000;
  std::vector<std::uint64_t> row;  // without its summary
};

// Rows are tried that have `suspect`'s bits, those of single lines and entries, of lines that come after others, and of chance
// (the same ones each time). None: nothing was shown.
std::optional<Refuted> try_rows(const Object& object, const Function& function, std::size_t map, const ir::DirectionTable& table, const Slice& slice, std::size_t words,
                                const std::optional<Suspect>& suspect);

}  // namespace netpolc::verify::bytecode
