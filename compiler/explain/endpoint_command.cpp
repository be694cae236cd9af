// `netpolc explain endpoint`: what policy makes of one pod or workload, or of the host of a node.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "compiler/exit_code.h"
#include "compiler/explain/commands.h"
#include "compiler/explain/endpoint.h"
#include "compiler/outputs.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "ir/base/near_names.h"

namespace netpolc::explain {
namespace {

struct Options {
  compiler::InputOptions input;
  std::string endpoint, ns, output = "text";
  bool wide = false;
};

// A workload, or the one that a pod is of; several kinds may share a name.
std::vector<std::uint32_t> find(const std::string& name, const ir::Cluster& cluster) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t e = 0; e < cluster.endpoints.size(); ++e)
    if (cluster.endpoints[e].ns + "/" + cluster.endpoints[e].name == name) out.push_back(e);
  for (std::uint32_t e = 0; e < cluster.endpoints.size() && out.empty(); ++e)
    for (const ir::Pod& pod : cluster.endpoints[e].pods)
      if (cluster.endpoints[e].ns + "/" + pod.name == name) out = {e};
  return out;
}

// Nodes of this cluster whose hosts are meant: "node/worker-1", or all by "entity:host" and "host".
std::vector<std::uint32_t> find_nodes(const std::string& name, const ir::Cluster& cluster) {
  const bool all = name == "entity:host" || name == "host";
  std::vector<std::uint32_t> out;
  for (std::uint32_t n = 0; n < cluster.nodes.size(); ++n)
    if (!cluster.nodes[n].remote_cluster && (all || name == "node/" + cluster.nodes[n].name)) out.push_back(n);
  return out;
}

std::string unknown(const std::string& name, const ir::Cluster& cluster) {
  if (name == "entity:host" || name == "host") return "no Node is in the input: of hosts without labels nothing is known";
  std::vector<std::string> names;
  for (const ir::Endpoint& endpoint : cluster.endpoints) names.push_back(endpoint.ns + "/" + endpoint.name);
  for (const ir::Node& node : cluster.nodes)
    if (!node.remote_cluster) names.push_back("node/" + node.name);
  return (name.starts_with("node/") ? "no node `" + name.substr(5) : "no pod or workload `" + name) + "`" + did_you_mean(name, names);
}

int run(const Options& options) {
  compiler::Session session;
  if (const auto code = compiler::open(options.input, session)) return *code;
  const ir::Cluster& cluster = session.loaded.cluster;
  const std::string asked = compiler::in_namespace(options.endpoint, options.ns);
  const auto found = find(asked, cluster);
  const auto nodes = found.empty() ? find_nodes(asked, cluster) : std::vector<std::uint32_t>{};
  if (found.empty() && nodes.empty()) return compiler::complain(unknown(asked, cluster));
  const ir::eval::World world{session.loaded.policies, cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  verify::AllPorts ports(world, session.lock, judge);
  lint::Places places(session.sources);
  const Sources sources{world, judge, places};
  std::vector<EndpointView> views = host_views(nodes, ports, sources);
  for (const std::uint32_t endpoint : found) views.push_back(view_of(endpoint, ports, sources));
  std::string out;
  if (compiler::is_document(options.output)) out = endpoint_json(views, ports, sources);
  else
    for (const EndpointView& view : views) out += (out.empty() ? "" : "\n") + endpoint_text(view, ports, sources, options.wide);
  return compiler::print_as(options.output, out) ? compiler::kGood : compiler::kNoAnswer;
}

}  // namespace

void add_endpoint(CLI::App& explain, compiler::Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = explain.add_subcommand("endpoint", "What policy makes of a pod or a host: its labels, who selects it, what may come and go");
  command->add_option("endpoint", options->endpoint, "NAMESPACE/NAME of a pod or a workload; node/NAME or entity:host: hosts of nodes")->required();
  compiler::add_namespace_options(*command, options->ns, "Endpoint", "Of an endpoint that is given without one");
  compiler::add_input_options(*command, options->input);
  command->add_flag("--wide", options->wide, "All names, however many there are")->group("Output");
  compiler::add_output(*command, options->output, {"text", "json"});
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::explain
