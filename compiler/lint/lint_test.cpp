// Every rule by its own examples, and what holds of all findings.
#include <doctest/doctest.h>

#include "compiler/lint/linted_for_tests.h"

using namespace netpolc;
using lint::Linted;

namespace {

const std::string kPod = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {app: cart}}\nspec: {containers: []}\n---\n";
std::string policy(const std::string& spec, const std::string& metadata = "") {
  return kPod + "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: p\n  namespace: shop\n" + metadata + "spec:\n" + spec;
}
const std::string kSlip = "  endpointSelector:\n    matchLabels:\n      app: catr\n  ingress:\n  - fromEntities: [cluster]\n";

}  // namespace

TEST_CASE("the bad example of a rule is found by it and by no other, the good one by none") {
  for (const lint::Rule& rule : lint::rules()) {
    const std::string code = diag_code(rule.kind);
    if (rule.bad.empty()) continue;
    const lint::Choice choice{{}, {}, rule.proved};
    const Linted bad(rule.bad, choice, rule.setting), good(rule.good, choice, rule.setting);
    CHECK_MESSAGE(bad.sink.errors() == 0, code, "\n", bad.said());
    CHECK_MESSAGE(good.sink.errors() == 0, code, "\n", good.said());
    CHECK_MESSAGE(bad.says(rule.kind), code, " is not in\n", bad.said());
    for (const Diagnostic& one : bad.report.findings) {
      CHECK_MESSAGE(one.kind == rule.kind, code, "\n", bad.said());
      CHECK_MESSAGE(one.severity >= rule.level, code, " is graver than its level\n", bad.said());
    }
    CHECK_MESSAGE(good.report.findings.empty(), code, "\n", good.said());
  }
}

TEST_CASE("rules with a search have examples, and all have a reason to be") {
  for (const lint::Rule& rule : lint::rules()) {
    const std::string code = diag_code(rule.kind);
    CHECK_MESSAGE(!rule.why.empty(), code);
    CHECK_MESSAGE(rule.bad.empty() == rule.good.empty(), code);
    CHECK_MESSAGE((rule.find == nullptr || !rule.bad.empty()), code);
    CHECK_MESSAGE(lint::find_rule(rule.kind) == &rule, code);
    CHECK_MESSAGE(lint::find_rule(std::string_view(code)) == &rule, code, " is there twice");
  }
}

TEST_CASE("what needs workloads says nothing without them, and is counted") {
  const Linted bare("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n" + kSlip);
  CHECK_MESSAGE(bare.report.findings.empty(), bare.said());
  CHECK(bare.report.without_workloads > 0);
  CHECK(bare.report.without_services > 0);
  CHECK(Linted(policy(kSlip)).report.without_workloads == 0);
}

TEST_CASE("a slip is found with the fix for it, a stranger is a note") {
  const Linted slip(policy(kSlip));
  REQUIRE_MESSAGE(slip.report.findings.size() == 1, slip.said());
  const Diagnostic& found = slip.report.findings.front();
  CHECK(found.severity == Severity::Warning);
  REQUIRE(found.fix);
  CHECK(found.fix->replacement == "cart");
  CHECK(slip.sources.text(found.fix->span.file).substr(found.fix->span.begin, found.fix->span.end - found.fix->span.begin) == "catr");
  const Linted stranger(policy("  endpointSelector: {matchLabels: {app: warehouse}}\n  ingress:\n  - fromEntities: [cluster]\n"));
  REQUIRE_MESSAGE(stranger.report.findings.size() == 1, stranger.said());
  CHECK(stranger.report.findings.front().severity == Severity::Note);
}

TEST_CASE("codes are chosen by their beginnings, and ignoring wins") {
  CHECK(Linted(policy(kSlip), {{"NP033"}, {}}).says(DiagKind::SelectsNothing));
  CHECK(Linted(policy(kSlip), {{"NP0"}, {}}).says(DiagKind::SelectsNothing));
  CHECK_FALSE(Linted(policy(kSlip), {{"NP1"}, {}}).says(DiagKind::SelectsNothing));
  CHECK_FALSE(Linted(policy(kSlip), {{"NP033"}, {"NP03"}}).says(DiagKind::SelectsNothing));
  CHECK(lint::Choice{{"NP033", "NP9999"}, {}}.unknown() == "NP9999");
  CHECK(lint::Choice{{"NP03"}, {"NP1"}}.unknown().empty());
}

