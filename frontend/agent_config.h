// frontend/agent_config.h — the agent's options where they are given by themselves: in a file with the ConfigMap cilium-config, or with
// values of Cilium's Helm chart.
#pragma once
#include <optional>
#include <string>

#include "frontend/load.h"
#include "frontend/yaml/document.h"

namespace netpolc::frontend {

struct AgentConfig {
  Node config_map;
  Span where;             // its name, or where the values begin
  std::string image_tag;  // of Helm values, if they say it
};

// Of several ConfigMaps the last. None if nothing of that kind is there, which is reported (NP254), as is what is wrong in it.
std::optional<AgentConfig> read_agent_config(const std::vector<FileId>& files, const SourceManager& sources, DiagSink& sink);

// What a tag such as "v1.17.3" or "1.17" says of the version: 17. None if it says nothing.
std::optional<int> version_of_tag(const std::string& tag);

// The ConfigMap under which the objects of `loaded` are read as they were, where options were given beside them (loaded.given).
// `among_input`: the one that is among the objects.
Node config_map_as_given(std::optional<Node> among_input, const Loaded& loaded, const SourceManager& sources);

}  // namespace netpolc::frontend
