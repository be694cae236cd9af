#include "ir/certificate.h"

#include <doctest/doctest.h>

using namespace netpolc::ir;

TEST_CASE("rows have one text each, and no two the same") {
  CHECK(certified_text({}, 1) == "words 1\n");
  CHECK(certified_text({{301, {1, 1ull << 63}}, {7, {3, 0}}}, 2) ==
        "words 2\n7 0x0000000000000003 0x0000000000000000\n301 0x0000000000000001 0x8000000000000000\n");
  CHECK(certified_text({{7, {3}}}, 1) != certified_text({{7, {3, 0}}}, 2));
  CHECK(certified_text({}, 1) != certified_text({}, 2));
}

TEST_CASE("selectors have one text each, and no two that mean different things the same") {
  using Kind = Combination::Kind;
  const auto labels = [](std::string source, std::string key, Operator op, std::vector<std::string> values) {
    return condition(Selector{{{std::move(source), std::move(key), op, std::move(values)}}});
  };
  const auto web = labels("k8s", "app", Operator::In, {"web"});
  const std::vector<ConditionPtr> all = {
      combination(Kind::All, {}), combination(Kind::Any, {}), web, labels("k8s", "app", Operator::NotIn, {"web"}), labels("any", "app", Operator::In, {"web"}),
      labels("k8s", "app", Operator::In, {"we", "b"}), labels("k8s", "app 3:web", Operator::Exists, {}), combination(Kind::All, {web}), combination(Kind::Any, {web}),
      combination(Kind::None, {web}), combination(Kind::All, {web, combination(Kind::All, {web})}), combination(Kind::All, {web, web}),
      condition(FqdnPeer{"a.example", ""}), condition(FqdnPeer{"", "a.example"}), condition(NamedPort{"http", 80, Protocol::Tcp}), condition(NamedPort{"http", 80, Protocol::Udp})};
  for (std::size_t a = 0; a < all.size(); ++a)
    for (std::size_t b = 0; b < all.size(); ++b) CHECK((certified_text(std::vector{all[a]}) == certified_text(std::vector{all[b]})) == (a == b));
  CHECK(certified_text(std::vector{web, web}) != certified_text(std::vector{web}));
}
