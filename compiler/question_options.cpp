#include "compiler/question_options.h"

#include <CLI/CLI.hpp>

#include "compiler/exit_code.h"
#include "compiler/queries.h"
#include "verify/entities.h"

namespace netpolc::compiler {
namespace {

// None with `problem` set: the command line makes no sense.
std::optional<ir::Flow> asked_flow(const QuestionOptions& options, std::string& problem) {
  const int given = !options.port.empty() + !options.icmp.empty() + !options.icmpv6.empty();
  if (given > 1) problem = "only one of --port, --icmp and --icmpv6 can be asked about";
  if (given != 1) return std::nullopt;
  const auto flow = !options.port.empty()   ? parse_port(options.port)
                    : !options.icmp.empty() ? parse_icmp(options.icmp, false)
                                            : parse_icmp(options.icmpv6, true);
  if (!flow && !options.port.empty())
    problem = "--port " + options.port + ": expected a number to 65535 and TCP, UDP or SCTP, such as 8080/TCP";
  else if (!flow)
    problem = (options.icmp.empty() ? "--icmpv6 " + options.icmpv6 : "--icmp " + options.icmp) +
              ": expected a type, such as EchoRequest, or its number to 255";
  return flow;
}

}  // namespace

void add_end_options(CLI::App& command, QuestionOptions& options) {
  command.add_option("--from", options.from, "Source")->group(kEndsGroup);
  command.add_option("--to", options.to, "Destination")->group(kEndsGroup);
  add_namespace_options(command, options.ns, kEndsGroup);
}

void add_namespace_options(CLI::App& command, std::string& ns, const std::string& group, const std::string& help) {
  command.add_option("-n,--namespace", ns, help)->group(group);
  command.add_flag_callback("-A,--all-namespaces", [&ns] { ns.clear(); }, "No -n, which may be among the settings")->group(group);
}

void add_port_options(CLI::App& command, QuestionOptions& options) {
  command.add_option("--port", options.port, "Destination port, 8080/TCP")->group("Traffic");
  command.add_option("--icmp", options.icmp, "ICMP type, EchoRequest or a number")->group("Traffic");
  command.add_option("--icmpv6", options.icmpv6, "ICMPv6 type")->group("Traffic");
}

std::string in_namespace(const std::string& reference, const std::string& ns) {
  if (ns.empty() || reference.empty()) return reference;
  if (reference.front() == '[') return ns + "/" + reference;
  constexpr std::string_view kService = "svc:";
  if (reference.starts_with(kService) && reference.find('/') == std::string::npos) return std::string(kService) + ns + "/" + reference.substr(kService.size());
  const bool whole = reference.find_first_of("/:") != std::string::npos || reference == "any" || verify::is_entity(reference);
  return whole ? reference : ns + "/" + reference;
}

tl::expected<verify::Question, std::string> question_of(const QuestionOptions& options) {
  auto request = request_of(options.request);
  if (!request) return tl::unexpected(request.error());
  std::string problem;
  verify::Question question{in_namespace(options.from, options.ns), in_namespace(options.to, options.ns), asked_flow(options, problem), std::move(*request)};
  if (problem.empty() && question.flow) problem = not_over(options.request, question.flow->protocol);
  if (!problem.empty()) return tl::unexpected(problem);
  return question;
}

int exit_code(verify::Word word) {
  switch (word) {
    case verify::Word::Allowed: return kGood;
    case verify::Word::Denied:
    case verify::Word::Mixed: return kNegative;
    case verify::Word::Undecided: return kUndecided;
  }
  return kUndecided;
}

}  // namespace netpolc::compiler
