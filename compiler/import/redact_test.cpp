#include "compiler/import/redact.h"

#include <doctest/doctest.h>

#include <set>

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
std::size_t count(const std::string& text, const std::string& part) {
  std::size_t out = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++out;
  return out;
}

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
  CHECK(names.text("a-b-c.d-e-f.g-h-i.example.org", Redactor::Form::Dns).ends_with("." + names.text("example.org")));
  CHECK(names.text("a-b-c.d-e-f.g-h-i.example.org").size() <= 63);
  const std::string long_one(40, 'a');
  const std::string many = "a-b-c-d-e-f-g-h-i-j-k";
  CHECK(names.text(many).size() <= 63);
  CHECK(names.text(many) == names.text(many));
  CHECK(names.text(many + "." + long_one, Redactor::Form::Dns) == names.text(many) + "." + names.text(long_one));
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
  CHECK(has(out, "port: " + Redactor("key").port("secretport")));
}

TEST_CASE("how a Service is reached stays as it is, words that have a meaning there and all") {
  const std::string out = redacted(
      "apiVersion: v1\nkind: Service\nmetadata: {name: secretname, namespace: secretns, annotations: {service.cilium.io/src-ranges-policy: deny, service.cilium.io/forwarding-mode: dsr}}\n"
      "spec: {type: LoadBalancer, externalTrafficPolicy: Local, internalTrafficPolicy: Local, loadBalancerSourceRanges: [203.0.113.0/24], selector: {app: secretapp}, ports: [{port: 80, nodePort: 30080}]}\n"
      "status: {loadBalancer: {ingress: [{ip: 198.51.100.80, ipMode: Proxy}]}}\n");
  for (const char* part : {"src-ranges-policy: deny", "forwarding-mode: dsr", "type: LoadBalancer", "externalTrafficPolicy: Local", "internalTrafficPolicy: Local", "nodePort: 30080", "ipMode: Proxy"}) CHECK_MESSAGE(has(out, part), out);
  for (const char* part : {"secret", "203.0.113", "198.51.100"}) CHECK_MESSAGE(!has(out, part), out);
}

TEST_CASE("labels called log or description are labels, and a rule's own words go") {
  const std::string out = redacted(
      "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\n"
      "spec:\n  description: secretwords\n  log: {value: secretlog}\n  endpointSelector: {matchLabels: {log: 'yes', description: short}}\n"
      "  egress: [{toServices: [{k8sServiceSelector: {selector: {matchLabels: {log: x}}, namespace: a}}]}]\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: a, labels: {log: 'yes', description: short}}\nspec: {containers: [{name: c}]}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {selector: {log: 'yes'}, ports: [{port: 80}]}\n");
  CHECK_FALSE(has(out, "secret"));
  Redactor names("key");
  CHECK(count(out, "log: " + names.text("yes")) == 3);
  CHECK(count(out, "log: " + names.text("x")) == 1);
  CHECK(count(out, "description: " + names.text("short")) == 2);
  CHECK(count(out, "description") == 2);
}

TEST_CASE("names of ports are names of ports afterwards, and equal ones equal") {
  Redactor names("key");
  for (const char* name : {"http-web", "a-b-c-d-e-f-g-h", "web", "HTTP-web", "80-tcp"}) {
    CHECK(names.port(name).size() <= 15);
    CHECK(names.port(name).find('-') == std::string::npos);
  }
  CHECK(names.port("HTTP-Web") == names.port("http-web"));
  CHECK(names.port("http-web") != names.port("httpweb"));
  const std::string out = redacted(
      "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: Http-web, protocol: TCP}, {port: '0x1_0', protocol: TCP}, {port: '0x50', protocol: TCP}]}]}]}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: a}\nspec: {containers: [{name: c, ports: [{containerPort: 80, name: http-web}]}]}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {ports: [{name: http-web, port: 80, targetPort: http-web}]}\n---\n"
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: a}\nspec: {defaultBackend: {service: {name: web, port: {name: http-web}}}}\n");
  CHECK_MESSAGE(count(out, names.port("http-web")) == 5, out);
  CHECK_MESSAGE(has(out, "0x1_0"), out);  // a number
  CHECK_MESSAGE(has(out, "port: " + names.port("0x50")), out);
}

