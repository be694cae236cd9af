// verify/symbolic/names.h — which names resolve to an address outside: unknown, as anybody may point a name anywhere. To
// the solver the address is or is not what each toFQDNs selector means; whether names can make it so, automata say.
#pragma once
#include <z3++.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/policy.h"
#include "ir/cluster.h"
#include "verify/strings/automaton.h"
#include "verify/strings/conflict.h"

namespace netpolc::verify::symbolic {

class SymbolicNames {
 public:
  SymbolicNames(z3::context& context, ir::CiliumVersion version) : context_(context), version_(version) {}
  // A name that this means resolves to the address.
  z3::expr has(const ir::FqdnPeer& peer);
  // People would rather see few names.
  std::vector<z3::expr> preferences() const;
  // What is to the solver whether the address is what a selector means: a model may say of some only.
  std::vector<z3::expr> open() const;
  // A clause that all names keep to and this model doesn't; none: there are such names.
  std::optional<z3::expr> impossible(const z3::model& model);
  // That resolve to the address in this model, lower case, without a final dot. Precondition: !impossible(model).
  std::vector<std::string> names(const z3::model& model);
  // Not even automata could tell.
  bool gave_up() const { return gave_up_; }

 private:
  struct Selector {
    z3::expr has;
    std::unique_ptr<strings::Automaton> automaton;
  };
  struct Chosen {
    std::vector<Selector*> has, has_not;
  };
  Chosen chosen(const z3::model& model);

  z3::context& context_;
  const ir::CiliumVersion version_;
  std::map<std::string, Selector> selectors_;  // by expression
  std::unique_ptr<strings::Automaton> every_, familiar_;
  strings::Conflicts conflicts_;
  bool gave_up_ = false;
};

// Semantics reference 7.3: a name or a pattern as an expression; of canonical names, with the final dot.
std::string name_expression(const std::string& canonical, ir::CiliumVersion version);
inline constexpr const char* kEveryName = "([-a-z0-9_]+[.])+|[.]";
inline constexpr const char* kFamiliarName = "([a-z0-9]([-a-z0-9]*[a-z0-9])?[.])+";

}  // namespace netpolc::verify::symbolic
