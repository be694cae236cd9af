// Reading in pieces is reading: the same objects and the same words, of good texts and of broken ones.
#include "frontend/yaml/pieces.h"

#include <doctest/doctest.h>

#include <random>

#include "frontend/load.h"
#include "frontend/parse_cache.h"
#include "frontend/unread.h"
#include "frontend/yaml/pieces_for_tests.h"
#include "frontend/yaml/write.h"

using namespace netpolc;
using namespace netpolc::frontend;

namespace {

// Whether it was read in pieces; that it reads as always is checked.
bool in_pieces(const std::string& text) {
  SourceManager sources;
  bool out = false;
  const auto difference = difference_in_pieces(sources.add("in.json", text), sources, out);
  CHECK_MESSAGE(!difference, difference.value_or("") << " of\n" << text);
  return out;
}

std::size_t items_of(const std::string& text) {
  SourceManager sources;
  std::size_t out = 0;
  REQUIRE(read_in_pieces(sources.add("in.json", text), sources, [&](const Node&, const Items& items) { out += items.size(); }));
  return out;
}

std::string many(const std::string& before, std::size_t times, const std::function<std::string(std::size_t)>& one, const std::string& behind) {
  std::string out = before;
  for (std::size_t i = 0; i < times; ++i) out += (i == 0 ? "" : ",") + one(i);
  return out + behind;
}

// Everything that loading gives and says.
struct Outcome {
  std::string said;
  std::size_t endpoints = 0, policies = 0, results = 0, skipped = 0;
  bool usable = false;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome(const std::string& text, bool whole) {
  SourceManager sources;
  DiagSink sink;
  const std::vector<Input> inputs{{sources.add("dump.json", text), true}};
  ParseCache cache;  // reads files as a whole
  cache.begin();
  const LoadOptions options{.keep_going = true};
  const Loaded loaded = whole ? load(inputs, options, cache, sources, sink) : load(inputs, options, sources, sink);
  Outcome out{"", loaded.cluster.endpoints.size(), loaded.policies.policies.size(), loaded.results.size(), loaded.skipped_objects, loaded.usable};
  for (const Diagnostic& one : sink.all()) out.said += render(one, sources);
  return out;
}

const std::string kPod = R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "a", "labels": {"app": "web"}}, "spec": {"containers": []}})";
const std::string kBadPod = R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd", "namespace": "a", "labels": ["app"]}, "status": {"podIP": "10.0.0.256"}})";
const std::string kPolicy = R"({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "p", "namespace": "a"}, "spec": {"endpointSelector": {}, "ingress": [{}]}})";
const std::string kBadPolicy = R"({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "q", "namespace": "a"}, "spec": {"endpointSelector": {}, "ingres": [{}]}})";
const std::string kSecret = R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})";

std::string list(const std::string& items, const std::string& kind = "List") { return "{\n  \"apiVersion\": \"v1\",\n  \"items\": [" + items + "],\n  \"kind\": \"" + kind + "\"\n}\n"; }

}  // namespace

TEST_CASE("items of a list come one by one") {
  CHECK(items_of(list(kPod + ",\n " + kPolicy + " , " + kSecret)) == 3);
  CHECK(items_of(list("")) == 0);
  CHECK(items_of(list("1, null, [2, {\"items\": [3]}], \"x\"")) == 4);
  CHECK(items_of(list(kPod) + list(kPod + "," + kPod)) == 3);
  CHECK(items_of("\xEF\xBB\xBF" + list(kPod)) == 1);
  // No list of objects: all of it is in the document.
  CHECK(items_of(list(kPod, "Thing")) == 0);
  CHECK(items_of(R"({"kind": "List", "items": {"items": [1]}})") == 0);
  CHECK(items_of(R"([{"kind": "List", "items": [1]}])") == 0);
}

TEST_CASE("what is read in pieces reads as a whole") {
  for (const std::string& text : {list(kPod), list(kPod + "," + kPolicy), list("null"), list("[], {}"), list(kPod, "Thing"), list(kPod, "PodList"), std::string("{}null[]"), list(kPod) + "{\"kind\": 1}",
                                  std::string(R"({"kind": ["List"], "items": [1]})"), std::string(R"({"items": [{"a\"b\\": 1}], "kind": "List"})"), std::string(R"({"items": ["\u0041\n\ud83d\ude00"], "kind": "\u004cist"})")})
    CHECK_MESSAGE(in_pieces(text), text);
}

TEST_CASE("what has a fault, or may have one, is read as a whole") {
  for (const std::string& text : {std::string("a: 1"), list(kPod) + "x", list(kPod).substr(0, 40), list("{\"a\": 1, \"a\": 2}"), list("1, ]"), std::string("[\x01]"), std::string("[\"\xff\"]"), std::string("{a: 1}"), list(kPod + "} {"),
                                  std::string(R"({"kind": "List", "items": [1], "items": [2]})"), std::string(R"({"kind": "List", "items": [{"a": 1, "\u0061": 2}]})"), std::string(R"({"kind": "List", "it\u0065ms": [1]})")})
    CHECK_MESSAGE(!in_pieces(text), text);
  // Bounds: of nesting, and keys that are there twice in a large mapping.
  CHECK(in_pieces("{\"kind\": \"List\", \"items\": [" + std::string(198, '[') + std::string(198, ']') + "]}"));
  CHECK_FALSE(in_pieces("{\"kind\": \"List\", \"items\": [" + std::string(199, '[') + std::string(199, ']') + "]}"));
  const auto key = [](std::size_t i) { return "\"k" + std::to_string(i % 40) + "\": 1"; };
  for (const std::size_t keys : {15U, 16U, 17U, 18U, 40U}) CHECK(in_pieces(list(many("{", keys, key, "}"))));
  CHECK_FALSE(in_pieces(list(many("{", 41, key, "}"))));
  // The index of one mapping is none of the next one's.
  CHECK(in_pieces(list(many("{", 30, key, "}") + "," + many("{", 30, key, "}"))));
}

