// compiler/explain/flow.h — the explanation of an answer, as text and as JSON (kind FlowExplanation, docs/explain.md).
#pragma once
#include <string>

#include "compiler/explain/why.h"
#include "compiler/via.h"

namespace netpolc::explain {

struct FlowView {
  const verify::Question& question;
  const verify::Answer& answer;
  std::size_t most = 0;  // pairs that are explained; 0: all
  bool colour = false;
};
std::string flow_text(const FlowView& view, const Sources& sources);
std::string flow_json(const FlowView& view, const Sources& sources);

// With --via: what is said of the sides of one hop, and the whole as JSON.
compiler::SideNotes pair_notes(const verify::PairAnswer& pair, const Sources& sources);
std::string path_json(const compiler::ViaView& view, const Sources& sources);

}  // namespace netpolc::explain
