// identity list, identity get, endpoint list, endpoint get: Cilium's tables, from manifests.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/label_selector.h"
#include "compiler/lists/endpoints.h"
#include "compiler/lists/find.h"
#include "compiler/lists/identities.h"
#include "compiler/lists/stats.h"
#include "compiler/namespaces.h"
#include "compiler/outputs.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "compiler/side_files.h"
#include "ir/eval/match.h"

namespace netpolc::compiler {
namespace {

using nlohmann::ordered_json;

struct Options {
  InputOptions input;
  std::string asked;  // of `get`
  std::string output = "text", ns, selector, header = "cilium";
  bool no_headers = false, stats = false;
  lists::TableStyle style() const { return {.wide = output == "wide", .headers = !no_headers, .cilium_dbg = header == "cilium-dbg"}; }
};

std::string written(const ordered_json& json) { return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n"; }

// What is more than a list says of what kind it is; lists are arrays, as Cilium prints them.
ordered_json document(const char* kind, ordered_json fields) {
  ordered_json out = {{"apiVersion", kApiVersion}, {"kind", kind}};
  out.update(fields);
  return out;
}

ir::Identities numbered(const Session& session) {
  return ir::Identities::build(session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock);
}

int keep_numbers(const Options& options, const ir::Identities& identities) {
  if (options.input.identities.empty()) return kGood;
  const auto written_file = write_identity_lock(options.input.identities, identities.lock());
  return written_file ? kGood : complain(written_file.error().message);
}

// Numbers are kept before anything is on stdout, where an error is alone.
bool keep_and_print(const Options& options, const ir::Identities& identities, const std::string& out) {
  return keep_numbers(options, identities) == kGood && print_as(options.output, out);
}

// What --stats would pass over in silence. "" when all of it counts.
std::string beside_stats(const Options& options) {
  if (!options.stats || (!options.no_headers && options.header == "cilium" && options.output != "wide")) return "";
  return "--stats counts, and prints no table of identities: leave --header, --no-headers and -o wide out";
}

// ---- identities ----------------------------------------------------------------------------------

// That workloads of the namespace have, or that have its label.
std::set<std::uint32_t> identities_in(const std::string& ns, const ir::Cluster& cluster, const ir::Identities& identities) {
  std::set<std::uint32_t> out;
  for (std::size_t e = 0; e < cluster.endpoints.size(); ++e)
    if (cluster.endpoints[e].ns == ns && !cluster.endpoints[e].host_network) out.insert(identities.of_endpoint(e));
  for (const ir::Identity& identity : identities.all())
    for (const ir::Label& label : identity.labels)
      if (label.source == "k8s" && label.key == "io.kubernetes.pod.namespace" && label.value == ns) out.insert(identity.id);
  return out;
}

int list_identities(const Options& options) {
  if (const std::string problem = beside_stats(options); !problem.empty()) return complain(problem);
  const auto selector = label_selector(options.selector);
  if (!selector) return complain(selector.error());
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const ir::Cluster& cluster = session.loaded.cluster;
  if (const std::string problem = unknown_namespace(options.ns, session.loaded); !problem.empty()) return complain(problem);
  const ir::Identities identities = numbered(session);
  const std::set<std::uint32_t> of_namespace = options.ns.empty() ? std::set<std::uint32_t>() : identities_in(options.ns, cluster, identities);
  const lists::IsWanted wanted = [&](const ir::Identity& identity) {
    return ir::eval::matches(*selector, identity.labels) && (options.ns.empty() || of_namespace.count(identity.id) != 0);
  };
  std::string out;
  if (options.stats) {
    const lists::IdentityStats stats = lists::identity_stats(cluster, identities, wanted);
    out = is_document(options.output) ? written(document("IdentityStats", lists::to_json(stats))) : lists::to_text(stats);
  } else {
    const auto rows = lists::identity_rows(session, identities, wanted);
    out = is_document(options.output) ? written(lists::to_json(rows)) : lists::to_text(rows, options.style());
  }
  return keep_and_print(options, identities, out) ? kGood : kNoAnswer;
}

int get_identity(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const ir::Identities identities = numbered(session);
  const verify::Directory directory(session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock);
  const bool by_labels = lists::is_selector(options.asked);
  auto found = lists::find_identities(by_labels || lists::is_number(options.asked) ? options.asked : in_namespace(options.asked, options.ns), identities, directory);
  if (!found) return complain(found.error());
  if (by_labels && !options.ns.empty()) {
    if (const std::string problem = unknown_namespace(options.ns, session.loaded); !problem.empty()) return complain(problem);
    const std::set<std::uint32_t> of_namespace = identities_in(options.ns, session.loaded.cluster, identities);
    std::erase_if(*found, [&](std::uint32_t id) { return of_namespace.count(id) == 0; });
    if (found->empty()) return complain("no identity of namespace `" + options.ns + "` has the labels " + options.asked);
  }
  const auto rows = lists::identity_rows(session, identities, [&](const ir::Identity& one) { return std::binary_search(found->begin(), found->end(), one.id); });
  const std::string out = is_document(options.output) ? written(document("IdentityResult", {{"identities", lists::to_json(rows)}})) : lists::to_text(rows, options.style());
  return print_as(options.output, out) ? kGood : kNoAnswer;
}

// ---- endpoints -----------------------------------------------------------------------------------

// One a line, and nothing else, for scripts.
std::string names_of(const std::vector<std::uint32_t>& endpoints, const ir::Cluster& cluster) {
  std::set<std::string> names;
  for (const std::uint32_t e : endpoints) names.insert(cluster.endpoints[e].ns + "/" + cluster.endpoints[e].name);
  std::string out;
  for (const std::string& name : names) out += name + "\n";
  return out;
}

int list_endpoints(const Options& options) {
  const auto selector = label_selector(options.selector);
  if (!selector) return complain(selector.error());
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const ir::Cluster& cluster = session.loaded.cluster;
  if (const std::string problem = unknown_namespace(options.ns, session.loaded); !problem.empty()) return complain(problem);
  std::vector<std::uint32_t> wanted;
  for (std::uint32_t e = 0; e < cluster.endpoints.size(); ++e)
    if ((options.ns.empty() || cluster.endpoints[e].ns == options.ns) && ir::eval::matches(*selector, cluster.endpoints[e].labels)) wanted.push_back(e);
  const bool only_names = options.output == "names";
  if (only_names && options.input.identities.empty()) return print_as(options.output, names_of(wanted, cluster)) ? kGood : kNoAnswer;
  const ir::Identities identities = numbered(session);
  if (only_names) return keep_and_print(options, identities, names_of(wanted, cluster)) ? kGood : kNoAnswer;
  const auto rows = lists::endpoint_rows(session, identities, wanted, options.output == "wide");
  const std::string out = is_document(options.output) ? written(lists::to_json(rows)) : lists::to_text(rows, options.style());
  return keep_and_print(options, identities, out) ? kGood : kNoAnswer;
}

int get_endpoint(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const verify::Directory directory(session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock);
  const auto found = lists::find_endpoints(in_namespace(options.asked, options.ns), directory);
  if (!found) return complain(found.error());
  const auto rows = lists::endpoint_rows(session, numbered(session), *found, options.output != "text");
  const std::string out = is_document(options.output) ? written(document("EndpointResult", {{"endpoints", lists::to_json(rows)}})) : lists::to_text(rows, options.style());
  return print_as(options.output, out) ? kGood : kNoAnswer;
}

// ---- options -------------------------------------------------------------------------------------

using Run = int (*)(const Options&);

CLI::App* add(CLI::App& noun, const char* verb, const char* what, const std::shared_ptr<Options>& options, Run run, Action& chosen) {
  CLI::App* command = noun.add_subcommand(verb, what);
  command->callback([options, run, &chosen] { chosen = [options, run] { return run(*options); }; });
  return command;
}

void add_namespace(CLI::App& command, const std::shared_ptr<Options>& options, const char* what) {
  command.add_option("-n,--namespace", options->ns, what)->group("Selection");
  command.add_flag_callback("-A,--all-namespaces", [options] { options->ns.clear(); }, "No -n, which may be among the settings")->group("Selection");
}

void add_style(CLI::App& command, const std::shared_ptr<Options>& options, bool of_identities) {
  command.add_flag("--no-headers", options->no_headers, "Rows alone, without the lines above them")->group("Output");
  if (of_identities)
    command.add_option("--header", options->header, "cilium: IDENTITY and LABELS (source:key[=value]), or cilium-dbg: ID and LABELS, as its newer versions")
        ->check(CLI::IsMember({"cilium", "cilium-dbg"}))
        ->group("Output");
}

void add_list(CLI::App& noun, const char* what, Run run, bool of_identities, Action& chosen) {
  const auto options = std::make_shared<Options>();
  CLI::App* list = add(noun, "list", what, options, run, chosen)->alias("ls");
  add_input_options(*list, options->input);
  add_namespace(*list, options, "Of this namespace only");
  list->add_option("-l,--selector", options->selector, "With these labels only: k=v, k!=v, k or !k, with commas between")->group("Selection");
  add_style(*list, options, of_identities);
  if (of_identities) list->add_flag("--stats", options->stats, "How many there are, in which namespaces, and what each label makes of them")->group("Output");
  const std::vector<std::string> of_both{"text", "wide", "json"};
  if (of_identities) add_output(*list, options->output, of_both)->description("text, wide: with more columns, json or yaml");
  else add_output(*list, options->output, {"text", "wide", "json", "names"})->description("text, wide: with more columns, json, yaml, or names: one a line");
}

void add_get(CLI::App& noun, const char* what, const char* asked, Run run, bool of_identities, Action& chosen) {
  const auto options = std::make_shared<Options>();
  CLI::App* get = add(noun, "get", what, options, run, chosen);
  get->add_option(noun.get_name(), options->asked, asked)->required();
  add_input_options(*get, options->input);
  add_namespace(*get, options, "Of names and labels without one");
  add_style(*get, options, of_identities);
  add_output(*get, options->output, {"text", "wide", "json"})->description("text, wide: with more columns, json or yaml");
}

}  // namespace

void add_identity(CLI::App& root, Action& chosen) {
  CLI::App* noun = root.add_subcommand("identity", "Identities that the manifests give, as Cilium lists them");
  noun->require_subcommand(1);
  add_list(*noun, "Identities in Cilium's table, or how many there are and which labels make them", list_identities, true, chosen);
  add_get(*noun, "Identities of a number, of labels, or of whoever is named", "A number, labels (k=v,k!=v), NAMESPACE/NAME, NAMESPACE/[k=v], entity:NAME, ip:ADDRESS and so on", get_identity, true, chosen);
}

void add_endpoint(CLI::App& root, Action& chosen) {
  CLI::App* noun = root.add_subcommand("endpoint", "Endpoints and whether policy is enforced, as Cilium lists them");
  noun->require_subcommand(1);
  add_list(*noun, "Endpoints in Cilium's table, and whether policy is enforced for them", list_endpoints, false, chosen);
  add_get(*noun, "An endpoint, or those that a reference stands for", "NAMESPACE/NAME of a pod or a workload, NAMESPACE/[k=v], id:N, ip:ADDRESS, svc:NAMESPACE/NAME and so on", get_endpoint, false, chosen);
}

}  // namespace netpolc::compiler
