#include "frontend/yaml/document.h"

#include <doctest/doctest.h>

using namespace netpolc;
using namespace netpolc::frontend;

namespace {

struct Parsed {
  SourceManager sources;
  DiagSink sink;
  FileId file;
  std::vector<Node> documents;

  explicit Parsed(std::string text) : file(sources.add("in.yaml", std::move(text))) {
    documents = parse_documents(file, sources, sink);
  }
  std::string_view source(const Span& span) const {
    return sources.text(file).substr(span.begin, span.end - span.begin);
  }
  std::string_view value_source(std::string_view key) const { return source(documents.at(0).find(key)->span); }
  bool refused(DiagKind kind) const { return sink.errors() == 1 && sink.all()[0].kind == kind; }
  std::string place() const {  // of the first diagnostic
    const LineColumn at = sources.locate(file, sink.all().at(0).where->begin);
    return std::to_string(at.line) + ":" + std::to_string(at.column);
  }
};

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// A tree as one line, to compare with.
std::string shown(const Node& node) {
  std::string out;
  switch (node.kind) {
    case NodeKind::Null:
      return "null";
    case NodeKind::Scalar:
      return node.plain ? node.text : "'" + node.text + "'";
    case NodeKind::Sequence:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + shown(item);
      return "[" + out + "]";
    case NodeKind::Mapping:
      for (const auto& [key, value] : node.entries) out += (out.empty() ? "" : ", ") + key.text + ": " + shown(value);
      return "{" + out + "}";
  }
  return out;
}

std::string shown(const Parsed& parsed) {
  std::string out;
  for (const Node& document : parsed.documents) out += (out.empty() ? "" : " | ") + shown(document);
  return out;
}

}  // namespace

TEST_CASE("spans cover exactly the text of a value") {
  const Parsed p(
      "plain: a b  # c\nmulti: one\n  two\nsingle: 'it''s'\ndouble: \"a\\\"b\"\nlit: |-\n  x\n  y\n\n"
      "flow: [ 1, {a: b}, ]  \nblock:\n  - x\n  - y: z\nkey: &a !!str t\nutf: {\xC3\xA9: \xC3\xA9\xC3\xA9}\n");
  REQUIRE(p.sink.errors() == 0);
  CHECK(p.value_source("plain") == "a b");
  CHECK(p.value_source("multi") == "one\n  two");
  CHECK(p.value_source("single") == "'it''s'");
  CHECK(p.value_source("double") == "\"a\\\"b\"");
  CHECK(p.value_source("lit") == "|-\n  x\n  y");
  CHECK(p.value_source("flow") == "[ 1, {a: b}, ]");
  CHECK(p.value_source("block") == "- x\n  - y: z");
  CHECK(p.value_source("key") == "t");
  CHECK(p.value_source("utf") == "{\xC3\xA9: \xC3\xA9\xC3\xA9}");
  CHECK(p.source(p.documents[0].find("utf")->entries[0].second.span) == "\xC3\xA9\xC3\xA9");
  CHECK(p.source(p.documents[0].entries[0].first.span) == "plain");
}

TEST_CASE("an empty value is where it would have been written") {
  const Parsed p("a:\nb: ~\nc:  # none\nd:\n  - x\n  -\n");
  CHECK(shown(p) == "{a: null, b: null, c: null, d: [x, null]}");
  CHECK(p.documents[0].find("a")->span == Span{p.file, 2, 2});
  CHECK(p.value_source("b") == "~");
  CHECK(p.documents[0].find("c")->span.begin == 10);
  CHECK(p.documents[0].find("d")->items[1].span.begin == 31);
}

TEST_CASE("a byte-order mark and CRLF do not move places") {
  const Parsed p("\xEF\xBB\xBF" "a: 1\r\nb: \"x\"\r\n");
  CHECK(shown(p) == "{a: 1, b: 'x'}");
  CHECK(p.value_source("a") == "1");
  CHECK(p.value_source("b") == "\"x\"");
}

TEST_CASE("documents: several, empty ones, comments, JSON among YAML") {
  CHECK(shown(Parsed("a: 1\n---\n---\n# c\n---\nnull\n...\n---\nb: 2\n")) == "{a: 1} | {b: 2}");
  CHECK(shown(Parsed("")) == "");
  CHECK(shown(Parsed("# only\n")) == "");
  CHECK(shown(Parsed("{\"a\":1}\n---\n{\"b\":2}\n")) == "{a: 1} | {b: 2}");
  CHECK(shown(Parsed("{\"a\":1}{\"b\":2}")) == "{a: 1} | {b: 2}");
  CHECK(shown(Parsed("%YAML 1.1\n---\na: 1\n")) == "{a: 1}");
}

