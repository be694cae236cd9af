// verify/symbolic/traffic.h — what is sent, as terms: a protocol and a number, each fixed or open.
#pragma once
#include <z3++.h>

#include <cstdint>
#include <vector>

#include "verify/symbolic/traffic_range.h"

namespace netpolc::verify::symbolic {

class Traffic {
 public:
  Traffic(z3::context& context, const FlowRange& range);
  z3::expr is(ir::Protocol protocol) const;
  z3::expr within(std::uint16_t first, std::uint16_t last) const;
  const z3::expr& number() const { return number_; }
  const std::vector<z3::expr>& facts() const { return facts_; }
  std::vector<z3::expr> preferences() const;
  ir::Flow flow(const z3::model& model) const;

 private:
  z3::context& context_;
  FlowRange range_;
  z3::expr protocol_, number_;
  std::vector<z3::expr> facts_;
};

}  // namespace netpolc::verify::symbolic
