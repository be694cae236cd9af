#include "compiler/all_ports.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/exit_code.h"
#include "frontend/load.h"

namespace {

using namespace netpolc;

constexpr const char* kCluster = R"(
apiVersion: v1
kind: Namespace
metadata: {name: a}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: a, labels: {app: client}}
spec: {serviceAccountName: default, nodeName: n1, containers: [{name: c, image: i}]}
status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: a, labels: {app: server}}
spec: {serviceAccountName: default, nodeName: n1, containers: [{name: c, image: i, ports: [{name: web, containerPort: 8080}]}]}
status: {phase: Running, podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec:
  selector: {app: server}
  clusterIP: 10.96.0.7
  ports: [{name: http, port: 80, targetPort: web}, {name: admin, port: 81, targetPort: 9000}]
)";

// Pods that differ in name only, and one that differs in a label that some policies ask for.
constexpr const char* kMore = R"(
apiVersion: v1
kind: Pod
metadata: {name: client-2, namespace: a, labels: {app: client}}
spec: {nodeName: n2, containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client-3, namespace: a, labels: {app: client, tier: x}}
spec: {nodeName: n2, containers: [{name: c, image: i}]}
)";

struct Answer {
  std::string text;
  int code = 0;
  nlohmann::json json() const { return nlohmann::json::parse(text); }
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> out;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      out.push_back(nlohmann::json::parse(text.substr(at, end - at)));
      at = end + 1;
    }
    return out;
  }
};

// `rules`: of one policy in namespace a, as YAML below spec.
Answer ask(const std::string& rules, const std::string& from, const std::string& to, const std::string& output = "json", bool more = false, bool by_class = false) {
  SourceManager sources;
  DiagSink sink;
  std::vector<FileId> files{sources.add("cluster.yaml", kCluster)};
  if (more) files.push_back(sources.add("more.yaml", kMore));
  if (!rules.empty())
    files.push_back(sources.add("policy.yaml", "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n" + rules));
  const auto loaded = frontend::load(files, {}, sources, sink);
  INFO((sink.all().empty() ? "" : render(sink.all().front(), sources)));
  REQUIRE(loaded.usable);
  const ir::Resolutions resolutions;
  const ir::eval::World world{loaded.policies, loaded.cluster, resolutions};
  const ir::IdentityLock lock;
  verify::Judge judge(world, lock);
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  const int code = compiler::all_ports(from, to, output, judge, world, lock, file, by_class);
  std::fclose(file);
  Answer out{std::string(text, size), code};
  std::free(text);
  return out;
}

nlohmann::json allowed(const std::string& rules, const std::string& from = "a/client", const std::string& to = "a/server") {
  return ask(rules, from, to, "jsonl").lines().at(0).at("allowed");
}

constexpr const char* kServer = "  endpointSelector: {matchLabels: {app: server}}\n";

}  // namespace

TEST_CASE("everything is one entry, nothing is no line") {
  CHECK(allowed("") == nlohmann::json::parse(R"([{"protocol":"*","ports":"*"}])"));
  const auto none = ask(std::string(kServer) + "  ingress: [{}]\n", "a/client", "a/server", "jsonl");
  CHECK(none.text.empty());
  CHECK(none.code == compiler::kGood);
}

TEST_CASE("the line of the contract") {
  const auto answer = ask(std::string(kServer) +
                              "  ingress:\n  - toPorts:\n    - ports: [{port: '80', protocol: TCP}, {port: '443', protocol: TCP}, "
                              "{port: '8000', endPort: 8999, protocol: TCP}]\n",
                          "a/client", "a/server", "jsonl");
  CHECK(answer.text == "{\"from\":\"a/client\",\"to\":\"a/server\",\"allowed\":[{\"protocol\":\"TCP\",\"ports\":\"80,443,8000-8999\"}]}\n");
}

TEST_CASE("holes, every port of a protocol, types and all other protocols") {
  const auto all = allowed(std::string(kServer) + "  ingress: [{fromEntities: [all]}]\n  ingressDeny:\n  - toPorts: [{ports: [{port: '80', protocol: TCP}]}]\n");
  CHECK(all == nlohmann::json::parse(R"([{"protocol":"TCP","ports":"0-79,81-65535"},{"protocol":"UDP","ports":"*"},{"protocol":"SCTP","ports":"*"},
    {"protocol":"ICMP","ports":"*"},{"protocol":"ICMPv6","ports":"*"},{"protocol":"other","ports":"*"}])"));
  const auto echo = allowed(std::string(kServer) + "  ingress: [{icmps: [{fields: [{type: 8, family: IPv4}]}]}]\n");
  CHECK(echo == nlohmann::json::parse(R"([{"protocol":"ICMP","ports":"8"}])"));
}

