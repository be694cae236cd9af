// identity list and endpoint list: Cilium's tables, from manifests.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/answers.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/explain/near_names.h"
#include "compiler/label_selector.h"
#include "compiler/session.h"
#include "compiler/side_files.h"
#include "ir/eval/match.h"

namespace netpolc::compiler {
namespace {

using nlohmann::ordered_json;

struct Options {
  InputOptions input;
  std::string output = "text", ns, selector;
};

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::vector<std::string> texts(const ir::LabelSet& labels) {
  std::vector<std::string> out;
  for (const auto& label : labels) out.push_back(label.to_string());
  return out;
}

ir::Identities numbered(const Session& session) {
  return ir::Identities::build(session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock);
}

std::optional<int> keep_numbers(const Options& options, const ir::Identities& identities) {
  if (options.input.identities.empty()) return std::nullopt;
  const auto written = write_identity_lock(options.input.identities, identities.lock());
  return written ? std::nullopt : std::optional(complain(written.error().message));
}

int list_identities(const Options& options) {
  const auto selector = label_selector(options.selector);
  if (!selector) return complain(selector.error());
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const auto identities = numbered(session);
  if (options.output == "json") {
    std::map<std::uint32_t, std::vector<std::string>> prefixes;  // as the ipcache has them, pods' addresses left out
    for (const auto& entry : identities.addresses()) prefixes[entry.identity].push_back(entry.prefix.to_string());
    auto list = ordered_json::array();
    for (const auto& identity : identities.all())
      if (ir::eval::matches(*selector, identity.labels)) list.push_back({{"id", identity.id}, {"labels", texts(identity.labels)}, {"prefixes", prefixes[identity.id]}});
    std::printf("%s\n", list.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
  } else {
    std::printf("IDENTITY   LABELS (source:key[=value])\n");
    for (const auto& identity : identities.all()) {
      if (!ir::eval::matches(*selector, identity.labels)) continue;
      std::string first = std::to_string(identity.id);
      for (const auto& label : texts(identity.labels)) {
        std::printf("%s%s\n", padded(first, 11).c_str(), label.c_str());
        first.clear();
      }
      if (identity.labels.empty()) std::printf("%s\n", first.c_str());
    }
  }
  return keep_numbers(options, identities).value_or(kGood);
}

struct Row {
  std::string name, ingress, egress, ipv6, ipv4, status;
  std::uint32_t identity = 0;
  std::vector<std::string> labels;
};

std::string enforced(ir::Enforcement enforcement) { return enforcement == ir::Enforcement::None ? "Disabled" : "Enabled"; }

std::string join_addresses(const ir::Endpoint& endpoint, bool v6) {
  std::string out;
  for (const auto& pod : endpoint.pods)
    for (const auto& address : pod.addresses)
      if (address.v6 == v6) out += (out.empty() ? "" : ",") + address.to_string();
  return out;
}

bool is_wanted(const ir::Endpoint& endpoint, const Options& options, const ir::Selector& selector) {
  return (options.ns.empty() || endpoint.ns == options.ns) && ir::eval::matches(selector, endpoint.labels);
}

std::vector<Row> rows(const Options& options, const ir::Selector& selector, const Session& session, const ir::Identities& identities) {
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  std::vector<Row> out;
  const auto& endpoints = session.loaded.cluster.endpoints;
  for (std::uint32_t e = 0; e < endpoints.size(); ++e) {
    if (!is_wanted(endpoints[e], options, selector)) continue;
    const auto subject = judge.encounters().endpoint_subject(e);
    if (!subject) continue;
    const auto& policy = judge.policy(*subject);
    out.push_back({endpoints[e].ns + "/" + endpoints[e].name, enforced(policy.enforcement(ir::Direction::Ingress)),
                   enforced(policy.enforcement(ir::Direction::Egress)), join_addresses(endpoints[e], true),
                   join_addresses(endpoints[e], false), policy.incomputable() ? "not-ready" : "ready", identities.of_endpoint(e),
                   texts(endpoints[e].labels)});
  }
  return out;
}

void print_rows(const std::vector<Row>& list) {
  std::size_t name = 10;
  std::size_t labels = 27;
  std::size_t v6 = 4;
  std::size_t v4 = 4;
  for (const auto& row : list) {
    name = std::max(name, row.name.size());
    v6 = std::max(v6, row.ipv6.size());
    v4 = std::max(v4, row.ipv4.size());
    for (const auto& label : row.labels) labels = std::max(labels, label.size());
  }
  const auto line = [&](const std::array<std::string, 8>& c) {
    std::string text = padded(c[0], name + 3) + padded(c[1], 19) + padded(c[2], 18) + padded(c[3], 11) + padded(c[4], labels + 3) +
                       padded(c[5], v6 + 3) + padded(c[6], v4 + 3) + c[7];
    text.erase(text.find_last_not_of(' ') + 1);
    std::printf("%s\n", text.c_str());
  };
  line({"ENDPOINT", "POLICY (ingress)", "POLICY (egress)", "IDENTITY", "LABELS (source:key[=value])", "IPv6", "IPv4", "STATUS"});
  line({"", "ENFORCEMENT", "ENFORCEMENT", "", "", "", "", ""});
  for (const auto& row : list) {
    line({row.name, row.ingress, row.egress, std::to_string(row.identity), row.labels.empty() ? "" : row.labels.front(), row.ipv6, row.ipv4,
          row.status});
    for (std::size_t i = 1; i < row.labels.size(); ++i) line({"", "", "", "", row.labels[i], "", "", ""});
  }
}

// One a line, and nothing else, for scripts.
int list_names(const Options& options, const ir::Selector& selector, const Session& session) {
  std::set<std::string> names;
  for (const ir::Endpoint& one : session.loaded.cluster.endpoints)
    if (is_wanted(one, options, selector)) names.insert(one.ns + "/" + one.name);
  for (const std::string& name : names) std::printf("%s\n", name.c_str());
  return kGood;
}

// What is asked for by a name that nothing has is a slip, and no empty list.
std::string unknown_namespace(const std::string& ns, const ir::Cluster& cluster) {
  std::vector<std::string> known;
  for (const ir::Namespace& one : cluster.namespaces) known.push_back(one.name);
  for (const ir::Endpoint& one : cluster.endpoints) known.push_back(one.ns);
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  if (ns.empty() || std::binary_search(known.begin(), known.end(), ns)) return "";
  return "there is no namespace `" + ns + "`" + explain::did_you_mean(ns, known);
}

int list_endpoints(const Options& options) {
  const auto selector = label_selector(options.selector);
  if (!selector) return complain(selector.error());
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  if (const std::string problem = unknown_namespace(options.ns, session.loaded.cluster); !problem.empty()) return complain(problem);
  if (options.output == "names") return list_names(options, *selector, session);
  const auto identities = numbered(session);
  const auto list = rows(options, *selector, session, identities);
  if (options.output == "json") {
    auto out = ordered_json::array();
    for (const auto& row : list)
      out.push_back({{"endpoint", row.name}, {"policyIngress", row.ingress}, {"policyEgress", row.egress}, {"identity", row.identity},
                     {"labels", row.labels}, {"ipv6", row.ipv6}, {"ipv4", row.ipv4}, {"status", row.status}});
    std::printf("%s\n", out.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
  } else {
    print_rows(list);
  }
  return keep_numbers(options, identities).value_or(kGood);
}

void add_list(CLI::App& root, const char* noun, const char* what, int (*run_list)(const Options&), const std::vector<std::string>& outputs, const char* output_help, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* group = root.add_subcommand(noun, what);
  group->require_subcommand(1);
  CLI::App* list = group->add_subcommand("list", what)->alias("ls");
  add_input_options(*list, options->input);
  if (std::string(noun) == "endpoint") {
    list->add_option("-n,--namespace", options->ns, "Of this namespace only")->group("Selection");
    list->add_flag_callback("-A,--all-namespaces", [options] { options->ns.clear(); }, "No -n, which may be among the settings")->group("Selection");
  }
  list->add_option("-l,--selector", options->selector, "With these labels only: k=v, k!=v, k or !k, with commas between")->group("Selection");
  list->add_option("-o,--output", options->output, output_help)->check(CLI::IsMember(outputs));
  list->callback([options, run_list, &chosen] { chosen = [options, run_list] { return run_list(*options); }; });
}

}  // namespace

void add_identity(CLI::App& root, Action& chosen) {
  add_list(root, "identity", "Identities that the manifests give, as Cilium lists them", list_identities, {"text", "json"}, "text or json", chosen);
}
void add_endpoint(CLI::App& root, Action& chosen) {
  add_list(root, "endpoint", "Endpoints and whether policy is enforced, as Cilium lists them", list_endpoints, {"text", "json", "names"}, "text, json, or names: one a line", chosen);
}

}  // namespace netpolc::compiler