TEST_CASE("JSON has places and the same tree as YAML") {
  const Parsed p(R"( {"a": [1, -2.5e3, true, null, "\u00e9\ud83d\ude00\n\/"], "b": {}, "c": "\ud800"} )");
  REQUIRE(p.sink.errors() == 0);
  CHECK(shown(p) == "{a: [1, -2.5e3, true, null, '\xC3\xA9\xF0\x9F\x98\x80\n/'], b: {}, c: '\xEF\xBF\xBD'}");
  CHECK(p.value_source("a") == R"([1, -2.5e3, true, null, "\u00e9\ud83d\ude00\n\/"])");
  CHECK(p.value_source("b") == "{}");
}

TEST_CASE("what begins like JSON may still be YAML") {
  CHECK(shown(Parsed("{a: b, 'c': [d, e,]}  # x\n")) == "{a: b, c: [d, e]}");
  CHECK(shown(Parsed("[a: b, {c}]\n")) == "[{a: b}, {c: null}]");
}

TEST_CASE("duplicate keys are refused with both places") {
  const Parsed p("a: 1\nb: {c: 1, \"c\": 2}\n");
  CHECK(p.refused(DiagKind::DuplicateKey));
  CHECK(p.place() == "2:11");
  REQUIRE(p.sink.all()[0].notes.size() == 1);
  CHECK(p.source(*p.sink.all()[0].notes[0].span) == "c");
  CHECK(p.documents.empty());
  CHECK(Parsed(R"({"a":1,"a":2})").refused(DiagKind::DuplicateKey));
  std::string large;
  for (int i = 0; i < 1000; ++i) large += "k" + std::to_string(i) + ": x\n";
  CHECK(Parsed(large).sink.errors() == 0);
  CHECK(Parsed(large + "k500: y\n").refused(DiagKind::DuplicateKey));
  CHECK(Parsed("a: 1\na: 2\n---\nb: 1\n").documents.size() == 1);  // goes on with the next document
}

TEST_CASE("many errors do not flood") {
  CHECK(Parsed("{" + repeated("a: 1, ", 5000) + "}").sink.errors() == 100);
}

TEST_CASE("aliases and merge keys are resolved") {
  CHECK(shown(Parsed("a: &x [1, 2]\nb: *x\nc: [*x]\n")) == "{a: [1, 2], b: [1, 2], c: [[1, 2]]}");
  CHECK(shown(Parsed("a: &x {p: 1, q: 2}\nb:\n  p: 9\n  <<: *x\n  r: 3\n")) ==
        "{a: {p: 1, q: 2}, b: {p: 9, r: 3, q: 2}}");
  CHECK(shown(Parsed("a: &a {p: 1}\nb: &b {p: 2, q: 3}\nc: {<<: [*a, *b]}\n")) ==
        "{a: {p: 1}, b: {p: 2, q: 3}, c: {p: 1, q: 3}}");
  CHECK(shown(Parsed("{\"<<\": {a: 1}}")) == "{<<: {a: 1}}");  // quoted: a key like others
  CHECK(Parsed("<<: 3\n").refused(DiagKind::BadMergeKey));
  CHECK(Parsed("<<: [{a: 1}, x]\n").refused(DiagKind::BadMergeKey));
  CHECK(Parsed("a: &a {p: 1}\nb:\n  <<: *a\n  <<: *a\n").refused(DiagKind::DuplicateKey));
  CHECK(Parsed("a: *nobody\n").refused(DiagKind::YamlSyntax));
  CHECK(Parsed("a: &a [*a]\n").refused(DiagKind::YamlSyntax));
  CHECK(Parsed("a: &a 1\n---\nb: *a\n").refused(DiagKind::YamlSyntax));  // anchors end with their document
}

TEST_CASE("aliases that multiply are stopped") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + repeated(", " + before, 9) + "]\n";
  }
  const Parsed p(bomb);
  CHECK(p.refused(DiagKind::AliasExpansion));
  CHECK(p.documents.empty());
  const std::string text = "a: &a " + std::string(1'000'000, 'x') + "\nb: [" + repeated("*a, ", 100'000) + "]\n";
  CHECK(Parsed(text).refused(DiagKind::AliasExpansion));  // long texts count as several nodes
}

