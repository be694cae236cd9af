// frontend/policy/test_data.h — for the tests of the frontend alone: reading policies and the
// documents that Cilium's own engine has judged.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "frontend/load.h"
#include "frontend/yaml/document.h"
#include "ir/text/text.h"

namespace netpolc::frontend::testing {

struct Read {
  SourceManager sources;
  DiagSink sink;
  Loaded loaded;

  Read(const std::vector<std::string>& texts, LoadOptions options) {
    std::vector<FileId> files;
    for (const auto& text : texts) files.push_back(sources.add("in.yaml", text));
    loaded = load(files, options, sources, sink);
    // Whatever a test reads, the IR's text holds it.
    const std::string text = ir::print(loaded.policies);
    const auto back = ir::parse(text);
    REQUIRE_MESSAGE((back && ir::print(*back) == text), text);
  }
  explicit Read(const std::string& text, int version = 18) : Read(std::vector{text}, {.cilium_version = version}) {}

  std::string said() const {
    std::string out;
    for (const auto& diagnostic : sink.all()) out += render(diagnostic, sources);
    return out;
  }
  bool says(DiagKind kind) const {
    return std::any_of(sink.all().begin(), sink.all().end(), [&](const auto& d) { return d.kind == kind; });
  }
  // The text under the caret of the first diagnostic of this kind.
  std::string under(DiagKind kind) const {
    for (const auto& d : sink.all()) {
      if (d.kind == kind && d.where) return std::string(sources.text(d.where->file).substr(d.where->begin, d.where->end - d.where->begin));
    }
    return "(nothing of this kind)";
  }
};

// A policy of the most ordinary shape around a spec's lines, which are to be indented by two.
inline std::string cnp(const std::string& spec) {
  return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {}\n" + spec;
}
inline std::string ccnp(const std::string& spec) {
  return "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p}\nspec:\n" + spec;
}
inline std::string knp(const std::string& spec) {
  return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n" + spec;
}
inline std::string config(const std::string& data) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata:\n" + data;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in, path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

// JSON as a tree, through the reader under test.
inline Node read_json(const std::filesystem::path& path) {
  SourceManager sources;
  DiagSink sink;
  auto documents = parse_documents(sources.add(path.string(), read_text(path)), sources, sink);
  REQUIRE(documents.size() == 1);
  return std::move(documents[0]);
}
inline std::string text(const Node& object, std::string_view key) {
  const Node* found = object.find(key);
  return found && found->is_scalar() ? found->text : "";
}
inline bool truth(const Node& object, std::string_view key, bool otherwise = false) {
  const Node* found = object.find(key);
  return found && found->is_bool() ? found->bool_value() : otherwise;
}
inline std::vector<std::string> strings(const Node* list) {
  std::vector<std::string> out;
  if (list) {
    for (const Node& item : list->items) out.push_back(item.text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The agent's configuration, as a ConfigMap, of the `config` of a conformance case.
inline std::string configuration(const Node* given) {
  const Node none{};
  const Node& c = given && given->is_mapping() ? *given : none;
  const auto flag = [&](const char* name, const char* key, bool otherwise) {
    return std::string("  ") + name + ": \"" + (truth(c, key, otherwise) ? "true" : "false") + "\"\n";
  };
  const auto word = [&](const char* name, const char* key, const char* otherwise) {
    const auto value = text(c, key);
    return std::string("  ") + name + ": \"" + (value.empty() ? otherwise : value) + "\"\n";
  };
  std::string nodes;
  for (const auto& mode : strings(c.find("policyCIDRMatchMode"))) nodes += (nodes.empty() ? "" : ",") + mode;
  return config(word("cluster-name", "clusterName", "default") + word("enable-policy", "enforcement", "default") + flag("enable-ipv4", "ipv4", true) +
                flag("enable-ipv6", "ipv6", true) + flag("policy-default-local-cluster", "policyDefaultLocalCluster", false) +
                flag("enable-node-selector-labels", "nodeSelectorLabels", false) + flag("enable-host-firewall", "hostFirewall", false) +
                word("allow-localhost", "allowLocalhost", "auto") + "  policy-cidr-match-mode: \"" + nodes + "\"\n");
}

// The conformance vectors, unpacked for the time of a test.
class Vectors {
 public:
  Vectors() {
    std::string pattern = (std::filesystem::temp_directory_path() / "netpolc-frontend-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    const std::string command = "tar -C " + path_.string() + " -xJf " NETPOLC_TESTDATA "/conformance/vectors.tar.xz";
    REQUIRE(std::system(command.c_str()) == 0);
  }
  Vectors(const Vectors&) = delete;
  Vectors& operator=(const Vectors&) = delete;
  ~Vectors() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::filesystem::path> scenarios(const std::string& folder) const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_ / folder)) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace netpolc::frontend::testing
