// `netpolc verify same|implies`: two policy sets over one cluster, compared for every packet and every pod that could be.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compiler/answers.h"
#include "compiler/claim_text.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/queries.h"
#include "compiler/request_options.h"
#include "compiler/session.h"
#include "frontend/label_filter.h"
#include "ir/eval/requests.h"
#include "ir/eval/resolve.h"

namespace netpolc::compiler {
namespace {

using verify::Inquiry;

struct Options {
  InputOptions input;
  std::vector<std::string> before, after, without;
  std::string port;
  std::vector<std::string> outputs;
  verify::SolverBudget budget;
  bool in_kernel = false;
};

const std::vector<std::string> kFormats{"text", "json"};

struct Kind {
  const char* name;
  const char* help;
  std::vector<Inquiry::Compare> asks;  // the first set is --after, the second --before
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"implies", "What --after allows --before allows, too", {Inquiry::Compare::FirstAllows}},
      {"same", "Whether --before and --after allow the same", {Inquiry::Compare::FirstAllows, Inquiry::Compare::SecondAllows}},
  };
  return all;
}

// What must not differ, or the comparison would be about something else. "" if it doesn't.
std::string different(const ir::Cluster& one, const ir::Cluster& other) {
  const auto differ = [](const auto& a, const auto& b, const auto& same) { return a.size() != b.size() || !std::equal(a.begin(), a.end(), b.begin(), same); };
  if (one.config != other.config) return "configurations (cilium-config)";
  if (one.kube_apiservers != other.kube_apiservers) return "API servers";
  if (differ(one.namespaces, other.namespaces, [](const auto& a, const auto& b) { return a.name == b.name && a.labels == b.labels; })) return "namespaces";
  if (differ(one.endpoints, other.endpoints, [](const auto& a, const auto& b) {
        return a.ns == b.ns && a.name == b.name && a.labels == b.labels && a.named_ports == b.named_ports && a.host_network == b.host_network && a.remote == b.remote;
      }))
    return "workloads";
  if (differ(one.nodes, other.nodes, [](const auto& a, const auto& b) { return a.name == b.name && a.labels == b.labels && a.addresses == b.addresses; })) return "nodes";
  return "";
}

// A difference, and what either set says about it.
struct Difference {
  verify::Witness witness;
  bool opened = false;   // allowed by --after
  bool proxied = false;  // both allow it, one through a proxy only
  std::optional<WitnessSaid> before = std::nullopt, after = std::nullopt;  // what the programs of either set said, if they were asked
};

void append(std::string& out, const char* set, const Session& session, const std::optional<verify::WitnessSide>& egress,
            const std::optional<verify::WitnessSide>& ingress, const std::optional<WitnessSaid>& programs, const char* word) {
  out += std::string("  ") + set + word + "\n";
  side_text(out, "egress   ", side_of(egress), session.loaded.policies, session.sources);
  side_text(out, "ingress  ", side_of(ingress), session.loaded.policies, session.sources);
  programs_text(out, programs);
}

std::string to_text(const ClaimAnswer& answer, const std::optional<Difference>& difference, const Session& before, const Session& after, bool colour) {
  if (!difference) return to_text(answer, after.loaded.policies, after.sources, colour);
  const verify::Witness& found = difference->witness;
  std::string out = coloured("REFUTED", verify::Word::Denied, colour) + "  " + answer.claim + "  " + to_string(answer.traffic) + "\n\n";
  out += std::string("  witness  ") + found.from + " → " + found.to + "   " + flow_text(found.flow) + (difference->opened ? "   opened\n" : "   closed\n");
  if (found.request) out += "  request  " + compiler::to_text(*found.request) + "\n";
  const auto here = [&](const char* set, const Session& session, bool first) {
    append(out, set, session, first ? found.egress : found.other_egress, first ? found.ingress : found.other_ingress,
           &session == &after ? difference->after : difference->before, first ? (difference->proxied ? "allowed without a proxy" : "allowed") : difference->proxied ? "allowed through a proxy" : "denied");
  };
  here("before   ", before, !difference->opened);
  here("after    ", after, difference->opened);
  for (const std::string& more : found.besides) out += "  given    " + more + "\n";
  for (const std::string& assumed : answer.assumed) out += "  assumed  " + assumed + "\n";
  return out;
}