TEST_CASE("of the configuration, of classes and of keys made of addresses and names nothing is given away") {
  const std::string out = redacted(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: secretns, annotations: {netpolc.io/ignore: 'NP033 secretreason'}}\ndata: {cluster-name: secretcluster}\n---\n"
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: a, annotations: {kubernetes.io/ingress.class: secretclass}}\nspec: {ingressClassName: secretclass, defaultBackend: {service: {name: web, port: {number: 80}}}}\n---\n"
      "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: j, namespace: a}\nspec: {ingressClassName: cilium, defaultBackend: {service: {name: web, port: {number: 80}}}}\n---\n"
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: a}\nspec: {gatewayClassName: secretclass}\n---\n"
      "apiVersion: cilium.io/v2alpha1\nkind: CiliumCIDRGroup\nmetadata: {name: secretgroup}\nspec: {externalCIDRs: [81.82.83.0/24]}\n---\n"
      "apiVersion: cilium.io/v2\nkind: CiliumEndpoint\nmetadata: {name: e, namespace: a}\nstatus: {identity: {id: 7, labels: ['cidr:81.82.83.0/24', 'cidr:2a01-4f8--0/32=', 'k8s:app=secretapp']}, networking: {addressing: [{ipv4: 10.0.0.1}]}}\n---\n"
      "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {}\n"
      "  ingress: [{fromEndpoints: [{matchLabels: {'cidr:81.82.83.0/24': ''}}, {matchExpressions: [{key: 'cidr:2a01-4f8--0/32', operator: Exists}]}]}]\n"
      "  egress: [{toEndpoints: [{matchExpressions: [{key: 'fqdn:Secret.example.com', operator: Exists}, {key: 'cidrgroup:io.cilium.policy.cidrgroupname/secretgroup', operator: DoesNotExist}]}]}]\n");
  for (const char* gone : {"secret", "Secret", "81.82.83", "2a01", "4f8"}) CHECK_MESSAGE(!has(out, gone), out);
  CHECK(has(out, "name: cilium-config"));
  CHECK(has(out, "NP033 redacted"));
  CHECK(has(out, "ingressClassName: cilium\n"));
  Redactor names("key");
  CHECK(count(out, "cidr:" + names.text("81.82.83.0/24")) == 2);
  CHECK(has(out, "fqdn:" + names.text("secret.example.com", Redactor::Form::Dns)));
  CHECK(has(out, "cidrgroupname/" + names.text("secretgroup")));
}

TEST_CASE("a pod's name begins with its owner's, however long it grows") {
  Redactor names("key");
  const std::string owner = "my-very-long-service-name-for-prod-api";
  const std::string out = redacted(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + owner + ", namespace: a}\nspec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c}]}}}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: " + owner + "-7d9f-abcde, namespace: a, labels: {app: a, pod-template-hash: 7d9f}, ownerReferences: [{kind: ReplicaSet, name: " + owner + "-7d9f, controller: true}]}\nspec: {containers: [{name: c}]}\n---\n"
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: " + owner + ", namespace: a}\nspec: {template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c}]}}}\n---\n"
      "apiVersion: v1\nkind: Pod\nmetadata: {name: " + owner + "-x, namespace: a, labels: {app: b, job-name: " + owner + "}, ownerReferences: [{kind: Job, name: " + owner + ", controller: true}]}\nspec: {containers: [{name: c}]}\n");
  const std::string renamed = names.text(owner, Redactor::Form::Name);
  CHECK(renamed.size() > 63);
  CHECK_MESSAGE(count(out, renamed + "\n") == 1, out);
  CHECK_MESSAGE(count(out, renamed + "-" + names.text("7d9f") + "\n") == 1, out);
  CHECK_MESSAGE(count(out, "name: " + names.text(owner) + "\n") == 3, out);  // Jobs' names are labels, too
}

TEST_CASE("a pattern keeps its stars, however long it grows") {
  Redactor names("key");
  for (const std::string pattern : {"*-a-b-c-d-e-f-g-h-i-j-k.example.org", "a-b-c-d-e-f-g-h-i*j-k-l-m.example.org", "**.a-b-c-d-e-f-g-h-i-j-*"})
    CHECK_MESSAGE(count(names.text(pattern, Redactor::Form::Dns), "*") == count(pattern, "*"), names.text(pattern, Redactor::Form::Dns));
}

