#include "compiler/lists/table.h"

#include <doctest/doctest.h>

using namespace netpolc::compiler::lists;

TEST_CASE("columns are as wide as their widest text, and cells may have several lines or none") {
  const Table table{.header = {{"ID", "LABELS", "NOTE"}, {"", "MORE", ""}}, .rows = {{{"16777217"}, {"a", "bb"}, {"x"}}, {{"1"}, {}, {}}}};
  CHECK(to_text(table, true) ==
        "ID         LABELS   NOTE\n"
        "           MORE\n"
        "16777217   a        x\n"
        "           bb\n"
        "1\n");
  CHECK(to_text(table, false) ==
        "16777217   a        x\n"
        "           bb\n"
        "1\n");
  CHECK(to_text({.header = {{"ID", "LABELS"}}, .rows = {}}, true) == "ID   LABELS\n");
}

TEST_CASE("of many names some are shown, and never is one left out to say that one more is there") {
  std::vector<std::string> names(9, "n");
  CHECK(some_of(names) == names);
  names.emplace_back("n");
  REQUIRE(some_of(names).size() == 9);
  CHECK(some_of(names).back() == "and 2 more");
}