std::string to_json(const ClaimAnswer& answer, const std::optional<Difference>& difference, const Session& before, const Session& after) {
  using nlohmann::ordered_json;
  auto out = ordered_json::parse(to_json(answer, after.loaded.policies, after.sources));
  out["kind"] = "CompareResult";
  out.erase("from");
  out.erase("to");
  if (!difference) return out.dump() + "\n";
  const verify::Witness& found = difference->witness;
  out["difference"] = difference->opened ? "opened" : "closed";
  for (const bool is_after : {false, true}) {
    const Session& session = is_after ? after : before;
    const bool first = is_after == difference->opened;
    JsonAnswers writer(session.loaded.policies, session.sources);
    const auto side = [&](const std::optional<verify::WitnessSide>& one) {
      std::string text;
      writer.append_side(text, side_of(one));
      return ordered_json::parse(text);
    };
    out["witness"].erase("egress");
    out["witness"].erase("ingress");
    auto& set = out[is_after ? "after" : "before"];
    set = {{"verdict", first || difference->proxied ? "ALLOWED" : "DENIED"}, {"egress", side(first ? found.egress : found.other_egress)}, {"ingress", side(first ? found.ingress : found.other_ingress)}};
    if (const auto& programs = is_after ? difference->after : difference->before) set["kernel"] = to_json(*programs, writer);
  }
  return out.dump() + "\n";
}

// Whether a rule of the set asks a proxy, for which requests, and whether one asks for authentication.
struct Asks {
  bool proxy = false, http = false, dns = false, names = false, others = false, authentication = false;
  void add(const Asks& more) {
    proxy |= more.proxy;
    http |= more.http;
    dns |= more.dns;
    names |= more.names;
    others |= more.others;
    authentication |= more.authentication;
  }
};
bool is_modelled(const ir::L7& l7, const std::vector<ir::PortMatch>& ports, ir::CiliumVersion version) {
  return std::all_of(ports.begin(), ports.end(), [&](const ir::PortMatch& port) {
    const auto protocols = ir::eval::protocols_of(port.protocol);
    return std::all_of(protocols.begin(), protocols.end(), [&](ir::Protocol protocol) { return ir::eval::unmodelled(l7, ir::eval::kHttpKind, protocol, version).empty(); });
  });
}

Asks asks(const ir::PolicySet& set, ir::CiliumVersion version) {
  Asks out;
  for (const ir::Policy& policy : set.policies)
    for (const ir::Rule& rule : policy.rules) {
      out.authentication |= rule.auth == ir::AuthMode::Required || rule.auth == ir::AuthMode::AlwaysFail;
      for (const ir::PortRule& item : rule.ports)
        out.add({item.l7.redirects(), !item.l7.http.empty(), !item.l7.dns.empty(), !item.l7.server_names.empty(), item.l7.redirects() && !is_modelled(item.l7, item.ports, version), false});
    }
  return out;
}

std::optional<int> open_with(const Options& options, const std::vector<std::string>& more, Session& session) {
  InputOptions input = options.input;
  input.files.insert(input.files.end(), more.begin(), more.end());
  return open(input, session);
}

