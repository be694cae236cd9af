// ir/eval/requests.h — is a request in the lists of a rule? Regular expressions by RE2, which is what Envoy matches with
// (semantics reference 7.1); names by the patterns of 7.3 and 7.5. And which proxies a request gets through at all.
#pragma once
#include <string>

#include "ir/cluster.h"
#include "ir/request.h"

namespace netpolc::ir::eval {

enum class InList : std::uint8_t { No, Yes, Unknown };

// One header condition of a rule, as `headers` and `headerMatches` have it.
struct HeaderCondition {
  std::string name;                  // lower case
  std::optional<std::string> value;  // none: that it is there
  bool always = false;               // holds whatever the request says
  bool unknown = false;              // turns on a secret
  bool never = false;                // no header can be called so
  enum class Of : std::uint8_t { Header, Method, Path, Host } of = Of::Header;  // Envoy knows the request's own by names, too
};
std::vector<HeaderCondition> header_conditions(const HttpRule& rule);

inline constexpr std::size_t kHttpKind = 0, kDnsKind = 1, kTlsKind = 2;  // by index of ir::Request

// Why what these lists let pass is not known, for requests of this kind over this protocol; "": it is.
std::string unmodelled(const L7& l7, std::size_t kind, Protocol protocol, CiliumVersion version);

// Whether a proxy reads such requests at all; else it ends the connection. Envoy does so with what is no HTTP where it
// looks for HTTP (section 7.1), the DNS proxy with what is no query. At server names only the beginning of TLS counts (7.5).
bool reads(L7Parser proxy, std::size_t kind);

// What an allowing rule's port list asks of a request at a proxy that reads it; without lists nothing. Server names aside:
// those of several rules may count as one list (section 5.6).
InList in_list(const L7& l7, const Request& request, L7Parser proxy, CiliumVersion version);
// Precondition: unmodelled() says nothing.
bool has_server_name(const L7& l7, const Request& request, CiliumVersion version);

// A name as the proxy compares it: lower case, with its final dot.
std::string canonical_name(std::string_view name);

}  // namespace netpolc::ir::eval
