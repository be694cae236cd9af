// `netpolc verify never|only|isolated|requires-l7`: claims about every pod that could be, proved or refuted.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "compiler/claim_command.h"
#include "compiler/claim_text.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/queries.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "frontend/label_filter.h"

namespace netpolc::compiler {

// Whatever gets to those with this traffic is such a request: no other one of the kind, none of another kind, and nothing
// that no proxy looks at.
void only_requests(const verify::Inquiry& traffic, std::vector<verify::Inquiry>& out) {
  using Kind = verify::RequestRange::Kind;
  verify::Inquiry unlooked = traffic;
  unlooked.request.reset();
  unlooked.wanted = verify::Wanted::AllowedWithoutProxy;
  verify::Inquiry others = traffic;
  others.other_requests = true;
  out.push_back(others);
  out.push_back(unlooked);
  for (const Kind kind : {Kind::Http, Kind::Dns, Kind::Tls}) {
    if (kind == traffic.request->kind) continue;
    verify::Inquiry of_another_kind = traffic;
    of_another_kind.request = verify::RequestRange{.kind = kind};
    out.push_back(of_another_kind);
  }
}

namespace {

class Claimant {
 public:
  Claimant(const ClaimOptions& options, const Session& session)
      : options_(options),
        world_{session.loaded.policies, session.loaded.cluster, session.resolutions},
        judge_(world_, session.lock),
        filter_(session.loaded.cluster.config),
        claims_(world_, judge_, [this](const std::string& key) { return filter_.keeps({"k8s", key, ""}); }, options.budget),
        not_from_(exceptions(options.except_from)),
        not_to_(exceptions(options.except_to)) {}

  verify::Inquiry inquiry(const char* name, verify::Wanted wanted) {
    verify::Inquiry out;
    out.name = name;
    out.wanted = wanted;
    out.traffic = traffic();
    out.request = requests();
    if (const std::string problem = not_over(options_.request, out.traffic.protocol); !problem.empty()) say(problem);
    out.without = options_.without;
    out.not_from = not_from_;
    out.not_to = not_to_;
    out.from = ends(options_.from, not_from_.prefixes);
    out.to = ends(options_.to, not_to_.prefixes);
    // A destination's port is its own: a service's is another one.
    for (const verify::EndSet* set : {&out.to, &out.not_to})
      for (const verify::End& end : set->ends)
        if (!end.flows.empty())
          say("a claim's destination can't be a service, whose ports are translated (" + end.via + "): say which pods are behind it, such as NAMESPACE/[key=value], and their port");
    return out;
  }
  // One set of all references.
  verify::EndSet ends(const std::vector<std::string>& references, const std::vector<IpPrefix>& cuts) {
    verify::EndSet all;
    for (const std::string& reference : references) {
      auto one = claims_.ends(reference, cuts);
      if (!one) {
        say(one.error().message);
        continue;
      }
      all.name += (all.name.empty() ? "" : ", ") + reference;
      append(all, *one);
    }
    return all;
  }
  // Pods that are left out are said by labels: a name says nothing of pods to come.
  verify::EndSet exceptions(const std::vector<std::string>& references) {
    verify::EndSet all = ends(references, {});
    for (const verify::End& end : all.ends)
      if (end.kind == verify::EndKind::Endpoint && !world_.cluster.endpoints[end.index].remote)
        say("`" + end.name + "` is a pod of today: say which pods are meant by their labels, such as " + world_.cluster.endpoints[end.index].ns + "/[key=value]");
    return all;
  }
  static void append(verify::EndSet& all, const verify::EndSet& more) {
    all.pods.insert(all.pods.end(), more.pods.begin(), more.pods.end());
    all.ends.insert(all.ends.end(), more.ends.begin(), more.ends.end());
    all.prefixes.insert(all.prefixes.end(), more.prefixes.begin(), more.prefixes.end());
  }

  verify::Claims& claims() { return claims_; }
  const std::string& problem() const { return problem_; }
  void say(const std::string& message) {
    if (problem_.empty()) problem_ = message;
  }

 private:
  std::optional<verify::RequestRange> requests() {
    auto out = requests_of(options_.request);
    if (out) return std::move(*out);
    say(out.error());
    return std::nullopt;
  }
  verify::FlowRange traffic() {
    const int given = !options_.port.empty() + !options_.icmp.empty() + !options_.icmpv6.empty();
    if (given > 1) say("only one of --port, --icmp and --icmpv6 can be asked about");
    if (given != 1) return {};
    if (!options_.port.empty()) {
      if (const auto range = parse_port_range(options_.port)) return *range;
      say("--port " + options_.port + ": expected a port or a range and TCP, UDP or SCTP, such as 8080/TCP or 1-1024/UDP");
      return {};
    }
    const bool v6 = options_.icmp.empty();
    if (const auto flow = parse_icmp(v6 ? options_.icmpv6 : options_.icmp, v6)) return {flow->protocol, flow->number, flow->number};
    say((v6 ? "--icmpv6 " + options_.icmpv6 : "--icmp " + options_.icmp) + ": expected a type, such as EchoRequest, or its number to 255");
    return {};
  }

