// compiler/assumed_options.h — which options of the agents were taken to be as Cilium has them by itself, since nothing in the input says
// otherwise, and matter to it: with another value some answer about these policies and this cluster could be another one.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "frontend/load.h"

namespace netpolc::compiler {

struct AssumedOption {
  std::string option, value;  // "enable-policy", "default"; the value "" is none
  std::string matters;        // what it would change, in words
  std::optional<Span> where;  // the first rule or policy that it is about
};

// Sorted by option. None where the input has a cilium-config, of which what it leaves out is as the agents have it.
std::vector<AssumedOption> assumed_options(const frontend::Loaded& loaded);

// "assumed enable-l7-proxy=true: rules for requests (shop.yaml:12)"
std::string to_text(const AssumedOption& option, const SourceManager& sources);

}  // namespace netpolc::compiler
