#include "compiler/selector_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "codegen-bpf/selectors.h"
#include "ir/certificate.h"

using namespace netpolc;
using compiler::selector_of;
using compiler::told_apart;
using Json = nlohmann::ordered_json;

TEST_CASE("what the compiler writes of a condition is read as that condition") {
  using Kind = ir::Combination::Kind;
  using Op = ir::Operator;
  const auto web = ir::condition(ir::Selector{{{"k8s", "app", Op::In, {"db", "web"}}, {"any", "tier", Op::DoesNotExist, {}}, {"k8s", "x", Op::NotIn, {"y"}}, {"cidr", "10.0.0.0/8", Op::Exists, {}}}});
  const auto inside = ir::condition(ir::InsidePrefix{*IpPrefix::parse("10.0.0.0/8")});
  ir::DirectionTable table;
  for (const ir::ConditionPtr& one :
       {ir::combination(Kind::All, {}), ir::combination(Kind::Any, {}), web, inside, ir::condition(ir::FqdnPeer{"a.example", ""}), ir::condition(ir::FqdnPeer{"", "*.example"}),
        ir::condition(ir::NamedPort{"http", 8080, ir::Protocol::Sctp}), ir::combination(Kind::All, {web, ir::combination(Kind::None, {inside})}), ir::combination(Kind::Any, {web, inside})})
    table.bits.push_back({"", {}, one});
  codegen_bpf::SelectorTable written;
  const Json numbers = written.numbers(table);
  for (std::size_t bit = 0; bit < table.bits.size(); ++bit)
    CHECK(ir::certified_text(std::vector{selector_of(written.all()[numbers[bit].get<std::size_t>()])}) == ir::certified_text(std::vector{table.bits[bit].condition}));
}

TEST_CASE("what is no selector is said to be none") {
  for (const char* text : {"1", "{}", R"({"some": []})", R"({"inside": "10"})", R"({"labels": [["k8s", "a", "is"]]})", R"({"all": [], "any": []})"})
    CHECK_THROWS_AS(selector_of(Json::parse(text)), compiler::BadSelector);
}

TEST_CASE("conditions that differ are told apart by a peer") {
  const auto apart = [](const char* one, const char* other) { return told_apart(*selector_of(Json::parse(one)), *selector_of(Json::parse(other))).value_or("not at all"); };
  CHECK(apart(R"({"labels": [["k8s", "app", "in", "web"]]})", R"({"labels": [["k8s", "app", "notIn", "web"]]})") == "a peer without labels");
  CHECK(apart(R"({"labels": [["k8s", "app", "in", "web"]]})", R"({"labels": [["k8s", "app", "in", "db"]]})") == "k8s:app=db");
  CHECK(apart(R"({"inside": "10.0.0.0/8"})", R"({"inside": "10.0.0.0/9"})") == "cidr:10.0.0.0/8");
  CHECK(apart("true", "false") == "a peer without labels");
  CHECK(apart(R"({"all": [true, {"name": "a.example"}]})", R"({"name": "a.example"})") == "not at all");
}