TEST_CASE("traffic that a proxy looks into, or that asks for authentication, is marked") {
  const auto l7 = allowed(std::string(kServer) + "  ingress:\n  - toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /x}]}}]\n"
                                                 "  - toPorts: [{ports: [{port: '81', protocol: TCP}]}]\n");
  CHECK(l7 == nlohmann::json::parse(R"([{"protocol":"TCP","ports":"80","l7":"http"},{"protocol":"TCP","ports":"81"}])"));
  const auto auth = allowed(std::string(kServer) + "  ingress:\n  - authentication: {mode: required}\n    toPorts: [{ports: [{port: '80', protocol: TCP}]}]\n");
  CHECK(auth == nlohmann::json::parse(R"([{"protocol":"TCP","ports":"80","auth":"required"}])"));
}

TEST_CASE("a service is asked about on its target ports") {
  const std::string rules = std::string(kServer) + "  ingress:\n  - toPorts: [{ports: [{port: '8080', protocol: TCP}]}]\n";
  CHECK(allowed(rules, "a/client", "svc:a/web") == nlohmann::json::parse(R"([{"protocol":"TCP","ports":"8080"}])"));
  CHECK(ask(rules, "a/client", "svc:a/web").code == compiler::kNegative);       // 9000 is not allowed
  CHECK(ask(rules, "a/client", "svc:a/web:http").code == compiler::kGood);
  CHECK(ask(rules, "a/client", "svc:a/web:admin").json().at("verdict") == "DENIED");
  CHECK(ask(rules, "a/client", "ip:10.96.0.7").json().at("verdict") == "MIXED");
}

TEST_CASE("a pod sends everything to a node but what only nodes encapsulate, whatever policy says") {
  const auto but_overlay = nlohmann::json::parse(R"([{"protocol":"TCP","ports":"*"},{"protocol":"UDP","ports":"0-8471,8473-65535"},{"protocol":"SCTP","ports":"*"},
    {"protocol":"ICMP","ports":"*"},{"protocol":"ICMPv6","ports":"*"},{"protocol":"other","ports":"*"}])");
  const std::string rules = "  endpointSelector: {}\n  egress: [{toEntities: [all]}]\n";
  CHECK(allowed(rules, "a/client", "entity:remote-node") == but_overlay);
  CHECK(allowed("", "a/client", "entity:host") == but_overlay);
  CHECK(ask(rules, "a/client", "entity:remote-node").json().at("verdict") == "ALLOWED");  // policy allows all that it is asked about
  CHECK(allowed(rules, "a/client", "ip:198.51.100.7") == nlohmann::json::parse(R"([{"protocol":"*","ports":"*"}])"));
  CHECK(allowed(rules, "entity:remote-node", "a/client") == nlohmann::json::parse(R"([{"protocol":"*","ports":"*"}])"));
}

TEST_CASE("addresses, prefixes and entities") {
  const std::string rules = std::string(kServer) + "  ingress:\n  - fromCIDR: [198.51.100.0/24]\n    toPorts: [{ports: [{port: '443', protocol: TCP}]}]\n";
  CHECK(allowed(rules, "ip:198.51.100.7") == nlohmann::json::parse(R"([{"protocol":"TCP","ports":"443"}])"));
  CHECK(ask(rules, "ip:198.51.101.7", "a/server").json().at("verdict") == "DENIED");
  CHECK(ask(rules, "cidr:198.51.0.0/16", "a/server").json().at("verdict") == "MIXED");
  CHECK(allowed(rules, "entity:host") == nlohmann::json::parse(R"([{"protocol":"*","ports":"*"}])"));  // the own node always may
  CHECK(allowed(rules, "ip:10.0.0.2", "ip:10.0.0.1") == nlohmann::json::parse(R"([{"protocol":"*","ports":"*"}])"));
}

TEST_CASE("any is every workload and every external class, without what nobody decides") {
  const auto lines = ask(std::string(kServer) + "  ingress:\n  - fromCIDR: [198.51.100.0/24]\n    toPorts: [{ports: [{port: '443', protocol: TCP}]}]\n", "any", "any", "jsonl").lines();
  bool prefix = false;
  for (const auto& line : lines) {
    CHECK(line.at("from") != line.at("to"));
    CHECK((line.at("from").get<std::string>().starts_with("a/") || line.at("to").get<std::string>().starts_with("a/")));
    prefix |= line.at("from") == "cidr:198.51.100.0/24" && line.at("to") == "a/server" && line.at("allowed").at(0).at("ports") == "443";
  }
  CHECK(prefix);
}

