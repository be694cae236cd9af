// compiler/assertions/run.h — judges tests: what is at hand by the interpreter, each pair of ends and each port for itself; what speaks of all
// (`any`, `only`, ranges, pods that could be) by the engine of claims.
#pragma once
#include "compiler/assertions/details.h"
#include "compiler/assertions/model.h"
#include "compiler/assertions/universal.h"
#include "compiler/lint/places.h"
#include "compiler/session.h"

namespace netpolc::compiler::assertions {

class Runner {
 public:
  // The session outlives it.
  Runner(const Session& session, verify::SolverBudget budget);
  Outcome run(const Test& test);
  verify::Judge& judge() { return judge_; }

 private:
  Outcome reach(const Test& test, const Reference& from, const Target& to);
  bool is_universal(const Test& test, const Reference& from, const Target& to, const verify::FlowRange& range) const;
  Outcome sample(const Test& test, const verify::Question& question);
  // Of one pair that is not as expected: on which side, by which rules, and which rule comes nearest.
  void explain(const Test& test, const verify::PairAnswer& pair, const verify::Question& question, bool several, std::vector<Detail>& out);
  void say_nearest(const std::optional<verify::Side>& side, ir::Direction direction, ir::Flow flow, std::vector<Detail>& out);

  const Session& session_;
  const ir::eval::World world_;
  verify::Judge judge_;
  lint::Places places_;
  Universal universal_;
};

}  // namespace netpolc::compiler::assertions
