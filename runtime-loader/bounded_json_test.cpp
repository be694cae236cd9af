#include "runtime-loader/bounded_json.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

namespace {

std::string refusal(std::string_view text, const JsonBounds& bounds = {}) {
  const auto read = parse_bounded(text, "FILE", bounds);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == FailureKind::Input);
  return read.error().message;
}

}  // namespace

TEST_CASE("documents are read as nlohmann reads them") {
  for (const char* text : {"null", "7", "-3", "2.5", "\"a\"", "[]", "{}", R"({"a":[1,{"b":[[],{}]},"x",null,true,-9223372036854775808,18446744073709551615],"c":{"d":"e"}})", R"([[[1],[2]],[3]])"}) {
    CAPTURE(text);
    const auto read = parse_bounded(text, "FILE");
    REQUIRE(read);
    CHECK(*read == nlohmann::json::parse(text));
  }
}

TEST_CASE("what is out of bounds, or could be understood in two ways") {
  CHECK(refusal("") == "FILE: no JSON: at byte 1");
  CHECK(refusal("[1,") == "FILE: no JSON: at byte 4");
  CHECK(refusal("{} {}") == "FILE: no JSON: at byte 4");
  CHECK(refusal("[1e999]").starts_with("FILE: no JSON: at byte "));
  CHECK(refusal("\"\xff\"").starts_with("FILE: no JSON: at byte "));
  CHECK(refusal(R"({"a":1,"b":{"a":2},"a":3})") == "FILE: has `a` twice in one object");
  CHECK(refusal(R"({"a":[{"x":1,"x":1}]})") == "FILE: has `x` twice in one object");
  CHECK(refusal(R"({"\u001b[2J":1,"\u001b[2J":1})") == "FILE: has `?[2J` twice in one object");
  CHECK(refusal(R"(["a\u0000b"])") == "FILE: has a string with a zero byte");
  CHECK(refusal(R"({"a\u0000b":1})") == "FILE: has a string with a zero byte");
  CHECK(refusal("[[[1]]]", {.depth = 2}) == "FILE: is nested deeper than 2");
  CHECK(parse_bounded("[[[1]]]", "FILE", {.depth = 3}));
  CHECK(refusal("[1,2,3]", {.values = 3}) == "FILE: has more than 3 values");
  CHECK(refusal(R"(["abcd"])", {.string_bytes = 3}) == "FILE: has a string of 4 bytes");
  // a million brackets take no stack
  CHECK(refusal(std::string(1000000, '[')) == "FILE: is nested deeper than 64");
}
