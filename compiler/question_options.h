// compiler/question_options.h — one question on the command line: two ends, traffic, perhaps a request. `verify` and
// `explain flow` ask it the same way.
#pragma once
#include <string>

#include "compiler/request_options.h"
#include "verify/judge.h"

namespace netpolc::compiler {

struct QuestionOptions {
  std::string from, to, port, icmp, icmpv6;
  std::string ns;  // of names and labels without one
  std::string via;  // --via, where the command has it
  RequestOptions request;
  bool traffic_given() const { return !port.empty() || !icmp.empty() || !icmpv6.empty() || request.given(); }
};
inline constexpr const char* kEndsGroup = "Ends: ns/name, ns/kind/name, ns/[k=v], id:N, entity:NAME, ip:ADDRESS, cidr:PREFIX, fqdn:NAME, svc:ns/name[:port], any";
void add_end_options(CLI::App& command, QuestionOptions& options);
// -n, and -A that undoes it.
void add_namespace_options(CLI::App& command, std::string& ns, const std::string& group, const std::string& help = "Of ends that are given without one");
void add_port_options(CLI::App& command, QuestionOptions& options);

// `web`, `[app=web]` and `svc:web` with the namespace `ns`; what has a namespace, or never has one, as it is.
std::string in_namespace(const std::string& reference, const std::string& ns);

// Errors say which option makes no sense. Ends are not looked up yet.
tl::expected<verify::Question, std::string> question_of(const QuestionOptions& options);

// What the process ends with.
int exit_code(verify::Word word);

}  // namespace netpolc::compiler
