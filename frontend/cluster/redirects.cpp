#include "frontend/cluster/redirects.h"

#include <charconv>

#include "frontend/cluster/objects.h"

namespace netpolc::frontend {
namespace {

// Such an object redirects nothing; policies are none the wiser.
void report(const Fields& fields, const Node& where, std::string message, std::string label) {
  fields.sink().warning({.kind = DiagKind::RedirectPolicy, .where = where.span, .message = std::move(message), .label = std::move(label)});
}

// Ports are texts here: "53".
std::optional<std::vector<ir::Service::Port>> read_ports(const Node* frontend, const Fields& fields) {
  std::vector<ir::Service::Port> out;
  bool right = true;
  for (const Node* one : fields.objects(frontend, "toPorts")) {
    ir::Service::Port port;
    port.name = fields.text(one, "name");
    port.protocol = fields.protocol(one, "protocol").value_or(ir::Protocol::Tcp);
    const std::string number = fields.text(one, "port");
    const char* end = number.data() + number.size();
    const auto [at, error] = std::from_chars(number.data(), end, port.port);
    if (error == std::errc{} && at == end && port.port != 0) {
      out.push_back(std::move(port));
      continue;
    }
    report(fields, *one, "`toPorts` needs a `port` from 1 to 65535", "`" + number + "` is none");
    right = false;
  }
  return right ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<ir::Operator> operator_of(const std::string& text) {
  if (text == "In") return ir::Operator::In;
  if (text == "NotIn") return ir::Operator::NotIn;
  if (text == "Exists") return ir::Operator::Exists;
  if (text == "DoesNotExist") return ir::Operator::DoesNotExist;
  return std::nullopt;
}

// A selector of pods of the namespace.
std::optional<ir::Selector> read_selector(const Node* selector, const std::string& ns, const Fields& fields) {
  ir::Selector out;
  bool right = true;
  out.requirements.push_back({"k8s", "io.kubernetes.pod.namespace", ir::Operator::In, {ns}});
  for (const auto& [key, value] : fields.strings(selector, "matchLabels")) out.requirements.push_back({"any", key, ir::Operator::In, {value}});
  for (const Node* one : fields.objects(selector, "matchExpressions")) {
    const auto op = operator_of(fields.text(one, "operator"));
    if (!op) {
      report(fields, *one, "`matchExpressions` needs an `operator`", "expected In, NotIn, Exists or DoesNotExist");
      right = false;
      continue;
    }
    ir::Requirement requirement{"any", fields.text(one, "key"), *op, {}};
    for (const Node& value : fields.list(one, "values"))
      if (value.is_scalar()) requirement.values.push_back(value.text);
    out.requirements.push_back(std::move(requirement));
  }
  ir::normalise(out);
  return right ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::optional<ir::LocalRedirect> read_local_redirect(const Node& object, const Fields& fields) {
  const Meta meta = read_meta(object, "CiliumLocalRedirectPolicy", fields);
  ir::LocalRedirect out{meta.ns, meta.name, std::nullopt, "", {}, {}, meta.where};
  const Node* spec = fields.mapping(&object, "spec");
  const Node* frontend = fields.mapping(spec, "redirectFrontend");
  const Node* by_address = fields.mapping(frontend, "addressMatcher");
  const Node* by_service = fields.mapping(frontend, "serviceMatcher");
  if ((by_address == nullptr) == (by_service == nullptr)) {
    report(fields, frontend != nullptr ? *frontend : object, "a local redirect needs exactly one of `addressMatcher` and `serviceMatcher`",
           by_address == nullptr ? "neither is here" : "both are here");
    return std::nullopt;
  }
  if (by_address != nullptr) {
    out.address = fields.address(by_address, "ip");
    if (!out.address) {
      if (fields.text(by_address, "ip").empty()) report(fields, *by_address, "`addressMatcher` needs an `ip`", "none is here");
      return std::nullopt;
    }
  } else {
    out.service = fields.text(by_service, "serviceName");
    if (out.service.empty()) {
      report(fields, *by_service, "`serviceMatcher` needs a `serviceName`", "none is here");
      return std::nullopt;
    }
    const std::string of = fields.text(by_service, "namespace");
    if (!of.empty() && of != out.ns) {
      report(fields, *by_service, "a local redirect is for Services of its own namespace", "`" + of + "` is not `" + out.ns + "`");
      return std::nullopt;
    }
  }
  auto ports = read_ports(by_address != nullptr ? by_address : by_service, fields);
  const Node* backend = fields.mapping(spec, "redirectBackend");
  const Node* pods = fields.mapping(backend, "localEndpointSelector");
  if (pods == nullptr) {
    report(fields, backend != nullptr ? *backend : object, "a local redirect needs a `redirectBackend` with a `localEndpointSelector`", "it has none");
    return std::nullopt;
  }
  auto selector = read_selector(pods, out.ns, fields);
  if (!ports || !selector) return std::nullopt;
  out.ports = std::move(*ports);
  out.pods = std::move(*selector);
  return out;
}

}  // namespace netpolc::frontend