TEST_CASE("DNS names of many parts stay names, different ones different, and their patterns match them") {
  Redactor names("key");
  const auto dns = [&](const std::string& name) { return names.text(name, Redactor::Form::Dns); };
  const auto repeated = [](const std::string& part, std::size_t times, const std::string& end) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += part + ".";
    return out + end;
  };
  const auto parts = [](const std::string& name) {
    std::vector<std::string> out(1);
    for (const char c : name) c == '.' ? void(out.emplace_back()) : void(out.back() += c);
    return out;
  };
  for (const std::string& name : {repeated("a", 127, "b"), repeated("ab", 84, "c"), repeated("a-b-c", 40, "example.com"), repeated("a-b-c-d-e-f", 20, "org"), repeated("abcdefgh", 27, "com"), repeated("a-b", 4, "org."), repeated("a-b-c-d-e-f--g", 4, ""), repeated(std::string(62, 'x'), 4, "a"),
                                  repeated("*", 20, repeated("a", 80, "b")), repeated("a*b", 60, "c"), repeated("a-*-b-*-c-*-d", 17, "c")}) {
    const std::string now = dns(name);
    CHECK_MESSAGE(now.size() <= 255, now);
    CHECK(parts(now).size() == parts(name).size());
    for (const std::string& part : parts(now)) CHECK(part.size() <= 63);
    CHECK(now.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.*") == std::string::npos);
    CHECK(count(now, "*") == count(name, "*"));
    CHECK_FALSE(now == name);
    // The same part is the same in every name of as many parts, and so in the pattern.
    const auto before = parts("*." + name.substr(name.find('.') + 1)), after = parts(dns("*." + name.substr(name.find('.') + 1)));
    for (std::size_t i = 1; i < after.size(); ++i) CHECK(after[i] == parts(now)[i]);
    CHECK(after.front() == "*");
  }
  std::set<std::string> seen;
  for (const char a : std::string("abcdefghijklmnopqrstuvwxyz0123456789-_")) {
    seen.insert(parts(dns(repeated(std::string(1, a), 100, "x"))).front());
    for (const char b : std::string("am9-")) seen.insert(parts(dns(repeated(std::string{a, b}, 80, "x"))).front());
  }
  CHECK(seen.size() == 38 + 38 * 4);
  CHECK(parts(dns(repeated("abc", 60, "x"))).front() != "abc");
  CHECK(dns(repeated("a", 100, "x")) != Redactor("another").text(repeated("a", 100, "x"), Redactor::Form::Dns));
}

TEST_CASE("a policy with a name of 34 parts is one still") {
  const std::string name = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  const std::string out = redacted("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {endpointSelector: {}, egress: [{toFQDNs: [{matchName: " + name + "}, {matchPattern: '*." + name.substr(2) + "'}]}]}\n");
  SourceManager sources;
  DiagSink sink;
  const auto loaded = frontend::load(std::vector<FileId>{sources.add("out.yaml", out)}, {}, sources, sink);
  CHECK_MESSAGE(loaded.usable, out);
  CHECK(loaded.policies.policies.size() == 1);
  CHECK_FALSE(has(out, "ip6"));
}

TEST_CASE("that a pattern for names of any depth may match others is said where names were shortened") {
  const auto warnings = [](const std::string& name, const std::string& pattern) {
    SourceManager sources;
    DiagSink sink;
    const std::string text = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {endpointSelector: {}, egress: [{toFQDNs: [{matchName: " + name + "}, {matchPattern: '" + pattern + "'}]}]}\n";
    const auto loaded = frontend::load(std::vector<FileId>{sources.add("input.yaml", text)}, {.cilium_version = 20}, sources, sink);
    REQUIRE(loaded.usable);
    auto kept = frontend::keep(sources, loaded);
    return Redactor("key").redact(kept).warnings.size();
  };
  const std::string many = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.example.com";
  // Of `**` it is said in any case that it stands for more than a part.
  CHECK(warnings(many, "**.example.com") == 2);
  CHECK(warnings("api.example.com", "**.example.com") == 1);
  CHECK(warnings(many, "*.example.com") == 0);
}
