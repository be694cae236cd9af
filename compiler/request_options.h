// compiler/request_options.h — requests on the command line, in query files, and in answers.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "ir/request.h"
#include "verify/symbolic/request_range.h"

namespace CLI {
class App;
}

namespace netpolc::compiler {

struct RequestOptions {
  std::string http, host, dns, sni;
  std::vector<std::string> headers;
  bool given() const { return of_http() || !dns.empty() || !sni.empty(); }
  bool of_http() const { return !http.empty() || !host.empty() || !headers.empty(); }
};
// `patterns`: what is asked about is a set, given by expressions as policies have them; else one request.
void add_request_options(CLI::App& command, RequestOptions& options, bool patterns);

// Nothing given: none. Errors say what is wrong, and with which option.
tl::expected<std::optional<ir::Request>, std::string> request_of(const RequestOptions& options);
tl::expected<std::optional<verify::RequestRange>, std::string> requests_of(const RequestOptions& options);
// Why such a request is never sent over this protocol; "": it may be. None: whichever is right.
std::string not_over(const RequestOptions& options, std::optional<ir::Protocol> protocol);
// The one request, as a set.
verify::RequestRange only(const ir::Request& request);

std::string to_text(const ir::Request& request);           // "GET /x  host a.example", "DNS a.example.", "SNI a.example"
nlohmann::ordered_json to_json(const ir::Request& request);  // {"method","path","host","headers"} or {"dns"} or {"sni"}

}  // namespace netpolc::compiler
