// Assertion files: what is read, and what is refused with its place.
#include "compiler/assertions/read.h"

#include <doctest/doctest.h>

using namespace netpolc;
using namespace netpolc::compiler::assertions;

namespace {

struct Read {
  SourceManager sources;
  DiagSink sink;
  std::vector<File> files;
  explicit Read(const std::string& text, const std::string& path = "netpolc-test.yaml", const std::string& ns = "") {
    sources.add(path, text);
    files = read(sources, sink, ns);
  }
  // Of its items of `tests`.
  static Read tests(const std::string& items) { return Read("apiVersion: netpolc.dev/v1\nkind: ReachabilityTest\ntests:\n" + items); }
  const Test& test(std::size_t n = 0) const { return files.at(0).tests.at(n); }
  std::string said() const {
    std::string out;
    for (const Diagnostic& one : sink.all()) {
      const auto at = sources.locate(one.where->file, one.where->begin);
      out += std::to_string(at.line) + ":" + std::to_string(at.column) + " " + diag_code(one.kind) + (one.fix ? " fix " + one.fix->replacement : "") + "\n";
    }
    return out;
  }
};

}  // namespace

TEST_CASE("ends without a namespace are of the document's, else of the one that is asked for") {
  const auto text = [](const std::string& metadata) {
    return "apiVersion: netpolc.dev/v1\nkind: ReachabilityTest\n" + metadata +
           "tests:\n- {from: [x, b/y, '[k=v]', any, 'entity:world', 'ip:192.0.2.1'], to: {service: z}, port: 80, expect: deny}\n- {never: {from: '[k=v]', to: x}}\n- {forEach: {pods: {matchLabels: {k: v}}}, from: each, to: x, port: 1, expect: deny}\n";
  };
  const auto ends = [](const Read& read, std::size_t n) {
    std::string out;
    for (const Reference& one : read.test(n).from) out += one.text + " ";
    return out + read.test(n).to.front().end.text;
  };
  const Read of_file(text("metadata: {namespace: a}\n"), "netpolc-test.yaml", "other"), of_option(text(""), "netpolc-test.yaml", "other"), of_none(text(""));
  REQUIRE_MESSAGE(of_file.said().empty(), of_file.said());
  CHECK(ends(of_file, 0) == "a/x b/y a/[k=v] any entity:world ip:192.0.2.1 svc:a/z");
  CHECK(ends(of_file, 1) == "[k=v] a/x");  // all pods that could be, anywhere
  CHECK(ends(of_file, 2) == "each a/x");
  REQUIRE(of_option.said().empty());
  CHECK(ends(of_option, 0) == "other/x b/y other/[k=v] any entity:world ip:192.0.2.1 svc:other/z");
  CHECK_FALSE(of_none.said().empty());
}

TEST_CASE("a test says who, what and which way") {
  const auto read = Read::tests("- {name: one, from: [a/x, 'b/[k=v]'], to: {fqdn: n.example.com, port: 443/tcp}, expect: allow, allowVacuous: true}\n");
  REQUIRE(read.said().empty());
  const Test& test = read.test();
  CHECK(test.name == "one");
  REQUIRE(test.from.size() == 2);
  CHECK(test.from[1].text == "b/[k=v]");
  REQUIRE(test.to.size() == 1);
  CHECK(test.to[0].end.text == "fqdn:n.example.com");
  REQUIRE(test.to[0].traffic.size() == 1);
  CHECK(test.to[0].traffic[0].protocol == ir::Protocol::Tcp);
  CHECK(test.to[0].traffic[0].first == 443);
  CHECK(test.expect == Expect::Allow);
  CHECK(test.allow_vacuous);
}

TEST_CASE("ports have protocols, ranges and `any`") {
  const auto read = Read::tests("- {from: a/x, to: b/y, ports: [53, 80/TCP, 100-200], protocol: udp, expect: deny}\n- {from: a/x, to: b/y, port: any, expect: deny}\n- {from: a/x, to: b/y, expect: deny}\n- {from: a/x, to: b/y, icmp: EchoRequest, expect: deny}\n");
  REQUIRE(read.said().empty());
  const auto& ports = read.test(0).traffic;
  REQUIRE(ports.size() == 3);
  CHECK(ports[0].protocol == ir::Protocol::Udp);
  CHECK(ports[1].protocol == ir::Protocol::Tcp);
  CHECK(ports[2].last == 200);
  REQUIRE(read.test(1).traffic.size() == 1);
  CHECK(!read.test(1).traffic[0].protocol);
  CHECK(read.test(2).traffic.empty());
  CHECK(read.test(3).traffic[0].first == 8);
}

TEST_CASE("`never` is about pods that could be, and denies") {
  const auto read = Read::tests("- never: {from: '[app=x]', to: any, except: {to: ['[app=y]']}, withoutLabels: [host]}\n");
  REQUIRE(read.said().empty());
  CHECK(read.test().symbolic);
  CHECK(read.test().expect == Expect::Deny);
  CHECK(read.test().except_to.at(0).text == "[app=y]");
  CHECK(read.test().without.at(0) == "host");
  CHECK(read.test().name == "[app=x] never → any");
}

