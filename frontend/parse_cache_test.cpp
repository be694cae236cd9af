// What a cache gives is what a parser gives: wherever the files stand among the others, and whatever was there before.
#include "frontend/parse_cache.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

using namespace netpolc;
using frontend::Node;
using frontend::ParseCache;

namespace {

std::string shown(Span span) { return std::to_string(span.file.value) + ":" + std::to_string(span.begin) + "-" + std::to_string(span.end); }

void print(const Node& node, std::string& out) {
  out += shown(node.span) + (node.plain ? " plain " : " ") + std::to_string(static_cast<int>(node.kind)) + " `" + node.text + "`(";
  for (const Node& item : node.items) print(item, out);
  for (const auto& [key, value] : node.entries) {
    print(key, out);
    out += "=";
    print(value, out);
  }
  out += ")";
}

// All that comes out of reading files, as text.
std::string said(const DiagSink& sink, const SourceManager& sources) {
  std::string out;
  for (const Diagnostic& one : sink.all()) out += render(one, sources);
  return out;
}

using Files = std::vector<std::pair<std::string, std::string>>;  // paths and texts

std::string parsed(const Files& files) {
  SourceManager sources;
  DiagSink sink;
  std::string out;
  for (const auto& [path, text] : files)
    for (const Node& document : frontend::parse_documents(sources.add(path, text), sources, sink)) print(document, out);
  return out + said(sink, sources);
}

std::string kept(ParseCache& cache, const Files& files) {
  SourceManager sources;
  DiagSink sink;
  std::string out;
  cache.begin();
  std::vector<std::pair<FileId, std::vector<const Node*>>> given;
  for (const auto& [path, text] : files) {
    const FileId file = sources.add(path, text);
    given.emplace_back(file, cache.documents(file, sources, sink));
    for (const Node* document : given.back().second) print(*document, out);
  }
  for (const auto& [file, documents] : given) CHECK(cache.kept(file) == documents);
  return out + said(sink, sources);
}

const std::string kGood = "a: [1, {b: c}]\n---\nd: e\n", kBad = "kind: Pod\nkind: Pod\n";

}  // namespace

TEST_CASE("what stays is not parsed again, and moves with its file and in it") {
  ParseCache cache;
  SourceManager first, second;
  DiagSink sink;
  cache.begin();
  const std::vector<const Node*> before = cache.documents(first.add("a.yaml", kGood), first, sink);
  REQUIRE(before.size() == 2);
  const Node* moved = &before[1]->entries[0].second;
  cache.begin();
  second.add("b.yaml", "x: y\n");
  const FileId file = second.add("a.yaml", "longer: than before\n---\nd: e\n");
  const auto after = cache.documents(file, second, sink);
  REQUIRE(after.size() == 2);
  CHECK(&after[1]->entries[0].second == moved);  // the same node
  CHECK(second.text(file).substr(moved->span.begin, 1) == "e");
  CHECK(moved->span.file == file);
}

TEST_CASE("other texts, files in another order, twice or not at all") {
  ParseCache cache;
  for (const Files& files : {Files{{"a", kGood}, {"b", kBad}}, {{"b", kBad}, {"a", kGood}}, {{"a", kGood}, {"a", kGood}, {"a", kBad}}, {{"a", kBad}}, {{"a", kBad + "---\n" + kGood}}, {{"a", kGood + "---\n" + kBad}},
                             {{"b", kGood}}, {}, {{"a", "a: [\n"}}, {{"a", ""}}, {{"a", "{\"a\": 1}\n{\"b\": 2}\n"}}, {{"a", "\xEF\xBB\xBF---\nd: e\n---\nd: e\n"}}})
    CHECK(kept(cache, files) == parsed(files));
}

// NETPOLC_CASES: how many.
TEST_CASE("random texts, changed a little and a little more") {
  const char* asked = std::getenv("NETPOLC_CASES");
  std::mt19937 random(1);
  const std::vector<std::string> lines = {"---\n", "---\n", "---\n", "--- \n", "--- a\n", "--- |\n", "---\r\n", "---x\n", "...\n", "%YAML 1.2\n", "a: b\n", "c:\n", "d: [1, 2\n", "  ]\n", "e: \"x\n", "  y\"\n", "f: |\n", "  text\n", "  ---\n",
                                          "g: 'q\n", "'\n", "# c\n", "\n", "- 1\n", "-\n", "h: &x {y: z}\n", "i: *x\n", "j: {\n", "}\n", "? k\n", ": l\n", "\tm\n", "n: o # p\n", "\r\n", "q: ~\n", "{\n", "\"r\": s\n", "t", "--", "- - u\n", "!!str v\n", "w: >-\n", " x\n", "\xEF\xBB\xBF"};
  const auto line = [&] { return lines[random() % lines.size()]; };
  ParseCache cache;
  std::vector<std::string> texts[2];
  for (int i = asked != nullptr ? std::atoi(asked) : 4000; i > 0; --i) {
    auto& text = texts[random() % 2];
    const std::size_t at = text.empty() ? 0 : random() % text.size();
    if (text.size() > 12 || (random() % 3 == 0 && !text.empty())) text.erase(text.begin() + static_cast<std::ptrdiff_t>(at));
    else text.insert(text.begin() + static_cast<std::ptrdiff_t>(at), line());
    Files files;
    for (const auto& one : texts) {
      files.push_back({&one == &texts[0] ? "a" : "b", ""});
      for (const std::string& part : one) files.back().second += part;
    }
    REQUIRE_MESSAGE(kept(cache, files) == parsed(files), files[0].second, "~~~\n", files[1].second);
  }
}
