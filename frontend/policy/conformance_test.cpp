// What Cilium's own engine says of documents: invalid.json, the policies of the conformance
// scenarios, and the corpus.
#include "frontend/policy/test_data.h"

using namespace netpolc;
using namespace netpolc::frontend;
using namespace netpolc::frontend::testing;

namespace {

struct Judgement {
  bool accepted = false;
  std::size_t rules = 0;
  std::vector<std::string> unknown_fields;
  std::string said;
  bool placed = true;  // every diagnostic has a place within its file
};

Judgement judge(const std::string& document, const std::string& agent, int version) {
  Read read({agent, document}, {.lax = true, .cilium_version = version});
  Judgement out;
  out.accepted = read.sink.errors() == 0 && !read.loaded.results.empty() && read.loaded.results[0].accepted;
  for (const auto& result : read.loaded.results) {
    out.rules += result.rules;
    out.unknown_fields = result.unknown_fields;
  }
  std::sort(out.unknown_fields.begin(), out.unknown_fields.end());
  out.said = read.said();
  for (const auto& diagnostic : read.sink.all())
    out.placed &= diagnostic.where && diagnostic.where->begin <= diagnostic.where->end &&
                  diagnostic.where->end <= read.sources.text(diagnostic.where->file).size();
  return out;
}

void check_case(const Node& item, bool accepted, int version) {
  const auto id = text(item, "id");
  const auto seen = judge(text(item, "yaml"), configuration(item.find("config")), version);
  CHECK_MESSAGE(seen.accepted == accepted, id, " at 1.", version, ": ", text(item, "error"), "\n", seen.said);
  CHECK_MESSAGE(seen.placed, id);
  if (version == 18) CHECK_MESSAGE(seen.unknown_fields == strings(item.find("unknownFields")), id);
  // A policy with groups gives way to one that the operator makes: Cilium counts no rules of its own.
  const bool derived = text(item, "yaml").find("Groups:") != std::string::npos;
  if (version == 18 && accepted && !derived) CHECK_MESSAGE(std::to_string(seen.rules) == text(item, "rules"), id);
}

// The agent of 1.20 no longer checks NetworkPolicies, since the API server does; nor do we let
// pass what it refuses.
bool left_to_the_api_server(const std::string& id) {
  return id.starts_with("np/") && id != "np/ipblock-with-local-cluster-default";
}

}  // namespace

TEST_CASE("documents are accepted and rejected as Cilium 1.18 does") {
  const Vectors vectors;
  const Node file = read_json(vectors.path() / "invalid.json");
  const auto& cases = file.find("cases")->items;
  CHECK(cases.size() == 453);
  for (const Node& item : cases) check_case(item, truth(item, "accepted"), 18);
}

TEST_CASE("documents are accepted and rejected as Cilium 1.20 does") {
  const Vectors vectors;
  const Node file = read_json(vectors.path() / "invalid.json"), drift = read_json(vectors.path() / "drift-1.20.json");
  std::vector<std::pair<std::string, bool>> moved;
  for (const Node& item : drift.find("invalid")->items) moved.emplace_back(text(item, "id"), truth(item, "accepted"));
  CHECK(moved.size() > 40);
  for (const Node& item : file.find("cases")->items) {
    const auto id = text(item, "id");
    const auto found = std::find_if(moved.begin(), moved.end(), [&](const auto& m) { return m.first == id; });
    if (found != moved.end() && left_to_the_api_server(id)) continue;
    check_case(item, found == moved.end() ? truth(item, "accepted") : found->second, 20);
  }
}

TEST_CASE("policies of the scenarios give the rules and unknown fields that Cilium saw") {
  const Vectors vectors;
  std::size_t checked = 0;
  for (const auto& [folder, version] : {std::pair{"visible", 18}, std::pair{"visible-1.20", 20}}) {
    for (const auto& path : vectors.scenarios(folder)) {
      const Node file = read_json(path);
      for (const Node& scenario : file.find("scenarios")->items) {
        const auto& policies = scenario.find("policies")->items;
        const auto& results = scenario.find("policyResults")->items;
        REQUIRE(policies.size() == results.size());
        for (std::size_t i = 0; i < policies.size(); ++i) {
          const auto seen = judge(policies[i].text, configuration(scenario.find("config")), version);
          const auto where = text(scenario, "name") + " policy " + std::to_string(i);
          CHECK_MESSAGE(seen.accepted == truth(results[i], "accepted"), where, "\n", seen.said);
          // From 1.20 the engine counts what each rule becomes, not rules.
          if (version == 18 && text(results[i], "kind") != "CiliumCIDRGroup" && seen.accepted)
            CHECK_MESSAGE(std::to_string(seen.rules) == text(results[i], "rules"), where);
          CHECK_MESSAGE(seen.unknown_fields == strings(results[i].find("unknownFields")), where);
          ++checked;
        }
      }
    }
  }
  CHECK(checked > 2500);
}

namespace {

std::filesystem::path corpus_path(std::string file) {
  for (const auto& [from, to] : {std::pair{"examples/policies/", "examples/"}, std::pair{"cilium-cli/connectivity/builder/manifests/", "connectivity/"}}) {
    if (file.starts_with(from)) return std::filesystem::path(NETPOLC_TESTDATA "/corpus/cilium") / (to + file.substr(std::string(from).size()));
  }
  return file;
}

// The document number `index` of a file, by its separators.
std::string document(const std::string& all, std::size_t index) {
  std::size_t begin = 0;
  for (; index > 0; --index) begin = all.find("\n---", begin) + 4;
  return all.substr(begin, all.find("\n---", begin) - begin);
}

void check_document(const Node& item, int version) {
  const std::string suffix = version == 20 ? "120" : "";
  const auto where = text(item, "file") + " document " + text(item, "doc") + " at 1." + std::to_string(version);
  const auto yaml = document(read_text(corpus_path(text(item, "file"))), std::stoul(text(item, "doc")));
  const auto seen = judge(yaml, configuration(nullptr), version);
  CHECK_MESSAGE(seen.accepted == truth(item, "accepted" + suffix), where, "\n", seen.said);
  CHECK_MESSAGE(seen.unknown_fields == strings(item.find("unknownFields" + suffix)), where);
  if (version == 20) return;
  if (seen.accepted && text(item, "kind") != "CiliumCIDRGroup") CHECK_MESSAGE(std::to_string(seen.rules) == text(item, "rules"), where);
  if (!item.find("acceptedWithNodeSelectorLabels")) return;
  const auto with = judge(yaml, config("  enable-node-selector-labels: \"true\"\n"), version);
  CHECK_MESSAGE(with.accepted == truth(item, "acceptedWithNodeSelectorLabels"), where, "\n", with.said);
}

}  // namespace

TEST_CASE("the documents of the corpus are judged as Cilium judges them") {
  const Node file = read_json(std::filesystem::path(NETPOLC_TESTDATA) / "corpus/cilium/accepted.json");
  const auto& documents = file.find("documents")->items;
  CHECK(documents.size() == 159);
  for (const Node& item : documents) {
    check_document(item, 18);
    check_document(item, 20);
  }
}