TEST_CASE("nesting is bounded in every form, however long the text") {
  CHECK(Parsed(repeated("[", 200) + repeated("]", 200)).sink.errors() == 0);
  CHECK(Parsed(repeated("[", 201) + repeated("]", 201)).refused(DiagKind::NestingTooDeep));
  for (const char* opening : {"[", "{", "- ", "? ", "[a: ", "{\"a\":", "{a: [", "[[],", "- - ? "}) {
    for (const char* before : {"", "x: "}) {
      const Parsed p(std::string(before) + repeated(opening, 1'000'000));
      CHECK_MESSAGE(p.sink.errors() == 1, opening);
      CHECK(p.documents.empty());
    }
  }
  CHECK(Parsed("x: " + repeated("[", 3'000'000)).refused(DiagKind::NestingTooDeep));
  CHECK(Parsed("x: '" + repeated("[", 15'000) + "'").sink.errors() == 0);
}

TEST_CASE("tokens that never end a value are refused before they fill the memory") {
  CHECK(Parsed(repeated("*a ", 3'000'000)).refused(DiagKind::InputTooLarge));
  CHECK(Parsed(repeated("\"\"", 3'000'000)).sink.errors() == 1);
  CHECK(Parsed("[" + repeated("a,", 3'000'000)).sink.errors() == 1);
}

TEST_CASE("syntax errors have a place, and documents before them are kept") {
  const Parsed p("a: 1\n---\nb: [1,\n");
  CHECK(p.refused(DiagKind::YamlSyntax));
  CHECK(shown(p) == "{a: 1}");
  CHECK(p.place() == "4:1");
  const std::pair<const char*, const char*> cases[] = {
      {"a: b: c\n", "1:5"},         {"a: @x\n", "1:4"},         {"s:\n    x: 1\n  y: 2\n", "3:3"},
      {"a:\n\tb: c\n", "2:3"},      {"a: \"x\nb: c\n", "1:4"},  {"a: 'x\n", "1:4"},
      {"a: b\nfoo\n", "2:1"},       {"a:\n- b\n-c\n", "3:1"},   {"{a: b} c\n", "1:8"},
      {"? [a]\n: b\n", "1:3"},      {": b\n", "1:2"},           {"a: \"\\q\"\n", "1:7"},
      {"\xEF\xBB\xBF\xC3\xA9: @\n", "1:5"}, {", x\n", "1:1"},         {"---\n}\n", "2:1"},
  };
  for (const auto& [text, place] : cases) {
    const Parsed bad(text);
    CHECK_MESSAGE(bad.refused(DiagKind::YamlSyntax), text);
    CHECK_MESSAGE(bad.place() == place, text);
  }
  CHECK(Parsed("a:\n\tb: c\n").sink.all()[0].label == "this line is indented with a tab");
  CHECK(shown(Parsed("? a\n? b\n: c\n")) == "{a: null, b: c}");  // explicit keys need no colon
}

TEST_CASE("what is not UTF-8 text is refused") {
  const std::string cases[] = {std::string("a\0:\0", 4), "\xFF\xFE" "a", "a: \xC3\x28", "a: \xED\xA0\x80", "a: \xC0\xAF",
                               "a: \xF5\x80\x80\x80", "a: \xE2\x82", "a: \x01", "a: \x04\nb: c", std::string("a: \0b", 5)};
  for (const std::string& text : cases) {
    const Parsed p(text);
    CHECK(p.refused(DiagKind::YamlSyntax));
    CHECK(p.documents.empty());
  }
}

TEST_CASE("what is no text is found wherever it stands among others") {
  for (const std::string& bad : {std::string("\x01"), std::string("\x1f"), std::string("\x7f"), std::string(1, '\0'), std::string("\x80"), std::string("\xff"), std::string("\xc3")})
    for (std::size_t before = 3; before < 20; ++before)
      for (std::size_t behind = 0; behind < 10; ++behind) {
        const Parsed parsed("a: " + std::string(before - 3, '~') + bad + std::string(behind, ' '));
        CHECK_MESSAGE(parsed.refused(DiagKind::YamlSyntax), before << " " << behind);
        CHECK(parsed.place() == "1:" + std::to_string(before + 1));
      }
  for (std::size_t before = 0; before < 20; ++before) CHECK(Parsed("a: " + std::string(before, ' ') + "~!\t\xc3\xa4" + std::string(before, '~') + "\r\n").sink.errors() == 0);
}