TEST_CASE("`only` allows, and says how far it goes") {
  for (const auto& [word, only] : {std::pair{"true", Only::Alike}, std::pair{"false", Only::No}, std::pair{"outside", Only::Outside}, std::pair{"everything", Only::Everything}}) {
    const auto read = Read::tests(std::string("- {from: a/x, to: b/y, port: 1, expect: allow, only: ") + word + "}\n");
    CHECK(read.said().empty());
    CHECK(read.test().only == only);
  }
}

TEST_CASE("requests are one, or expressions") {
  const auto one = Read::tests("- {from: a/x, to: b/y, port: 80, expect: allow, http: {path: /a.b, host: h.example, headers: {X-Y: z}}}\n");
  REQUIRE(one.said().empty());
  CHECK(one.test().request.http == "GET /a.b");
  CHECK(one.test().request.headers.at(0) == "X-Y: z");
  const auto some = Read::tests("- {from: a/x, to: b/y, port: 80, expect: deny, symbolic: true, http: {path: /a.*}}\n");
  REQUIRE(some.said().empty());
  CHECK(some.test().request.http == ".* /a.*");
  CHECK(Read::tests("- {from: a/x, to: b/y, port: 80, expect: deny, symbolic: true, http: {path: '/a('}}\n").said() == "4:77 NP454\n");
}

TEST_CASE("selectors of forEach are Kubernetes' own") {
  const auto read = Read::tests("- {forEach: {pods: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [e, d]}]}}, from: each, to: b/y, expect: deny}\n");
  REQUIRE(read.said().empty());
  const auto& pods = read.test().for_each->pods.requirements;
  REQUIRE(pods.size() == 2);
  CHECK(pods[1].op == ir::Operator::NotIn);
  CHECK(pods[1].values == std::vector<std::string>{"d", "e"});
  CHECK(Read::tests("- {forEach: {pods: {matchExpressions: [{key: c, operator: In}]}}, from: each, to: b/y, expect: deny}\n").said() == "4:59 NP453\n");
}

TEST_CASE("faults have places, and fixes where it is clear what was meant") {
  CHECK(Read::tests("- {from: a/x, to: b/y, port: 80, expekt: allow, expect: deny}\n").said() == "4:34 NP450\n");  // `expect` is there
  CHECK(Read::tests("- {from: a/x, to: b/y, prt: 80, expect: deny}\n").said() == "4:24 NP450 fix port\n");
  CHECK(Read::tests("- {from: a/x, to: b/y, prot: 80, expect: deny}\n").said() == "4:24 NP450\n");  // or `protocol`
  CHECK(Read::tests("- {from: a/x, to: b/y, port: 80, expekt: allow}\n").said() == "4:34 NP450 fix expect\n");  // and not that one is missing
  CHECK(Read::tests("- {from: a/x, to: b/y, port: 80, expect: alow}\n").said() == "4:42 NP454 fix allow\n");
  CHECK(Read::tests("- {from: x, to: b/y, port: 80, expect: deny}\n").said() == "4:10 NP454\n");
  CHECK(Read::tests("- {from: a/x, to: 'svc:b/y', ports: [1-2], expect: deny}\n").said() == "4:19 NP453\n");
  CHECK(Read::tests("- {from: each, to: b/y, expect: deny}\n").said() == "4:10 NP454\n");
  CHECK(Read::tests("- {from: a/x, to: b/y, expect: deny, withoutLabels: [host]}\n").said() == "4:38 NP453\n");
}

TEST_CASE("what is called a test must hold one; others may") {
  CHECK(Read("kind: ReachabilityTest\napiVersion: netpolc.dev/v1\ntests: []\n").said().empty());
  CHECK(Read("{}\n").said() == "1:1 NP455\n");
  CHECK(Read("{}\n", "shop.netpolc-test.yml").said() == "1:1 NP455\n");
  CHECK(Read("{}\n", "mynetpolc-test.yaml").said().empty());
  CHECK(Read("{}\n", "shop.yaml").said().empty());
  CHECK(Read("kind: ReachabilityTests\napiVersion: netpolc.dev/v1\n").said() == "1:7 NP455 fix ReachabilityTest\n");
  CHECK(Read("kind: ReachabilityTest\napiVersion: netpolc.dev/v2\n", "a.yaml").said() == "2:13 NP455 fix netpolc.dev/v1\n");
  CHECK(Read("kind: ReachabilityTest\napiVersion: example.com/v2\n", "a.yaml").said().empty());  // somebody else's
  CHECK(Read("apiVersion: netpolc.dev/v1\nkind: ReachabilityTest\ntests:\n- {from: a/x, to: b/y, expect: deny}\n", "tests/any.yaml").files.size() == 1);
}