namespace {

// Lines of pairs, from an answer by class; what classes say of one end and itself is left out.
std::set<std::string> expanded(const std::vector<nlohmann::json>& lines) {
  std::map<int, std::vector<std::string>> members;
  std::set<std::string> out;
  for (const auto& line : lines) {
    if (line.contains("class")) members[line.at("class")] = line.at("members");
    for (const auto& from : line.value("from", nlohmann::json::array()))
      for (const auto& to : line.at("to"))
        for (const auto& source : members.at(from))
          for (const auto& destination : members.at(to)) {
            auto pair = line;
            pair["from"] = source;
            pair["to"] = destination;
            if (source != destination) CHECK(out.insert(pair.dump()).second);
          }
  }
  return out;
}

}  // namespace

TEST_CASE("by class is the same as pair by pair, and shorter") {
  for (const std::string rules : {"", "  endpointSelector: {}\n  ingress: [{}]\n", "  endpointSelector: {matchLabels: {app: server}}\n  ingress: [{fromEndpoints: [{matchLabels: {tier: x}}]}]\n",
                                  "  endpointSelector: {matchLabels: {app: client}}\n  egress: [{toEndpoints: [{matchLabels: {app: client}}]}, {toCIDR: [198.51.100.0/24]}]\n",
                                  "  endpointSelector: {matchLabels: {app: server}}\n  ingress:\n"
                                  "  - toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /x}]}}]\n"
                                  "  - toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {l7proto: test, l7: [{k: v}]}}]\n"})
    for (const auto& [from, to] : {std::pair("any", "any"), std::pair("a/[app=client]", "any"), std::pair("a/client", "a/server")}) {
      const auto pairs = ask(rules, from, to, "jsonl", true), grouped = ask(rules, from, to, "jsonl", true, true);
      std::set<std::string> wanted;
      for (const auto& line : pairs.lines()) wanted.insert(line.dump());
      INFO(rules << from << " → " << to << "\n" << grouped.text);
      CHECK(expanded(grouped.lines()) == wanted);
      CHECK(grouped.code == pairs.code);
      CHECK(ask(rules, from, to, "json", true, true).json().at("verdict") == ask(rules, from, to, "json", true).json().at("verdict"));
    }
  const auto alike = ask("  endpointSelector: {}\n  ingress: [{}]\n", "a/[]", "a/[]", "jsonl", true, true).lines();
  CHECK(alike.at(0).at("members").size() == 4);
}

TEST_CASE("an endpoint whose policy cannot be computed is undecided, the others are answered") {
  const std::string rules = std::string(kServer) + "  ingress:\n"
                            "  - toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /x}]}}]\n"
                            "  - toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {l7proto: test, l7: [{k: v}]}}]\n";
  const auto one = ask(rules, "a/client", "a/server");
  CHECK(one.code == compiler::kUndecided);
  CHECK(one.json().at("verdict") == "UNDECIDED");
  CHECK(one.json().at("pairs").at(0).at("undecided").get<std::string>().starts_with("the policy of a/server cannot be computed"));
  const auto all = ask(rules, "any", "any", "jsonl");
  CHECK(all.code == compiler::kUndecided);
  bool answered = false;
  for (const auto& line : all.lines()) answered |= line.at("from") == "a/client" && line.contains("allowed");
  CHECK(answered);
}

TEST_CASE("text begins with the verdict") {
  const std::string rules = std::string(kServer) + "  ingress:\n  - toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /x}]}}]\n";
  CHECK(ask("", "a/client", "a/server", "text").text == "ALLOWED  a/client → a/server   all protocols and ports\n\n  a/client → a/server   everything\n");
  CHECK(ask(rules, "a/client", "a/server", "text").text ==
        "MIXED  a/client → a/server   all protocols and ports\n\n  a/client → a/server   TCP 80 (proxy: http)\n");
  const auto none = ask(std::string(kServer) + "  ingress: [{}]\n", "a/client", "a/server", "text");
  CHECK(none.text == "DENIED  a/client → a/server   all protocols and ports\n\n  a/client → a/server   nothing\n");
  CHECK(none.code == compiler::kNegative);
}

TEST_CASE("references that mean nothing are refused") {
  CHECK(ask("", "a/nobody", "a/server").code == compiler::kNoAnswer);
  CHECK(ask("", "", "a/server").code == compiler::kNoAnswer);
  const auto unknown = ask("", "a/client", "fqdn:nowhere.example");
  CHECK(unknown.code == compiler::kUndecided);
  CHECK(unknown.json().at("verdict") == "UNDECIDED");
}
