#include "compiler/assertions/references.h"

#include <algorithm>
#include <cctype>

#include "ir/base/ip.h"
#include "ir/base/near_names.h"
#include "verify/entities.h"

namespace netpolc::compiler::assertions {
namespace {

constexpr const char* kForms = "expected ns/name, ns/[k=v], id:N, entity:NAME, ip:ADDRESS, cidr:PREFIX, fqdn:NAME, svc:ns/name[:port] or any";

// "ns/name"
bool is_qualified(std::string_view text) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && slash != 0 && slash + 1 != text.size() && text.find('/', slash + 1) == std::string_view::npos;
}

std::string labels(std::string_view list) {
  for (std::string_view rest = list; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto part = rest.substr(0, comma), equals = part.substr(0, part.find('='));
    if (equals.size() == part.size() || equals.empty()) return "`" + std::string(part) + "` is no label: expected key=value";
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return "";
}

std::string pod(std::string_view text, bool pattern) {
  if (text.starts_with('[') && !pattern) return "a pattern without a namespace is for tests with `symbolic: true`, and for `never`";
  const auto bracket = text.find('[');
  if (bracket == std::string_view::npos) return is_qualified(text) ? "" : kForms;
  if (text.back() != ']') return "no closing `]`";
  if (bracket != 0 && (bracket < 2 || text[bracket - 1] != '/' || text.substr(0, bracket - 1).find('/') != std::string_view::npos)) return kForms;
  return labels(text.substr(bracket + 1, text.size() - bracket - 2));
}

std::string name(std::string_view text) {
  const bool fits = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
  return fits && !text.empty() && text != "." ? "" : "expected a name, such as fqdn:api.example.com";
}

std::string number(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 10 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return fits ? "" : "expected an identity's number";
}

}  // namespace

std::string malformed_reference(std::string_view reference, Allowed allowed) {
  std::string_view rest = reference;
  const auto take = [&](std::string_view prefix) {
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (rest == "any") return "";
  if (rest == "each") return allowed.each ? "" : "`each` is the workload of `forEach`, which this test has not";
  if (take("id:")) return number(rest);
  if (take("entity:")) {
    const std::string expected = "expected host, remote-node, world, kube-apiserver, health, ingress, init or unmanaged";
    return verify::is_entity(rest) ? "" : expected + did_you_mean(rest, {verify::kEntities.begin(), verify::kEntities.end()});
  }
  if (take("ip:")) return IpAddress::parse(rest) ? "" : "expected an IP address";
  if (take("cidr:")) return IpPrefix::parse(rest) ? "" : "expected ADDRESS/LENGTH";
  if (take("fqdn:")) return name(rest);
  if (take("svc:")) return is_qualified(rest.substr(0, rest.find(':'))) ? "" : "expected svc:ns/name or svc:ns/name:port";
  return pod(rest, allowed.pattern);
}

}  // namespace netpolc::compiler::assertions