TEST_CASE("levels of one's own count in place of the rule's") {
  const auto with = [](std::initializer_list<const char*> chosen) {
    lint::Choice choice;
    for (const char* one : chosen) CHECK(lint::add_severity(one, choice.severities).empty());
    return Linted(policy(kSlip), choice);
  };
  CHECK(with({"NP033=error"}).report.count(Severity::Error) == 1);
  CHECK(with({"NP033=error", "NP033=note"}).report.count(Severity::Note) == 1);
  CHECK(with({"NP020=error"}).report.count(Severity::Warning) == 1);
  CHECK(with({"NP033=off"}).report.findings.empty());
  lint::Severities none;
  for (const auto& [wrong, said] : {std::pair{"NP033", "is not CODE=LEVEL"}, {"NP033=", "is no level"}, {"NP033=fatal", "is no level"}, {"NP33=off", "did you mean `NP033`"}, {"NP104=note", "always an error"}, {"x=off", "see `netpolc rules`"}})
    CHECK_MESSAGE(lint::add_severity(wrong, none).find(said) != std::string::npos, wrong);
  CHECK(none.empty());
}

TEST_CASE("suppressions keep quiet what they cover, with a reason") {
  const auto quiet = [](const std::string& text) {
    const Linted linted(text);
    CHECK_MESSAGE(linted.report.findings.empty(), linted.said());
    CHECK(linted.report.suppressed == 1);
  };
  quiet(policy(kSlip, "  annotations: {netpolc.io/ignore: \"NP033 comes later\"}\n"));
  quiet(policy(kSlip, "  annotations: {netpolc.io/ignore: \"NP020, NP033: comes later\"}\n"));
  const auto with = [](const std::string& from, const std::string& to) {
    std::string spec = kSlip;
    return spec.replace(spec.find(from), from.size(), to);
  };
  quiet(policy(with("app: catr", "app: catr  # netpolc:ignore NP033 comes later")));
  quiet(policy(with("      app", "      # netpolc:ignore NP033 comes later\n      app")));
  quiet(policy(with("  endpointSelector", "  # netpolc:ignore NP033 comes later\n  # in May\n  endpointSelector")));
  quiet("# netpolc:ignore NP033 comes later\n---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n" + kSlip + "---\n" + kPod);
}

TEST_CASE("suppressions without a reason, a code or anything to cover keep nothing quiet") {
  const auto loud = [](const std::string& text) {
    const Linted linted(text);
    CHECK_MESSAGE(linted.says(DiagKind::SelectsNothing), linted.said());
    CHECK_MESSAGE(linted.says(DiagKind::IgnoreWithoutReason), linted.said());
  };
  for (const char* words : {"NP033", "NP033 ", "comes later", "NP9999 comes later", ""})
    loud(policy(kSlip, std::string("  annotations: {netpolc.io/ignore: \"") + words + "\"}\n"));
  loud(policy(kSlip + "# netpolc:ignore NP033 comes later\n"));
  const Linted elsewhere(policy(kSlip + "  # netpolc:ignore NP033 comes later\n  egress:\n  - {}\n"));
  CHECK_MESSAGE(elsewhere.says(DiagKind::SelectsNothing), elsewhere.said());
  const Linted text(policy(kSlip + "  description: \"x # netpolc:ignore NP033\"\n"));
  CHECK_FALSE_MESSAGE(text.says(DiagKind::IgnoreWithoutReason), text.said());
}

TEST_CASE("NP010 stands in place of NP167 where workloads are known") {
  const std::string deny = "  endpointSelector: {}\n  egressDeny:\n  - toCIDR: [192.0.2.1/32]\n";
  const Linted known(policy(deny));
  CHECK(known.says(DiagKind::DenyOnlyCutsOff));
  CHECK_FALSE(known.says(DiagKind::DenyOnly));
  CHECK(Linted("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n" + deny).says(DiagKind::DenyOnly));
  CHECK_FALSE(Linted(policy("  endpointSelector: {}\n  egressDeny: [{toEntities: [all]}]\n")).says(DiagKind::DenyOnlyCutsOff));
  CHECK_FALSE(Linted(policy("  endpointSelector: {}\n  enableDefaultDeny: {egress: true}\n  egressDeny:\n  - toCIDR: [192.0.2.1/32]\n")).says(DiagKind::DenyOnlyCutsOff));
}

