// compiler/assertions/universal.h — tests that speak of all: of everybody there is, of every address outside, of every port, or of every pod
// that could be. Each is a question to verify::Claims, so that what passes is proved and what fails has a witness.
#pragma once
#include "compiler/assertions/details.h"
#include "compiler/assertions/model.h"
#include "compiler/session.h"
#include "frontend/label_filter.h"
#include "verify/claims.h"

namespace netpolc::compiler::assertions {

class Universal {
 public:
  // Everything outlives it.
  Universal(const Session& session, const ir::eval::World& world, verify::Judge& judge, verify::SolverBudget budget);

  // One source, one destination, one range of traffic.
  Outcome reach(const Test& test, const Reference& from, const Target& to, const verify::FlowRange& range);
  // Of `only`: that besides the destinations and their traffic there is nothing.
  Outcome nothing_else(const Test& test);

 private:
  // A part of a destination, with what it is reached by: of a service each backend has ports of its own.
  struct Part {
    verify::EndSet ends;
    std::vector<verify::FlowRange> traffic;  // one without a protocol: everything
  };
  struct Parts {
    std::vector<Part> all;
    std::string nobody;  // why there are none; "": there are
  };
  verify::EndSet everybody(const std::vector<IpPrefix>& cuts) const;
  tl::expected<verify::EndSet, verify::RefError> ends(const std::string& reference, const std::vector<IpPrefix>& cuts, bool symbolic) const;
  // One set of all; `nobody`: why some reference is nobody's.
  verify::EndSet all_of(const std::vector<Reference>& references, const std::vector<IpPrefix>& cuts, bool symbolic, std::string& nobody) const;
  Parts parts(const Test& test, const Target& target, const std::vector<verify::FlowRange>& traffic, const std::vector<IpPrefix>& cuts) const;
  std::vector<Part> by_traffic(std::vector<Part> parts) const;
  std::optional<verify::Inquiry> inquiry(const Test& test, std::string& nobody) const;
  void leave_own_node_out(const Test& test, const std::string& from, const verify::EndSet& to, verify::EndSet& not_from) const;
  Outcome judged(const Test& test, const verify::Inquiry& inquiry, const verify::Finding& finding, const std::string& head);
  void witness(const verify::Witness& witness, std::vector<Detail>& out) const;
  std::string scope(const Test& test, const verify::Inquiry& inquiry) const;

  const Session& session_;
  const ir::eval::World& world_;
  verify::Judge& judge_;
  const frontend::LabelFilter filter_;
  verify::Claims claims_;
};

}  // namespace netpolc::compiler::assertions
