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
