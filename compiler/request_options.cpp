#include "compiler/request_options.h"

#include <CLI/CLI.hpp>
#include <re2/re2.h>

#include <algorithm>

#include "ir/eval/server_names.h"

namespace netpolc::compiler {
namespace {

constexpr ir::CiliumVersion kPatternsOfAsking = 20;

struct Words {
  std::string method, path;
};
std::optional<Words> words_of(const std::string& http) {
  const auto space = http.find(' ');
  if (space == 0 || space == std::string::npos || space + 1 == http.size()) return std::nullopt;
  return Words{http.substr(0, space), http.substr(space + 1)};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string several_kinds(const RequestOptions& options) {
  if (!options.dns.empty() && options.of_http()) return "--dns and --http are two kinds of requests: ask about one";
  if (!options.sni.empty() && options.of_http()) return "--sni and --http are two kinds of requests, and no proxy sees what is said inside of TLS: ask about one";
  if (!options.sni.empty() && !options.dns.empty()) return "--sni and --dns are two kinds of requests: ask about one";
  return "";
}

std::string not_an_expression(const char* option, const std::string& text) {
  const re2::RE2 regex(text, re2::RE2::Quiet);
  return regex.ok() ? "" : std::string(option) + " '" + text + "': " + regex.error();
}

// Of several headers of one name Envoy compares the values together, with commas (semantics reference 7.1).
void add_header(ir::HttpRequest& request, const std::string& name, const std::string& value) {
  if (name == "host") {
    if (!request.host) request.host = value;
    return;
  }
  for (auto& [known, values] : request.headers)
    if (known == name) {
      values += "," + value;
      return;
    }
  request.headers.emplace_back(name, value);
}

// A name as patterns have it.
bool is_name(const std::string& text, bool pattern) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || (pattern && c == '*'); });
}

}  // namespace

void add_request_options(CLI::App& command, RequestOptions& options, bool patterns) {
  const char* group = "Requests";
  command.add_option("--http", options.http, patterns ? "'METHOD PATH', expressions as policies have them: 'GET|HEAD /admin.*'" : "'GET /path': the request that is asked about")->group(group);
  command.add_option("--http-host", options.host, patterns ? "Host of such requests, an expression" : "Its host")->group(group);
  command.add_option("--http-header", options.headers, patterns ? "'Name: value' or 'Name' that they have (repeatable)" : "'Name: value' of its headers (repeatable)")->allow_extra_args(false)->group(group);
  command.add_option("--dns", options.dns, patterns ? "DNS queries for names like this, *.example.com" : "The DNS query for this name")->group(group);
  command.add_option("--sni", options.sni, patterns ? "TLS with server names like this, *.example.com (** for several labels)" : "TLS with this server name")->group(group);
}

tl::expected<std::optional<ir::Request>, std::string> request_of(const RequestOptions& options) {
  if (!options.given()) return std::optional<ir::Request>{};
  if (std::string problem = several_kinds(options); !problem.empty()) return tl::make_unexpected(std::move(problem));
  if (!options.dns.empty()) {
    if (!is_name(options.dns, false)) return tl::make_unexpected("--dns " + options.dns + ": expected a name, such as www.example.com");
    return std::optional<ir::Request>(ir::DnsQuery{options.dns});
  }
  if (!options.sni.empty()) {
    if (!ir::eval::is_server_name(options.sni)) return tl::make_unexpected("--sni " + options.sni + ": expected a name, such as www.example.com");
    return std::optional<ir::Request>(ir::TlsHello{options.sni});
  }
  if (options.http.empty()) return tl::make_unexpected(std::string(options.host.empty() ? "--http-header" : "--http-host") + " is about a request: say which, with --http 'GET /path'");
  const auto words = words_of(options.http);
  if (!words || !words->path.starts_with('/')) return tl::make_unexpected("--http '" + options.http + "': expected a method and a path, such as 'GET /path'");
  // "GET /path HTTP/1.1" is a request's first line.
  ir::HttpRequest out{words->method, words->path.substr(0, words->path.find(' ')), std::nullopt, {}};
  if (!options.host.empty()) out.host = options.host;
  for (const std::string& header : options.headers) {
    const auto colon = header.find(':');
    const auto value = colon == std::string::npos ? colon : header.find_first_not_of(' ', colon + 1);
    if (colon == 0 || colon == std::string::npos) return tl::make_unexpected("--http-header '" + header + "': expected 'Name: value'");
    add_header(out, lower(header.substr(0, colon)), value == std::string::npos ? "" : header.substr(value, header.find_last_not_of(' ') + 1 - value));
  }
  return std::optional<ir::Request>(std::move(out));
}

