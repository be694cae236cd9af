#include "ir/base/diagnostics.h"

#include <doctest/doctest.h>

#include <set>

using namespace netpolc;

namespace {

struct Fixture {
  SourceManager sources;
  FileId file;
  explicit Fixture(std::string text) : file(sources.add("policy.yaml", std::move(text))) {}

  Span span(std::string_view part) const {
    const auto begin = static_cast<std::uint32_t>(sources.text(file).find(part));
    return {file, begin, begin + static_cast<std::uint32_t>(part.size())};
  }
  std::string show(const Diagnostic& diagnostic) const { return render(diagnostic, sources); }
};

}  // namespace

TEST_CASE("a diagnostic has clang's shape") {
  const Fixture f("toPorts:\n- ports:\n  - port: \"80443\"\n");
  CHECK(f.show({.kind = DiagKind::YamlSyntax,
                .where = f.span("\"80443\""),
                .message = "port 80443 is out of range",
                .label = "ports are 0 to 65535",
                .notes = {{f.span("toPorts"), "in this `toPorts` entry"}, {std::nullopt, "no place"}},
                .fix = FixIt{f.span("80443"), "8443"}}) ==
        "policy.yaml:3:11: error[NP002]: port 80443 is out of range\n"
        "    3 |   - port: \"80443\"\n"
        "      |           ^~~~~~~ ports are 0 to 65535\n"
        "policy.yaml:1:1: note: in this `toPorts` entry\n"
        "note: no place\n"
        "policy.yaml:3:12: fix: replace with `8443`\n");
}

TEST_CASE("what Helm rendered says which template it is from") {
  const Fixture f("---\n# Source: shop/templates/a.yaml\na: 1\n---\n# Source: shop/templates/b.yaml\r\nb: 2\n---\nc: 3\n");
  const auto shown = [&](std::string_view what) { return f.show({.kind = DiagKind::YamlSyntax, .where = f.span(what), .message = "m"}); };
  CHECK(shown("a: 1").ends_with("note: rendered from shop/templates/a.yaml\n"));
  CHECK(shown("b: 2").ends_with("note: rendered from shop/templates/b.yaml\n"));
  CHECK(shown("c: 3").find("rendered") == std::string::npos);
  const Fixture odd("# Source: a\x1b[2Jb\nc: 3\n");
  CHECK(odd.show({.kind = DiagKind::YamlSyntax, .where = odd.span("c: 3"), .message = "m"}).find("rendered") == std::string::npos);
  const Fixture first("# Source: t.yaml\nc: 3\n");
  CHECK(first.show({.kind = DiagKind::YamlSyntax, .where = first.span("c: 3"), .message = "m"}).ends_with("rendered from t.yaml\n"));
}

TEST_CASE("only the first line of a span is underlined") {
  const Fixture f("a: one\n  two\n");
  CHECK(f.show({.kind = DiagKind::YamlSyntax, .where = f.span("one\n  two"), .message = "m"}) ==
        "policy.yaml:1:4: error[NP002]: m\n"
        "    1 | a: one\n"
        "      |    ^~~\n");
}

TEST_CASE("the caret stands below its character, whatever is before it") {
  const Fixture tab("\ta: x");
  CHECK(tab.show({.kind = DiagKind::YamlSyntax, .where = tab.span("x"), .message = "m"}).ends_with("| \t   ^\n"));
  const Fixture wide("\xC3\xA9\xC3\xA9: \xC3\xA9x");
  const std::string shown = wide.show({.kind = DiagKind::YamlSyntax, .where = wide.span("\xC3\xA9x"), .message = "m"});
  CHECK(shown.ends_with("|     ^~\n"));
}

TEST_CASE("a point, an end of file and a diagnostic without a place") {
  const Fixture f("a: [\n");
  CHECK(f.show({.kind = DiagKind::YamlSyntax, .where = Span{f.file, 5, 5}, .message = "m", .label = "here"}) ==
        "policy.yaml:2:1: error[NP002]: m\n"
        "    2 | \n"
        "      | ^ here\n");
  Diagnostic warning{.kind = DiagKind::FileUnreadable, .where = std::nullopt, .message = "m"};
  warning.severity = Severity::Warning;
  CHECK(f.show(warning) == "warning[NP001]: m\n");
}

TEST_CASE("long lines are cut and control characters cannot reach the terminal") {
  const Fixture f(std::string(5000, 'x') + "\033[31mHERE" + std::string(5000, 'y'));
  const std::string shown = f.show({.kind = DiagKind::YamlSyntax, .where = f.span("HERE"), .message = "m"});
  CHECK(shown.size() < 500);
  CHECK(shown.find("?[31mHERE") != std::string::npos);
  CHECK(shown.find('\033') == std::string::npos);
  CHECK(shown.find("^~~~\n") != std::string::npos);
}

TEST_CASE("colour is asked for") {
  const Fixture f("a");
  const Diagnostic diagnostic{.kind = DiagKind::YamlSyntax, .where = f.span("a"), .message = "m"};
  CHECK(render(diagnostic, f.sources, true).find("\033[1;31merror[NP002]") != std::string::npos);
}

TEST_CASE("fixes are named by what they do") {
  const Fixture f("ab");
  Diagnostic diagnostic{.kind = DiagKind::YamlSyntax, .where = f.span("ab"), .message = "m"};
  diagnostic.fix = FixIt{f.span("b"), ""};
  CHECK(f.show(diagnostic).ends_with("fix: remove this\n"));
  diagnostic.fix = FixIt{Span{f.file, 1, 1}, "x"};
  CHECK(f.show(diagnostic).ends_with("fix: insert `x`\n"));
}

TEST_CASE("the sink counts and sets severities") {
  DiagSink sink;
  sink.error({.kind = DiagKind::YamlSyntax, .where = {}, .message = "e"});
  sink.warning({.kind = DiagKind::YamlSyntax, .where = {}, .message = "w"});
  CHECK(sink.errors() == 1);
  CHECK(sink.warnings() == 1);
  CHECK(sink.all()[1].severity == Severity::Warning);
}

TEST_CASE("codes are unique and have names and summaries") {
  std::set<unsigned> codes;
#define NETPOLC_DIAG(name, code, summary)                \
  CHECK_MESSAGE(codes.insert(code).second, #name);       \
  CHECK(diag_name(DiagKind::name) == #name);             \
  CHECK(!diag_summary(DiagKind::name).empty());
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
  CHECK(diag_code(DiagKind::DuplicateKey) == "NP003");
}