  std::string problem_;
  const ClaimOptions& options_;
  const ir::eval::World world_;
  verify::Judge judge_;
  const frontend::LabelFilter filter_;
  verify::Claims claims_;
  const verify::EndSet not_from_, not_to_;
};

// The inquiries of a claim, which holds if none of them finds anything.
using Inquiries = std::vector<verify::Inquiry>;
using MakeInquiries = Inquiries (*)(const ClaimOptions&, Claimant&);

Inquiries never(const ClaimOptions&, Claimant& claimant) { return {claimant.inquiry("never", verify::Wanted::Allowed)}; }
Inquiries requires_l7(const ClaimOptions& options, Claimant& claimant) {
  if (options.request.given()) claimant.say("`requires-l7` asks whether a proxy looks at connections: which requests it lets pass is for `never` and `only`");
  return {claimant.inquiry("requires-l7", verify::Wanted::AllowedWithoutProxy)};
}

// To nobody else anything; to those nothing but that traffic.
Inquiries only(const ClaimOptions& options, Claimant& claimant) {
  const verify::Inquiry traffic = claimant.inquiry("only", verify::Wanted::Allowed);
  verify::Inquiry others = traffic;
  others.request.reset();
  verify::Inquiry other_traffic = others;
  const verify::EndSet said = claimant.exceptions(options.to);
  Claimant::append(others.not_to, said);
  std::vector<IpPrefix> cuts = others.not_to.prefixes;
  others.to = claimant.ends({"any"}, cuts);
  others.traffic = {};
  Inquiries out{others};
  if (other_traffic.traffic.protocol) {
    other_traffic.not_traffic = {other_traffic.traffic};
    other_traffic.traffic = {};
    out.push_back(other_traffic);
  }
  if (traffic.request) only_requests(traffic, out);
  return out;
}

std::string label_key(const std::string& by) {
  if (by == "namespace") return verify::symbolic::kNamespaceKey;
  constexpr std::string_view kOfNamespace = "namespace:";
  return by.starts_with(kOfNamespace) ? verify::symbolic::kNamespaceLabels + by.substr(kOfNamespace.size()) : by;
}

Inquiries isolated(const ClaimOptions& options, Claimant& claimant) {
  verify::Inquiry one = claimant.inquiry("isolated", verify::Wanted::Allowed);
  one.differing = label_key(options.by);
  if (options.from.empty()) one.from = claimant.ends({"[]"}, {});
  if (options.to.empty()) one.to = one.from;
  // Who there is has no labels that are unknown: `never` is the claim for that.
  for (const verify::EndSet* set : {&one.from, &one.to})
    if (!set->ends.empty()) claimant.say("`isolated` is about pods by their labels: expected [key=value] or NAMESPACE/[key=value] instead of `" + set->ends.front().name + "`");
  return {one};
}

const std::vector<std::string> kFormats{"text", "json"};

struct Kind {
  const char* name;
  const char* help;
  MakeInquiries make;
  bool needs_ends;
};
constexpr Kind kKinds[] = {
    {"never", "Nothing of this traffic ever gets from these to those", never, true},
    {"only", "These reach those with this traffic, and nobody and nothing else", only, true},
    {"isolated", "Pods of different namespaces (or with different labels) never reach each other", isolated, false},
    {"requires-l7", "What gets from these to those has been looked at by a proxy", requires_l7, true},
};

std::optional<WitnessSaid> programs_about(const verify::Finding& finding, const ClaimOptions& options, const Session& session) {
  const auto* found = std::get_if<verify::Found>(&finding);
  return found == nullptr ? std::nullopt : ask_programs(options.in_kernel, found->witness, session.loaded.policies);
}

// The first inquiry that finds something refutes the claim; what is undecided weighs more than what is proved.
int run(const Kind& kind, ClaimOptions options) {
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  options.written = *outputs;
  for (auto* list : {&options.from, &options.to, &options.except_from, &options.except_to})
    for (std::string& one : *list) one = in_namespace(one, options.ns);
  if (const auto code = without_kernel(options.in_kernel)) return *code;
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  Claimant claimant(options, session);
  const Inquiries inquiries = kind.make(options, claimant);
  if (!claimant.problem().empty()) return complain(claimant.problem());
  ClaimAnswer answer{.claim = kind.name, .from = inquiries.front().from.name, .to = inquiries.back().to.name, .by = "", .traffic = inquiries.front().traffic, .request = inquiries.front().request,
                     .finding = verify::NoneFound{.because = {}, .possible = false, .left_out = {}}, .assumed = {}, .steps = 0};
  if (std::string(kind.name) == "only") {
    const verify::Inquiry asked = claimant.inquiry(kind.name, verify::Wanted::Allowed);
    answer.to = asked.to.name;
    answer.traffic = asked.traffic;
    answer.request = asked.request;
  }
  if (std::string(kind.name) == "isolated") answer.by = options.by;
  for (const std::string& key : options.without) answer.assumed.push_back("no pod has a label `" + key + "`");
  if (std::string names = assumed_of_names(session.loaded.policies); !names.empty()) answer.assumed.push_back(std::move(names));
  during("asking the solver", [&] {
    for (const verify::Inquiry& inquiry : inquiries)
      if (join(answer.finding, claimant.claims().look_for(inquiry))) break;
  });
  answer.steps = claimant.claims().solver_steps();
  answer.programs = programs_about(answer.finding, options, session);
  const int failed = write_outputs(options.written, options.input.brief, [&](const std::string& format, bool in_file) {
    return format == "text" ? to_text(answer, session.loaded.policies, session.sources, !in_file && use_colour(options.input.color, Stream::Out)) : to_json(answer, session.loaded.policies, session.sources);
  });
  return failed != 0 ? failed : exit_code(answer);
}

}  // namespace

// Two questions: is some of it allowed, and is some of it denied?
int reach(const ClaimOptions& options, const std::optional<verify::RequestRange>& requests) {
  if (const auto code = without_kernel(options.in_kernel)) return *code;
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  Claimant claimant(options, session);
  verify::Inquiry allowed = claimant.inquiry("allowed", verify::Wanted::Allowed), denied = claimant.inquiry("denied", verify::Wanted::Denied);
  allowed.request = denied.request = requests;
  if (!claimant.problem().empty()) return complain(claimant.problem());
  ReachAnswer answer{.from = allowed.from.name, .to = allowed.to.name, .traffic = allowed.traffic, .request = requests, .allowed = claimant.claims().look_for(allowed),
                     .denied = claimant.claims().look_for(denied), .assumed = {}, .steps = 0};
  for (const std::string& key : options.without) answer.assumed.push_back("no pod has a label `" + key + "`");
  if (std::string names = assumed_of_names(session.loaded.policies); !names.empty()) answer.assumed.push_back(std::move(names));
  answer.steps = claimant.claims().solver_steps();
  answer.programs_allowed = programs_about(answer.allowed, options, session);
  answer.programs_denied = programs_about(answer.denied, options, session);
  const int failed = write_outputs(options.written, options.input.brief, [&](const std::string& format, bool in_file) {
    return format == "text" ? to_text(answer, session.loaded.policies, session.sources, !in_file && use_colour(options.input.color, Stream::Out)) : to_json(answer, session.loaded.policies, session.sources);
  });
  return failed != 0 ? failed : exit_code(answer);
}

void add_claims(CLI::App& verify, Action& chosen) {
  for (const Kind& kind : kKinds) {
    auto options = std::make_shared<ClaimOptions>();
    CLI::App* command = verify.add_subcommand(kind.name, kind.help);
    add_input_options(*command, options->input);
    const std::string ends = "Ends: [k=v] and ns/[k=v] are every pod that could ever be so; ns/name, entity:NAME, ip:, cidr:, fqdn:, svc:, any";
    auto* from = add_repeatable(*command, "--from", options->from, "Sources (repeatable)", ends);
    auto* to = add_repeatable(*command, "--to", options->to, "Destinations (repeatable)", ends);
    if (kind.needs_ends) from->required(), to->required();
    add_repeatable(*command, "--except-from", options->except_from, "Sources that are left out (repeatable)", ends);
    add_repeatable(*command, "--except-to", options->except_to, "Destinations that are left out (repeatable)", ends);
    add_namespace_options(*command, options->ns, ends);
    if (!kind.needs_ends)
      command->add_option("--by", options->by, "What sets pods apart: namespace, namespace:LABEL (a label of namespaces) or LABEL")->capture_default_str()->group(ends);
    add_repeatable(*command, "--without-label", options->without, "Assume that no pod has a label with this key (repeatable)", ends);
    command->add_option("--port", options->port, "Destination ports, 8080/TCP or 1-1024/UDP; without, everything")->group("Traffic");
    command->add_option("--icmp", options->icmp, "ICMP type, EchoRequest or a number")->group("Traffic");
    command->add_option("--icmpv6", options->icmpv6, "ICMPv6 type")->group("Traffic");
    add_request_options(*command, options->request, true);
    command->add_option("--steps", options->budget.steps, "Solver steps before a question is given up as undecided")->capture_default_str()->group("Budget");
    command->add_option("--milliseconds", options->budget.milliseconds, "... and time, whatever the steps")->capture_default_str()->group("Budget");
    add_in_kernel(*command, options->in_kernel);
    add_outputs(*command, options->outputs, kFormats, "text or json");
    command->callback([options, &kind, &chosen] { chosen = [options, &kind] { return run(kind, *options); }; });
  }
}

}  // namespace netpolc::compiler