TEST_CASE("a namespace with a slip in it is a slip, not another namespace") {
  const Linted linted(policy("  endpointSelector: {}\n  ingress:\n  - fromEndpoints:\n    - matchLabels: {app: cart, k8s:io.kubernetes.pod.namespace: shpo}\n"));
  REQUIRE_MESSAGE(linted.report.findings.size() == 1, linted.said());
  CHECK(linted.says(DiagKind::SelectsNothing));
  CHECK(linted.report.findings.front().label == "did you mean `shop`?");
}

TEST_CASE("toFQDNs without DNS rules are an error where the workloads are known, else a warning") {
  const std::string names = "  endpointSelector: {}\n  egress:\n  - toFQDNs: [{matchName: example.com}]\n";
  CHECK(Linted(policy(names)).report.count(Severity::Error) == 1);
  const Linted bare("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n" + names);
  CHECK(bare.report.count(Severity::Error) == 0);
  CHECK(bare.report.count(Severity::Warning) == 1);
}

TEST_CASE("what is not sure to be in the cluster is not said to be") {
  const std::string node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: outside, labels: {";
  const std::string address = "}}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.5}]}\n";
  const std::string spec = "  endpointSelector: {}\n  egress:\n  - toCIDR: [192.0.2.5/32]\n";
  CHECK(Linted(policy(spec) + node + address).says(DiagKind::CidrOfPodsOrNodes));
  CHECK_FALSE(Linted(policy(spec) + node + "cilium.io/no-schedule: \"true\"" + address).says(DiagKind::CidrOfPodsOrNodes));
}

TEST_CASE("toServices that means no service is an error where it opens ports, else a warning") {
  const std::string service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {selector: {app: cart}, ports: [{port: 80}]}\n";
  const std::string to = "  endpointSelector: {}\n  egress:\n  - toServices: [{k8sService: {serviceName: none}}]\n";
  CHECK(Linted(policy(to) + service).report.count(Severity::Error) == 0);
  CHECK(Linted(policy(to) + service).report.count(Severity::Warning) == 1);
  CHECK(Linted(policy(to + "    toPorts: [{ports: [{port: \"80\"}]}]\n") + service).report.count(Severity::Error) == 1);
  const auto of_namespace = [&](const std::string& ns) {
    return Linted(policy("  endpointSelector: {}\n  egress:\n  - toServices: [{k8sService: {serviceName: none, namespace: " + ns + "}}]\n") + service);
  };
  CHECK(of_namespace("shop").says(DiagKind::ServiceUnresolved));
  CHECK_FALSE(of_namespace("other").says(DiagKind::ServiceUnresolved));
}

TEST_CASE("a list that keeps out one peer, or one port, is not shadowed") {
  const std::string other = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: other, namespace: shop, labels: {app: other}}\nspec: {containers: []}\n";
  const auto shadowed = [&](const std::string& peers, const std::string& ports, const std::string& plain) {
    const std::string list = "toPorts: [{ports: [" + ports + "], rules: {http: [{method: GET}]}}]";
    return Linted(policy("  endpointSelector: {}\n  ingress:\n  - {" + peers + list + "}\n  - {" + plain + "}\n") + other).says(DiagKind::L7Shadowed);
  };
  const std::string one = "{port: \"80\", protocol: TCP}", two = one + ", {port: \"8080\", protocol: TCP}";
  const std::string pods = "fromEndpoints: [{}], ";
  CHECK(shadowed(pods, one, "fromEndpoints: [{}]"));
  CHECK(shadowed("", one, "fromEntities: [all]"));
  CHECK_FALSE(shadowed("", one, "fromEndpoints: [{}]"));  // the world is held to the list
  CHECK_FALSE(shadowed(pods, one, "fromEndpoints: [{matchLabels: {app: cart}}]"));
  CHECK(shadowed(pods, two, "fromEndpoints: [{}]"));
  CHECK_FALSE(shadowed(pods, two, "fromEndpoints: [{}], toPorts: [{ports: [" + one + "]}]"));
}
