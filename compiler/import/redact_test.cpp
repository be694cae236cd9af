#include "compiler/import/redact.h"

#include <doctest/doctest.h>

#include "frontend/yaml/write.h"

using namespace netpolc;
using namespace netpolc::compiler::import;

namespace {

IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

int in_common(const IpAddress& a, const IpAddress& b) {
  int at = 0;
  while (at < a.bits() && (a.bytes[static_cast<std::size_t>(at / 8)] >> (7 - at % 8) & 1) == (b.bytes[static_cast<std::size_t>(at / 8)] >> (7 - at % 8) & 1)) ++at;
  return at;
}

std::string redacted(const std::string& text) {
  SourceManager sources;
  DiagSink sink;
  const auto loaded = frontend::load(std::vector<FileId>{sources.add("input.yaml", text)}, {}, sources, sink);
  REQUIRE(loaded.usable);
  auto kept = frontend::keep(sources, loaded);
  Redactor("key").redact(kept);
  std::string out;
  for (const auto& object : kept.objects) {
    CHECK_FALSE(object.text);
    out += frontend::to_yaml(object.node);
  }
  return out;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("addresses keep as many bits in common as they had, and which ranges they are in") {
  Redactor one("key"), other("another");
  const char* const all[] = {"8.8.8.8", "8.8.4.4", "9.0.0.1", "10.0.0.1", "10.0.0.2", "10.200.0.1", "81.82.83.84", "169.254.169.254", "172.16.0.1", "172.32.0.1", "192.168.1.1", "192.169.1.1", "203.0.113.7", "224.0.0.1", "2001:db8::1", "2001:db8::2", "fc00::1", "fe80::1", "2a01:4f8::1"};
  bool differ = false;
  for (const char* a : all) {
    const IpAddress renamed = one.address(ip(a), ip(a).bits());
    differ = differ || renamed != other.address(ip(a), ip(a).bits());
    for (const char* b : all)
      if (ip(a).v6 == ip(b).v6) CHECK(in_common(renamed, one.address(ip(b), ip(b).bits())) == in_common(ip(a), ip(b)));
    for (const char* range : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "224.0.0.0/4", "fc00::/7", "fe80::/10"}) {
      const auto prefix = IpPrefix::parse(range).value();
      CHECK(prefix.contains(ip(a)) == prefix.contains(renamed));
    }
  }
  CHECK(differ);
  CHECK(one.text("169.254.169.254") == "169.254.169.254");
  CHECK(one.text("0.0.0.0/0") == "0.0.0.0/0");
  const auto prefix = IpPrefix::parse(one.text("81.82.0.0/16")).value();
  CHECK(prefix.length == 16);
  CHECK(prefix.contains(ip(one.text("81.82.83.84"))));
  CHECK_FALSE(prefix.contains(ip(one.text("81.83.83.84"))));
}

TEST_CASE("names made of names are so still, and words that everybody has stay") {
  Redactor names("key");
  CHECK(names.text("cart-5d9c") == names.text("cart") + "-" + names.text("5d9c"));
  CHECK(names.text("api.example.org") == names.text("api") + "." + names.text("example.org"));
  CHECK(names.text("*.example.org") == "*." + names.text("example.org"));
  CHECK(names.text("kube-system") == "kube-system");
  CHECK(names.text("cart") != names.text("Cart"));
  CHECK(names.text("cart") != Redactor("another").text("cart"));
  CHECK(names.text("a-b-c.d-e-f.g-h-i.example.org", true).ends_with("." + names.text("example.org")));
  CHECK(names.text("a-b-c.d-e-f.g-h-i.example.org").size() <= 63);
  const std::string long_one(40, 'a');
  const std::string many = "a-b-c-d-e-f-g-h-i-j-k";
  CHECK(names.text(many).size() <= 63);
  CHECK(names.text(many) == names.text(many));
  CHECK(names.text(many + "." + long_one, true) == names.text(many) + "." + names.text(long_one));
}

TEST_CASE("labels whose keys are called like fields are labels, and codes stay without their reason") {
  const std::string out = redacted(
      "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: secretname, namespace: secretns, annotations: {netpolc.io/ignore: 'NP033, NP034 secretreason'}}\n"
      "spec:\n  description: secretwords\n  endpointSelector: {matchLabels: {type: secretone, path: secrettwo, kind: secretthree}}\n"
      "  egress: [{toServices: [{k8sServiceSelector: {selector: {matchLabels: {host: secretfour}}, namespace: secretns}}]}, {toPorts: [{ports: [{port: Secretport, protocol: TCP}]}]}]\n"
      "  ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /stays, headerMatches: [{name: X-Stays, value: stays}]}]}}]}]\n");
  CHECK_FALSE(has(out, "secret"));
  CHECK_FALSE(has(out, "Secret"));
  CHECK(has(out, "NP033 NP034 redacted"));
  for (const char* stays : {"type: r", "/stays", "X-Stays", "port: \"80\"", "protocol: TCP"}) CHECK_MESSAGE(has(out, stays), out);
  CHECK(has(out, "port: " + Redactor("key").text("secretport")));
}
