// What is kept of single objects, and of the texts of policies; whole dumps are compared by tools/import_test.py.
#include <doctest/doctest.h>

#include "frontend/import/keep.h"
#include "frontend/yaml/write.h"

using namespace netpolc;
using namespace netpolc::frontend;

namespace {

Kept kept(const std::string& text, bool keep_going = false) {
  SourceManager sources;
  DiagSink sink;
  const std::vector<FileId> files{sources.add("input.yaml", text)};
  const Loaded loaded = load(files, {.keep_going = keep_going}, sources, sink);
  REQUIRE(loaded.usable);
  return keep(sources, loaded);
}

std::string policy(const std::string& metadata, const std::string& more = "") { return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:" + metadata + "spec: {endpointSelector: {}, ingress: [{}]}\n" + more; }

std::string text_of(const std::string& text) {
  const Kept out = kept(text);
  REQUIRE(out.objects.size() == 1);
  return out.objects.front().text.value_or("none");
}

bool survives(const std::string& text) {
  SourceManager sources;
  DiagSink sink;
  const auto before = parse_documents(sources.add("before", text), sources, sink);
  REQUIRE(before.size() == 1);
  const auto after = parse_documents(sources.add("after", to_yaml(before.front())), sources, sink);
  return sink.errors() == 0 && after.size() == 1 && same_tree(before.front(), after.front());
}

}  // namespace

TEST_CASE("what is written is read as it was") {
  for (const char* text : {"a: 1", "a: '1'", "a: yes", "a: 'yes'", "a: null", "a: 'null'", "a: ~", "a: ''", "a: \"x\\ny\\tz\\\"\\\\\"", "a: \"\\u0085\\u2028\\uFEFF\\x7f\"", "a: '# no comment'", "a: '- x'", "a: 'b: c'", "a: 0x1F", "a: 1e3", "'8080': x",
                           "[]", "{}", "[[], [a, [b]], {c: {d: [{e: f}, g]}}]", "{a: {}, b: [], c: {d: []}}", "a: äöü", "a: '*x'", "a: \"\\0\"", "'k8s:app': 'x=y'", "a: |\n  one\n  two\n", "a: .5", "a: -", "a: '2026-05-04'", "a: 12:30"}) {
    SourceManager sources;
    DiagSink sink;
    if (parse_documents(sources.add("x", text), sources, sink).size() == 1 && sink.errors() == 0) CHECK_MESSAGE(survives(text), text);
  }
}

TEST_CASE("a policy keeps its own text, but for fields that nobody reads") {
  const std::string plain = "# head\n" + policy(" {name: p, namespace: a}  # side\n", "# foot\n");
  CHECK(text_of(plain) == plain);
  CHECK(text_of(policy("\n  name: p\n  annotations:\n    a: |\n      SECRET\n    b: c  # SECRET\n  # stays\n  namespace: a\n")) == policy("\n  name: p\n  # stays\n  namespace: a\n"));
  CHECK(text_of(policy(" {name: p, uid: SECRET, namespace: a}\n")) == policy(" {name: p, namespace: a}\n"));
  CHECK(text_of(policy(" {uid: SECRET, name: p, namespace: a}\n")) == policy(" {name: p, namespace: a}\n"));
  CHECK(text_of(policy(" {name: p, namespace: a}\n", "status:\n  conditions: [{message: SECRET}]\n")) == policy(" {name: p, namespace: a}\n"));
  CHECK(text_of(policy(" {name: p, namespace: a, annotations: {netpolc.io/ignore: NP033 later, x: SECRET}}\n")) == policy(" {name: p, namespace: a, annotations: {netpolc.io/ignore: NP033 later}}\n"));
  CHECK(text_of("\xEF\xBB\xBF" + plain) == plain);
  // The alias would lead nowhere.
  CHECK(text_of("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {uid: &n p, name: *n, namespace: a}\nspec: {endpointSelector: {}, ingress: [{}]}\n") == "none");
}

TEST_CASE("comments go with their document") {
  const Kept out = kept("# first\n" + policy(" {name: p, namespace: a}\n") + "# end of the first\n---\n# second\n" + policy(" {name: q, namespace: a}\n"));
  REQUIRE(out.objects.size() == 2);
  CHECK(out.objects[0].text == "# first\n" + policy(" {name: p, namespace: a}\n") + "# end of the first\n");
  CHECK(out.objects[1].text == "# second\n" + policy(" {name: q, namespace: a}\n"));
}

TEST_CASE("a document that ends in a block text ends before the marker") {
  const std::string first = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {}\n  ingress: [{}]\n  description: |\n    words\n";
  const Kept out = kept(first + "---\n# second\n" + policy(" {name: q, namespace: a}\n"));
  REQUIRE(out.objects.size() == 2);
  CHECK(out.objects[0].text == first);
  CHECK(out.objects[1].text == "# second\n" + policy(" {name: q, namespace: a}\n"));
}

TEST_CASE("of two objects with one name the later counts, and a rejected policy takes the earlier one's place") {
  const Kept twice = kept(policy(" {name: p, namespace: a}\n") + "---\n" + policy(" {name: p, namespace: a, labels: {later: x}}\n"));
  REQUIRE(twice.objects.size() == 1);
  CHECK(twice.objects.front().node.find("metadata")->find("labels") != nullptr);
  const Kept rejected = kept(policy(" {name: p, namespace: a}\n") + "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {endpointSelector: {}, ingress: [{toPorts: 1}]}\n", true);
  CHECK(rejected.objects.empty());
  CHECK(rejected.rejected == 1);
}

TEST_CASE("items of typed lists say what they are, other kinds and finished pods are left out") {
  const Kept out = kept(
      "apiVersion: v1\nkind: PodList\nitems:\n"
      "- {metadata: {name: a, namespace: ns, labels: {app: x}}, spec: {containers: [{name: c, env: [{name: SECRET}]}]}}\n"
      "- {metadata: {name: b, namespace: ns}, status: {phase: Succeeded}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n");
  REQUIRE(out.objects.size() == 1);
  CHECK(out.other_kinds == 1);
  CHECK(to_yaml(out.objects.front().node) == "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: ns\n  labels:\n    app: x\n");
}

TEST_CASE("of a list the same is kept, in whatever way it is read") {
  const std::string items = R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ns", "annotations": {"x": "SECRET"}}, "spec": {"containers": [{"image": "SECRET"}, {"ports": [{"containerPort": 80, "name": "http"}], "env": []}], "volumes": [1]}, "status": {"conditions": [1]}},
    {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "namespace": "ns", "annotations": {"kubernetes.io/ingress.class": "cilium", "netpolc.io/ignore": "NP033 x", "y": "SECRET"}}, "spec": {"rules": []}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "ns", "annotations": {"y": "SECRET", "service.cilium.io/forwarding-mode": "dsr", "service.cilium.io/src-ranges-policy": "deny"}}, "spec": {"type": "LoadBalancer"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "ns"}, "spec": {"template": {"metadata": {"labels": {"env": "prod"}}, "spec": {"volumes": [], "containers": [{"name": "c", "image": "SECRET"}]}}}})";
  const auto shown = [](const Kept& all) {
    std::string out;
    for (const KeptObject& one : all.objects) out += to_yaml(one.node) + "---\n";
    return out;
  };
  const std::string in_pieces = shown(kept(R"({"apiVersion": "v1", "kind": "List", "items": [)" + items + "]}"));
  CHECK(in_pieces == shown(kept("apiVersion: v1\nkind: List\nitems: [" + items + "]\n")));
  CHECK_MESSAGE(in_pieces.find("SECRET") == std::string::npos, in_pieces);
  CHECK(in_pieces.find("env: prod") != std::string::npos);
  CHECK(in_pieces.find("kubernetes.io/ingress.class") != std::string::npos);
  CHECK(in_pieces.find("service.cilium.io/forwarding-mode: dsr") != std::string::npos);
  CHECK(in_pieces.find("service.cilium.io/src-ranges-policy: deny") != std::string::npos);
}
