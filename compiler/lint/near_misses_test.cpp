// What rules about names, requests and labels say, and what just does not concern them.
#include <doctest/doctest.h>

#include "compiler/lint/linted_for_tests.h"

using namespace netpolc;
using lint::Linted;

namespace {

std::string policy(const std::string& rules) {
  return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n  endpointSelector: {}\n" + rules;
}

}  // namespace

TEST_CASE("blocks of a NetworkPolicy's entry are one list, and those of two entries are not") {
  const auto linted = [](const std::string& rules) {
    return Linted("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n" + rules, {{"NP027"}, {}});
  };
  const std::string wide = "{ipBlock: {cidr: 10.0.0.0/8}}", narrow = "{ipBlock: {cidr: 10.1.0.0/16}}", pods = "{podSelector: {}}", except = "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}";
  const Linted found = linted("  - to: [" + wide + ", " + pods + ", " + narrow + "]\n");
  REQUIRE_MESSAGE(found.report.findings.size() == 1, found.said());
  CHECK(found.said().find("`10.1.0.0/16` lies in `10.0.0.0/8`") != std::string::npos);
  CHECK(found.report.findings.front().fix.has_value());
  CHECK(linted("  - to: [" + wide + "]\n  - to: [" + narrow + "]\n").report.findings.empty());
  CHECK(linted("  - to: [" + except + ", " + narrow + "]\n").report.findings.empty());
}

TEST_CASE("names of services that have other addresses at every look-up") {
  const auto found = [](const std::string& name) { return Linted(policy("  egress:\n  - toFQDNs: [{" + name + "}]\n")).says(DiagKind::ChangingAddresses); };
  for (const char* name : {"s3.amazonaws.com", "a.S3.eu-west-1.amazonaws.com.", "s3-eu-west-1.amazonaws.com", "a.s3.dualstack.us-east-2.amazonaws.com", "sns.eu-west-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn",
                           "storage.googleapis.com", "d111.cloudfront.net"})
    CHECK_MESSAGE(found("matchName: " + std::string(name)), name);
  for (const char* name : {"db.c1.eu-west-1.rds.amazonaws.com", "a.vpce-1.s3.eu-west-1.vpce.amazonaws.com", "lb-1.eu-west-1.elb.amazonaws.com", "amazonaws.com", "s3.amazonaws.com.example.com", "nots3.example.com",
                           "mys3.eu-west-1.amazonaws.com", "xgoogleapis.com", "googleapis.com"})
    CHECK_FALSE_MESSAGE(found("matchName: " + std::string(name)), name);
  for (const char* pattern : {"*.amazonaws.com", "*.eu-west-1.amazonaws.com", "*.*.amazonaws.com", "shop-*.s3.eu-west-1.amazonaws.com", "**.cloudfront.net"}) CHECK_MESSAGE(found("matchPattern: \"" + std::string(pattern) + "\""), pattern);
  for (const char* pattern : {"*", "*.com", "*.c1.eu-west-1.rds.amazonaws.com", "*.elb.amazonaws.com"}) CHECK_FALSE_MESSAGE(found("matchPattern: \"" + std::string(pattern) + "\""), pattern);
}

TEST_CASE("one finding for the names of an entry") {
  const Linted linted(policy("  egress:\n  - toFQDNs: [{matchName: example.com}, {matchName: sts.amazonaws.com}, {matchName: sns.amazonaws.com}, {matchPattern: '*.googleapis.com'}]\n"), {{"NP041"}, {}});
  REQUIRE_MESSAGE(linted.report.findings.size() == 1, linted.said());
  CHECK(linted.said().find("`sts.amazonaws.com` is STS of AWS") != std::string::npos);
  CHECK(linted.said().find("2 more names") != std::string::npos);
}

TEST_CASE("expressions for paths that leave no room for a query") {
  const auto found = [](const std::string& http) { return Linted(policy("  ingress:\n  - toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [" + http + "]}}]\n")).says(DiagKind::PathWithoutQuery); };
  for (const char* path : {"/items/[0-9]+", "/a*", "/(a|b)+/c", "/items/\\w{2,}", "(?i)/items/[a-z]+", "/a+\\$", "/a+\\\\\\$"}) CHECK_MESSAGE(found("{path: '" + std::string(path) + "'}"), path);
  for (const char* path : {"/items", "/(a|b)", "/items/[0-9]{2}", "/items/.*", "/items/[^/?]+", "/items/[^/]+", "/items/[0-9]+(\\?.*)?", "/items/[0-9]+$", "/a+\\\\$", ".*", ".+/items", "/items\\?id=[0-9]+", "items+"})
    CHECK_FALSE_MESSAGE(found("{path: '" + std::string(path) + "'}"), path);
  for (const char* method : {"GET", "HEAD", "GET|POST", ".*"}) CHECK_MESSAGE(found("{path: /a+, method: '" + std::string(method) + "'}"), method);
  for (const char* method : {"POST", "PUT|DELETE", "get"}) CHECK_FALSE_MESSAGE(found("{path: /a+, method: '" + std::string(method) + "'}"), method);
  CHECK_FALSE(found("{host: a, method: GET}"));
  CHECK_FALSE(found("{path: /a+}, {path: '/a+[?].*'}"));
  CHECK_FALSE(found("{path: /a+}, {method: GET}"));
  CHECK(found("{path: /a+}, {path: '/b+[?].*'}"));
}

TEST_CASE("server names are those of TCP") {
  const auto found = [](const std::string& ports) { return Linted(policy("  egress:\n  - toPorts: [{ports: [" + ports + "], serverNames: [a.example]}]\n")).says(DiagKind::ServerNamesNotTcp); };
  for (const char* ports : {"{port: \"443\"}", "{port: \"443\", protocol: ANY}", "{port: \"443\", protocol: UDP}", "{port: \"443\", protocol: TCP}, {port: \"443\", protocol: SCTP}"}) CHECK_MESSAGE(found(ports), ports);
  for (const char* ports : {"{port: \"443\", protocol: TCP}", "{port: \"443\", endPort: 444, protocol: TCP}", "{port: web}"}) CHECK_FALSE_MESSAGE(found(ports), ports);
}

TEST_CASE("a label with the key host is found where it is written, and only in the version with the fault") {
  const std::string any = policy("  ingress: [{}]\n");
  const auto linted = [&](const std::string& object, int version = 20) { return Linted(any + "---\n" + object, {{"NP590"}, {}}, {.version = version}); };
  const std::string pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, labels: {host: x}}\nspec: {containers: [{name: c, livenessProbe: {httpGet: {host: b, port: 1}}}]}\n";
  const std::string deployment = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: a, namespace: shop, labels: {host: of-the-deployment}}\n"
                                 "  spec:\n    selector: {matchLabels: {host: of-the-selector}}\n    template: {metadata: {labels: {host: of-the-pods}}, spec: {containers: []}}\n";
  CHECK(linted(pod).report.findings.size() == 1);
  CHECK_FALSE(linted(pod, 19).says(DiagKind::LabelKeyHost));
  const Linted of_pods = linted(deployment);
  REQUIRE_MESSAGE(of_pods.report.findings.size() == 1, of_pods.said());
  const Span where = *of_pods.report.findings.front().where;
  CHECK(of_pods.sources.text(where.file).substr(where.begin, 17) == "host: of-the-pods");
  CHECK_FALSE(linted("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, labels: {app: x}}\nspec: {hostNetwork: true, containers: []}\n").says(DiagKind::LabelKeyHost));
  CHECK_FALSE(linted("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: other, labels: {host: x}}\nspec: {containers: []}\n").says(DiagKind::LabelKeyHost));
}