TEST_CASE("loading in pieces gives what loading the whole gives, and says it") {
  for (const std::string& text : {list(kPod + "," + kPolicy + "," + kSecret), list(kPod + "," + kPod), list(kBadPod + ",\n" + kPod), list(kBadPolicy + "," + kPolicy), list("1,null,{}," + kPod), list(kPod, "Thing"), list(kPod, "list"),
                                  list(R"({"metadata": {"name": "x"}, "spec": {}})", "PodList"), list(list(kPod) + "," + kPolicy), list("{\"a\": 1, \"a\": 2}," + kPod), list(kPod) + "x", std::string(R"({"kind": "List", "items": [1]})"),
                                  list(kPod) + list(kPod), std::string("[") + kPod + "]"}) {
    const Outcome pieces = outcome(text, false), whole = outcome(text, true);
    CHECK_MESSAGE(pieces == whole, pieces.said << "instead of\n" << whole.said << "of\n" << text);
  }
  CHECK(outcome(list(kBadPod + ",\n" + kPod), false).said.find("dump.json:3:") != std::string::npos);
}

TEST_CASE("lists in YAML lose what nobody reads, and nothing else") {
  const std::string pod = "- apiVersion: v1\n  kind: Pod\n  metadata: {name: web, namespace: a, labels: {app: web, image: x}, annotations: {big: SECRET}, managedFields: [1]}\n"
                          "  spec: {volumes: [], containers: [{name: c, image: SECRET, env: [{name: SECRET}], ports: [{containerPort: 80, name: http}]}]}\n  status: {podIP: 10.0.0.1, conditions: [SECRET]}\n";
  const std::string secret = "- {apiVersion: v1, kind: Secret, metadata: {name: s, uid: SECRET}, data: {a: SECRET}}\n";
  const std::string odd = "- {apiVersion: v1, kind: Pod, metadata: {name: odd, namespace: a, labels: [app]}, spec: {containers: {env: 1}}, status: {conditions: 1}}\n- {kind: Pod}\n- 1\n-\n- {apiVersion: v1, kind: Thing, metadata: 1}\n";
  const std::string policy = "- {apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: a, managedFields: [1]}, spec: {endpointSelector: {}, ingres: [{}]}, status: {conditions: 1}}\n";
  for (const std::string& items : {pod, secret, odd, policy, pod + secret + odd + policy + pod}) {
    const std::string text = "apiVersion: v1\nitems:\n" + items + "kind: List\n";
    const Outcome shrunk = outcome(text, false), whole = outcome(text, true);
    CHECK_MESSAGE(shrunk == whole, shrunk.said << "instead of\n" << whole.said << "of\n" << text);
  }
  const std::string kindless = "- metadata: {name: web, namespace: a, labels: {app: web}, managedFields: [1]}\n  spec: {nodeName: n, containers: [{name: c, image: x, ports: [{containerPort: 80, name: http}]}]}\n";
  for (const char* kind : {"PodList", "ThingList", "CiliumNetworkPolicyList", "List"})
    CHECK(outcome("apiVersion: v1\nitems:\n" + kindless + "kind: " + kind + "\n", false) == outcome("apiVersion: v1\nitems:\n" + kindless + "kind: " + kind + "\n", true));
  SourceManager sources;
  DiagSink sink;
  const auto lists = parse_documents(sources.add("z", "items:\n" + kindless + "kind: PodList\n"), sources, sink, drop_unread);
  REQUIRE(lists.size() == 1);
  CHECK(to_yaml(lists.front()).find("image") == std::string::npos);
  CHECK(to_yaml(lists.front()).find("managedFields") == std::string::npos);
  const auto documents = parse_documents(sources.add("x", "items:\n" + pod + secret + "- {image: SECRET}\nother:\n" + secret), sources, sink, drop_unread);
  REQUIRE(documents.size() == 1);
  const auto expected = parse_documents(sources.add("y",
        "items:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: web\n    namespace: a\n    labels:\n      app: web\n      image: x\n    annotations:\n      big: SECRET\n"
        "  spec:\n    containers:\n    - name: c\n      ports:\n      - containerPort: 80\n        name: http\n  status:\n    podIP: 10.0.0.1\n"
        "- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s\n- image: SECRET\nother:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s\n    uid: SECRET\n  data:\n    a: SECRET\n"), sources, sink);
  REQUIRE(expected.size() == 1);
  CHECK_MESSAGE(same_tree(documents.front(), expected.front()), to_yaml(documents.front()));
}

TEST_CASE("so it is of texts that are broken anywhere") {
  const std::string good = list(kPod + ",\n" + kBadPod + "," + kPolicy + ",{\"a\\\"\": [1.5e3, true, null, \"\\u00e9\"]}");
  const std::string bytes = "{}[]\",:\\ \n0e-.tnu#&*k\x80\x01";
  std::mt19937 random(5);
  std::size_t read = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = good;
    for (unsigned edits = 1 + random() % 2; edits != 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) text.erase(at, 1 + random() % 3);
      else if (random() % 2 == 0) text.insert(at, 1, bytes[random() % bytes.size()]);
      else text[at] = bytes[random() % bytes.size()];
    }
    read += in_pieces(text) ? 1 : 0;
    if (round % 20 == 0) CHECK(outcome(text, false) == outcome(text, true));
  }
  CHECK(read > 400);
  CHECK(read < 3600);
}
