// verify/symbolic/request.h — an unknown request as solver terms. To the solver a text is what it matches: a truth for
// each expression that is asked about. Whether there is a text that matches just those is for automata to say, when a
// model has chosen (`impossible`); so thousands of expressions cost nothing until they matter.
//
// Texts are of visible ASCII, paths begin with a slash or are `*`, methods of the characters of RFC 9110 (5.6.2), names of those that Cilium's patterns know.
#pragma once
#include <z3++.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/eval/requests.h"
#include "ir/request.h"
#include "verify/strings/automaton.h"
#include "verify/strings/conflict.h"
#include "verify/symbolic/request_range.h"

namespace netpolc::verify::symbolic {

class SymbolicRequest {
 public:
  SymbolicRequest(z3::context& context, const RequestRange& range, ir::CiliumVersion version);
  std::size_t kind() const;  // index of ir::Request
  // It is in the lists. Precondition: ir::eval::unmodelled says nothing of them, and they are of its kind or empty.
  z3::expr in_list(const ir::L7& l7);
  // Its server name is listed; it may have none.
  z3::expr has_server_name(const ir::L7& l7);
  z3::expr in_range();
  // What the range says of expressions that were asked about: most can't match, or must. Becomes facts.
  void relate_to_range();
  const std::vector<z3::expr>& facts() const { return facts_; }
  std::vector<z3::expr> preferences() const;

  // What is to the solver whether a text matches: a model may say of some only.
  std::vector<z3::expr> open() const;

  // A clause that every request keeps to and this model doesn't; none: there is such a request.
  std::optional<z3::expr> impossible(const z3::model& model);
  // Precondition: !impossible(model), problem().empty().
  ir::Request request(const z3::model& model);
  // What is not understood, by name: then there may be requests as a model says, and may not. "": everything is.
  const std::string& problem() const { return problem_; }

 private:
  enum class Field { Method, Path, Host, Name, ServerName };
  struct Atom {
    z3::expr matches;
    std::unique_ptr<strings::Automaton> automaton;
  };
  using Header = std::pair<std::string, std::string>;  // name and value
  z3::expr matches(Field field, const std::string& regex);
  z3::expr matches_name(const std::string& pattern);
  z3::expr matches_server_name(const std::string& pattern, ir::CiliumVersion version);
  z3::expr header(const std::string& name, const std::optional<std::string>& value);
  z3::expr holds(const ir::eval::HeaderCondition& condition);
  z3::expr matches(const ir::HttpRule& rule);
  z3::expr all(const std::vector<z3::expr>& terms);
  std::vector<std::pair<z3::expr, strings::Wish>> chosen(Field field, const z3::model& model);
  strings::Automaton& automaton(const std::string& regex);
  std::string text(Field field, const z3::model& model);

  z3::context& context_;
  const RequestRange range_;
  const ir::CiliumVersion version_;
  std::map<std::pair<Field, std::string>, Atom> atoms_;
  std::map<std::string, std::unique_ptr<strings::Automaton>> known_;  // universes and what people would rather see
  strings::Conflicts conflicts_;
  std::map<std::string, z3::expr> present_;
  std::map<Header, z3::expr> equal_;
  std::vector<z3::expr> facts_;
  std::string problem_;
};

}  // namespace netpolc::verify::symbolic
