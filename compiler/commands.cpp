#include "compiler/commands.h"

namespace netpolc::compiler {

const std::vector<AddCommand>& commands() {
  static const std::vector<AddCommand> table{add_verify, add_diff, add_compile, add_prove, add_lint, add_rules, add_explain, add_identity, add_endpoint, add_version};
  return table;
}

}  // namespace netpolc::compiler
