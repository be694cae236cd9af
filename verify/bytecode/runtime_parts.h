// verify/bytecode/runtime_parts.h — the functions that all programs share, each with its proof. A proof is by contract: what
// the function calls may do whatever its own part has proved of it, and no more is relied upon.
#pragma once
#include <vector>

#include "verify/bytecode/prove.h"

namespace netpolc::verify::bytecode {

struct RuntimePart {
  const char* function = nullptr;  // whose name the part has
  std::vector<const char*> with{}; // functions that are proved as parts of it
  Part (*prove)(const Object&, Effort) = nullptr;
  bool shared = false;             // the same for all programs with the same np_plan: see Effort::whole_runtime
};
// Those of every program. What a proof says depends on the instructions of these functions, on the maps' layout and on np_plan.
const std::vector<RuntimePart>& runtime_parts();

Part prove_admit_in(const Object& object, Effort effort);
Part prove_admit_out(const Object& object, Effort effort);
Part prove_extension(const Object& object, Effort effort);
Part prove_name(const Object& object, Effort effort);
Part prove_source(const Object& object, Effort effort);
Part prove_encapsulates(const Object& object, Effort effort);
Part prove_claim(const Object& object, Effort effort);
Part prove_exempt(const Object& object, Effort effort);
Part prove_refuse(const Object& object, Effort effort);
Part prove_report(const Object& object, Effort effort);
Part prove_track_masked(const Object& object, Effort effort);
Part prove_related(const Object& object, Effort effort);
Part prove_is_alive(const Object& object, Effort effort);
// Too slow to be asked for every bundle: np_remember with np_key_apart, np_restart and np_open.
Part prove_remember(const Object& object, Effort effort);
Part prove_parse(const Object& object, Effort effort);
Part prove_parse_quoted(const Object& object, Effort effort);
Part prove_from_pod(const Object& object, Effort effort);
Part prove_to_pod(const Object& object, Effort effort);

}  // namespace netpolc::verify::bytecode
