// compiler/explain/flow.h — the explanation of an answer, as text and as JSON (kind FlowExplanation, docs/explain.md).
#pragma once
#include <string>

#include "compiler/explain/why.h"

namespace netpolc::explain {

struct FlowView {
  const verify::Question& question;
  const verify::Answer& answer;
  std::size_t most = 0;  // pairs that are explained; 0: all
  bool colour = false;
};
std::string flow_text(const FlowView& view, const Sources& sources);
std::string flow_json(const FlowView& view, const Sources& sources);

}  // namespace netpolc::explain