int run(const Kind& kind, const Options& options) {
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  if (const auto code = without_kernel(options.in_kernel)) return *code;
  Session before, after;
  if (const auto code = open_with(options, options.before, before)) return *code;
  if (const auto code = open_with(options, options.after, after)) return *code;
  if (const std::string what = different(before.loaded.cluster, after.loaded.cluster); !what.empty())
    return complain("--before and --after have different " + what + ": give the cluster's manifests with -f, for both");
  verify::FlowRange traffic;
  if (!options.port.empty()) {
    const auto range = parse_port_range(options.port);
    if (!range) return complain("--port " + options.port + ": expected a port or a range and TCP, UDP or SCTP, such as 8080/TCP or 1-1024/UDP");
    traffic = *range;
  }
  // Who there is to policy is what either set tells apart.
  ir::PolicySet both = after.loaded.policies;
  both.policies.insert(both.policies.end(), before.loaded.policies.policies.begin(), before.loaded.policies.policies.end());
  ir::Cluster cluster = after.loaded.cluster;
  cluster.cidr_groups.insert(cluster.cidr_groups.end(), before.loaded.cluster.cidr_groups.begin(), before.loaded.cluster.cidr_groups.end());
  cluster.services.insert(cluster.services.end(), before.loaded.cluster.services.begin(), before.loaded.cluster.services.end());
  const ir::eval::World all{both, cluster, after.resolutions};
  const ir::eval::World first{after.loaded.policies, after.loaded.cluster, after.resolutions}, second{before.loaded.policies, before.loaded.cluster, before.resolutions};
  verify::Judge judge(all, after.lock);
  const frontend::LabelFilter filter(after.loaded.cluster.config);
  verify::Claims claims(first, judge, [&](const std::string& key) { return filter.keeps({"k8s", key, ""}); }, options.budget, &second);

  ClaimAnswer answer{.claim = kind.name, .from = "", .to = "", .by = "", .traffic = traffic, .finding = verify::NoneFound{.because = {}, .possible = false, .left_out = {}},
                     .assumed = {}, .steps = 0};
  for (const std::string& key : options.without) answer.assumed.push_back("no pod has a label `" + key + "`");
  if (std::string names = assumed_of_names(both); !names.empty()) answer.assumed.push_back(std::move(names));
  const verify::EndSet any = *claims.ends("any");
  std::optional<Difference> difference;
  const auto version = after.loaded.cluster.config.version;
  Asks asked = asks(before.loaded.policies, version);
  asked.add(asks(after.loaded.policies, version));
  struct What {
    verify::Wanted wanted = verify::Wanted::Allowed;
    std::optional<verify::RequestRange> request = std::nullopt;
  };
  std::vector<What> all_asked{{}};
  // Where server names are listed, what is in clear has none: HTTP stands for all of that.
  if (asked.http || asked.names) all_asked.push_back({verify::Wanted::Allowed, verify::RequestRange{}});
  if (asked.names) all_asked.push_back({verify::Wanted::Allowed, verify::RequestRange{.kind = verify::RequestRange::Kind::Tls}});
  if (asked.dns) all_asked.push_back({verify::Wanted::Allowed, verify::RequestRange{.kind = verify::RequestRange::Kind::Dns}});
  if (asked.proxy) all_asked.push_back({verify::Wanted::AllowedWithoutProxy});
  const auto found = [&](const What& what, Inquiry::Compare compare) {
    const Inquiry inquiry{.name = kind.name, .from = any, .to = any, .not_from = {}, .not_to = {}, .traffic = traffic, .not_traffic = {}, .request = what.request, .wanted = what.wanted, .without = options.without, .compare = compare, .differing = {}, .unknown_alike = true};
    verify::Finding finding = claims.look_for(inquiry);
    if (const auto* it = std::get_if<verify::Found>(&finding))
      difference = Difference{it->witness, compare == Inquiry::Compare::FirstAllows, what.wanted == verify::Wanted::AllowedWithoutProxy};
    return join(answer.finding, std::move(finding));
  };
  during("asking the solver", [&] {
    for (const What& what : all_asked)
      for (const Inquiry::Compare compare : kind.asks)
        if (!difference && found(what, compare)) break;
  });
  if (auto* none = std::get_if<verify::NoneFound>(&answer.finding)) {
    if (asked.http || asked.dns || asked.names) none->left_out.push_back("requests other than of visible ASCII, and names other than of letters, digits, `-` and `_`");
    if ((asked.http || asked.names) && asked.dns) none->left_out.push_back("what Envoy makes of DNS rules beside its own");
    if (asked.others) none->left_out.push_back("what proxies let through that terminate TLS, by listeners and in other protocols: only where they are asked is compared");
    if (asked.authentication) none->left_out.push_back("where authentication is asked for");
  }
  answer.steps = claims.solver_steps();
  if (difference) {
    difference->before = ask_programs(options.in_kernel, difference->witness, before.loaded.policies, difference->opened);
    difference->after = ask_programs(options.in_kernel, difference->witness, after.loaded.policies, !difference->opened);
  }
  const int failed = write_outputs(*outputs, options.input.brief, [&](const std::string& format, bool in_file) {
    return format == "text" ? to_text(answer, difference, before, after, !in_file && use_colour(options.input.color, Stream::Out)) : to_json(answer, difference, before, after);
  });
  return failed != 0 ? failed : exit_code(answer);
}

}  // namespace

void add_comparisons(CLI::App& verify, Action& chosen) {
  for (const Kind& kind : kinds()) {
    auto options = std::make_shared<Options>();
    CLI::App* command = verify.add_subcommand(kind.name, kind.help);
    options->input.waits_for_pipe = false;
    add_input_options(*command, options->input);
    const char* sets = "Policy sets: each with what -f has for both, such as the cluster's manifests";
    add_repeatable(*command, "--before", options->before, "File or directory (repeatable)", sets)->required();
    add_repeatable(*command, "--after", options->after, "File or directory (repeatable)", sets)->required();
    add_repeatable(*command, "--without-label", options->without, "Assume that no pod has a label with this key (repeatable)", sets);
    command->add_option("--port", options->port, "Destination ports, 8080/TCP or 1-1024/UDP; without, everything")->group("Traffic");
    command->add_option("--steps", options->budget.steps, "Solver steps before a question is given up as undecided")->capture_default_str()->group("Budget");
    command->add_option("--milliseconds", options->budget.milliseconds, "... and time, whatever the steps")->capture_default_str()->group("Budget");
    add_in_kernel(*command, options->in_kernel);
    add_outputs(*command, options->outputs, kFormats, "text or json");
    command->callback([options, &kind, &chosen] { chosen = [options, &kind] { return run(kind, *options); }; });
  }
}

}  // namespace netpolc::compiler
