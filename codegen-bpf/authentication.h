// codegen-bpf/authentication.h — which authentication a flow needs (semantics 5.7), as C.
#pragma once
#include <string>
#include <vector>

#include "codegen-bpf/writer.h"
#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// Does anything here ask for authentication?
bool asks_for_authentication(const std::vector<ir::TableEntry>& entries);
// Writes code that leaves the answer in the variable `auth`. Precondition: the above.
void write_authentication(Writer& writer, const std::vector<ir::TableEntry>& entries, const std::vector<std::string>& peers, const std::string& variable);

}  // namespace netpolc::codegen_bpf