tl::expected<std::optional<verify::RequestRange>, std::string> requests_of(const RequestOptions& options) {
  if (!options.given()) return std::optional<verify::RequestRange>{};
  if (std::string problem = several_kinds(options); !problem.empty()) return tl::make_unexpected(std::move(problem));
  verify::RequestRange out;
  if (!options.dns.empty()) {
    if (!is_name(options.dns, true)) return tl::make_unexpected("--dns " + options.dns + ": expected a name or a pattern, such as *.example.com");
    out.kind = verify::RequestRange::Kind::Dns;
    out.name = options.dns;
    return std::optional(out);
  }
  if (!options.sni.empty()) {
    if (!ir::eval::server_name_pattern_is_known(options.sni, kPatternsOfAsking))
      return tl::make_unexpected("--sni " + options.sni + ": expected a name or a pattern in lower case, such as *.example.com (`*` in a label, `**` for labels)");
    out.kind = verify::RequestRange::Kind::Tls;
    out.name = options.sni;
    return std::optional(out);
  }
  if (!options.http.empty()) {
    const auto words = words_of(options.http);
    if (!words) return tl::make_unexpected("--http '" + options.http + "': expected expressions for a method and a path, such as 'GET /admin.*' ('.*' for any)");
    out.method = words->method;
    out.path = words->path;
  }
  out.host = options.host;
  out.headers = options.headers;
  for (const auto& [option, text] : {std::pair{"--http", &out.method}, std::pair{"--http", &out.path}, std::pair{"--http-host", &out.host}})
    if (std::string problem = not_an_expression(option, *text); !problem.empty()) return tl::make_unexpected(std::move(problem));
  return std::optional(out);
}

std::string not_over(const RequestOptions& options, std::optional<ir::Protocol> protocol) {
  if (!options.given() || !protocol || *protocol == ir::Protocol::Tcp) return "";
  if (!options.sni.empty()) return "TLS is spoken over TCP, and no proxy reads QUIC: ask with --port 443/TCP";
  if (options.dns.empty()) return "HTTP is spoken over TCP: ask with --port PORT/TCP";
  return *protocol == ir::Protocol::Udp ? "" : "DNS is spoken over UDP and TCP: ask with --port 53/UDP";
}

verify::RequestRange only(const ir::Request& request) {
  verify::RequestRange out;
  out.said = to_text(request);
  if (const auto* query = std::get_if<ir::DnsQuery>(&request)) {
    out.kind = verify::RequestRange::Kind::Dns;
    out.name = query->name;
    return out;
  }
  if (const auto* hello = std::get_if<ir::TlsHello>(&request)) {
    out.kind = verify::RequestRange::Kind::Tls;
    out.name = ir::eval::canonical_server_name(hello->server_name);
    return out;
  }
  const auto& http = std::get<ir::HttpRequest>(request);
  out.method = re2::RE2::QuoteMeta(http.method);
  out.path = re2::RE2::QuoteMeta(http.path);
  if (http.host) out.host = re2::RE2::QuoteMeta(*http.host);
  for (const auto& [name, value] : http.headers) out.headers.push_back(name + ": " + value);
  return out;
}

std::string to_text(const ir::Request& request) {
  if (const auto* query = std::get_if<ir::DnsQuery>(&request)) return "DNS " + query->name;
  if (const auto* hello = std::get_if<ir::TlsHello>(&request)) return "SNI " + hello->server_name;
  const auto& http = std::get<ir::HttpRequest>(request);
  std::string out = http.method + " " + http.path;
  if (http.host) out += "   host " + *http.host;
  for (const auto& [name, value] : http.headers) out += "   " + name + ": " + value;
  return out;
}

nlohmann::ordered_json to_json(const ir::Request& request) {
  if (const auto* query = std::get_if<ir::DnsQuery>(&request)) return {{"dns", query->name}};
  if (const auto* hello = std::get_if<ir::TlsHello>(&request)) return {{"sni", hello->server_name}};
  const auto& http = std::get<ir::HttpRequest>(request);
  nlohmann::ordered_json out = {{"method", http.method}, {"path", http.path}};
  if (http.host) out["host"] = *http.host;
  if (!http.headers.empty()) {
    out["headers"] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : http.headers) out["headers"][name] = value;
  }
  return out;
}

}  // namespace netpolc::compiler
