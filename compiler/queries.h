// compiler/queries.h — one question from the command line or from a line of a query file.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "verify/judge.h"
#include "verify/service_paths.h"
#include "verify/symbolic/traffic_range.h"

namespace netpolc::compiler {

// "8080/TCP", "53/udp", "80" (TCP).
std::optional<ir::Flow> parse_port(std::string_view text);
// "8080/TCP", "1-1024/UDP".
std::optional<verify::FlowRange> parse_port_range(std::string_view text);
// "EchoRequest", "8": the type of ICMP, or of ICMPv6.
std::optional<ir::Flow> parse_icmp(std::string_view text, bool v6);
std::optional<ir::Protocol> parse_protocol(std::string_view text);

struct Query {
  std::string id;  // JSON text
  verify::Question question;
  std::optional<verify::Via> via = {};
};
tl::expected<Query, std::string> parse_query(const std::string& line, std::string& id);

// Who answers a line that has `via`.
using AskVia = std::function<tl::expected<verify::PathAnswer, verify::RefError>(const verify::Question&, verify::Via)>;

// Lines in, lines out, same order; `ns` is the namespace of ends that are said without one. kNoAnswer when some line had no answer.
int answer_queries(const std::string& path, const std::string& ns, verify::Judge& judge, const AskVia& ask_via, const ir::PolicySet& policies, const SourceManager& sources);

}  // namespace netpolc::compiler
