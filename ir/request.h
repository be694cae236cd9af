// ir/request.h — what a proxy looks at: one HTTP request in the clear, one DNS query, or the beginning of TLS (semantics
// reference 7.1, 7.3, 7.5).
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ir/verdict.h"

namespace netpolc::ir {

struct HttpRequest {
  std::string method, path;         // path: with the query string
  std::optional<std::string> host;  // :authority, perhaps with a port; none: not known
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case; a name once
  auto operator<=>(const HttpRequest&) const = default;
};
struct DnsQuery {
  std::string name;  // with or without its final dot, in either case
  auto operator<=>(const DnsQuery&) const = default;
};
struct TlsHello {           // a ClientHello; what is said inside of TLS no proxy sees
  std::string server_name;  // SNI, in either case
  auto operator<=>(const TlsHello&) const = default;
};
using Request = std::variant<HttpRequest, DnsQuery, TlsHello>;

// What becomes of a request on a connection of which policy lets packets pass.
struct RequestVerdict {
  enum class Word : std::uint8_t { Allowed, Denied, Unknown };
  Word word = Word::Allowed;
  std::vector<RuleRef> rules;  // that let it pass, or whose lists it is not in; none: no rule was needed
  std::string why;             // of Unknown: what is not modelled
};

}  // namespace netpolc::ir
