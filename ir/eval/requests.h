// ir/eval/requests.h — is a request in the lists of a rule? Regular expressions by RE2, which is what Envoy matches with
// (semantics reference 7.1); names by the patterns of 7.3.
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

// Why what these lists let pass is not known, for requests of this kind (by index of ir::Request); "": it is.
std::string unmodelled(const L7& l7, std::size_t kind);
inline constexpr std::size_t kHttpKind = 0, kDnsKind = 1;

// What an allowing rule's port list asks of a request at a proxy; without lists nothing.
InList in_list(const L7& l7, const Request& request, CiliumVersion version);

// A name as the proxy compares it: lower case, with its final dot.
std::string canonical_name(std::string_view name);

}  // namespace netpolc::ir::eval
