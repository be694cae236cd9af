#include "compiler/assertions/read.h"

#include <algorithm>

#include "compiler/assertions/fields.h"
#include "compiler/assertions/read_test_item.h"
#include "frontend/policy/object.h"

namespace netpolc::compiler::assertions {

using frontend::policy::quote;

const char* to_string(Expect expect) {
  switch (expect) {
    case Expect::Allow: return "allow";
    case Expect::Deny: return "deny";
    case Expect::Some: return "some";
  }
  return "";
}

namespace {

constexpr const char* kKind = "ReachabilityTest";
constexpr const char* kVersion = "netpolc.dev/v1";

void read_document(const Node& node, const Fields& fields, std::string ns, File& out) {
  fields.known(node, {"apiVersion", "kind", "metadata", "tests"});
  if (const Node* metadata = fields.value(node, "metadata"); metadata != nullptr && fields.mapping(*metadata, "`metadata`")) {
    fields.text(*metadata, "name");
    if (auto own = fields.text(*metadata, "namespace")) ns = std::move(*own);
  }
  const Node* tests = fields.value(node, "tests");
  if (tests == nullptr) return fields.error(DiagKind::TestFieldMissing, {node.span.file, node.span.begin, node.span.begin}, "this ReachabilityTest has no `tests`", "`tests` is required");
  if (!tests->is_sequence()) return fields.error(DiagKind::TestFieldType, tests->span, "`tests` is not a list", "expected a list of tests");
  for (const Node& item : tests->items)
    if (fields.mapping(item, "a test")) out.tests.push_back(read_test_item(item, fields, ns));
}

std::string_view scalar(const Node& document, std::string_view key) {
  const Node* found = document.is_mapping() ? document.find(key) : nullptr;
  return found != nullptr && found->is_scalar() ? std::string_view(found->text) : std::string_view();
}

// netpolc-test.yaml, shop.netpolc-test.yaml, also .yml and .json.
bool is_called_so(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  for (const std::string_view ending : {"netpolc-test.yaml", "netpolc-test.yml", "netpolc-test.json"})
    if (name == ending || (name.ends_with(ending) && name[name.size() - ending.size() - 1] == '.')) return true;
  return false;
}

void read(FileId file, const SourceManager& sources, const Fields& fields, const std::string& ns, std::vector<File>& out) {
  const bool called_so = is_called_so(sources.path(file));
  if (!called_so && sources.text(file).find(kKind) == std::string_view::npos) return;
  DiagSink said_before;  // what is wrong with the text as such: the manifests' reader has said so
  const auto documents = frontend::parse_documents(file, sources, said_before);
  File tests{file, {}};
  bool some = false;
  for (const Node& document : documents) {
    const auto kind = scalar(document, "kind"), version = scalar(document, "apiVersion");
    if (kind == kKind && version == kVersion) {
      some = true;
      read_document(document, fields, ns, tests);
    } else if (kind == kKind && document.find("apiVersion") != nullptr && version.starts_with("netpolc.dev/")) {
      some = true;
      fields.error(DiagKind::TestKind, document.find("apiVersion")->span, "there is no version " + quote(version) + " of ReachabilityTest", std::string("expected `") + kVersion + "`", kVersion);
    } else if (called_so && version.starts_with("netpolc.dev/") && document.find("kind") != nullptr) {
      some = true;
      fields.error(DiagKind::TestKind, document.find("kind")->span, quote(kind) + " is no kind of assertions", std::string("expected `") + kKind + "`", kKind);
    }
  }
  if (called_so && !some) fields.error(DiagKind::TestKind, {file, 0, 0}, "this file is called as if it had tests, and has none", std::string("expected `apiVersion: ") + kVersion + "`, `kind: " + kKind + "`");
  if (!tests.tests.empty()) out.push_back(std::move(tests));
}

}  // namespace

std::vector<File> read(const SourceManager& sources, DiagSink& sink, const std::string& ns) {
  const Fields fields(sink);
  std::vector<File> out;
  for (std::uint32_t n = 0; n < sources.size(); ++n) read(FileId{n}, sources, fields, ns, out);
  return out;
}

}  // namespace netpolc::compiler::assertions
