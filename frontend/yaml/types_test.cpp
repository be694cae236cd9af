#include <doctest/doctest.h>

#include "frontend/yaml/document.h"

using namespace netpolc;
using namespace netpolc::frontend;

namespace {

Node value(const std::string& text) {
  SourceManager sources;
  DiagSink sink;
  const FileId file = sources.add("in.yaml", "v: " + text + "\n");
  auto documents = parse_documents(file, sources, sink);
  REQUIRE(sink.errors() == 0);
  return documents.at(0).entries.at(0).second;
}

std::string key(const std::string& text) {
  SourceManager sources;
  DiagSink sink;
  return parse_documents(sources.add("in.yaml", text + ": v\n"), sources, sink).at(0).entries.at(0).first.text;
}

}  // namespace

TEST_CASE("booleans are those of YAML 1.1, y and n included") {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"}) {
    CHECK_MESSAGE(value(text).is_bool(), text);
    CHECK(value(text).bool_value());
    CHECK_FALSE(value(text).is_string());
  }
  for (const char* text : {"false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF"}) {
    CHECK_MESSAGE(value(text).is_bool(), text);
    CHECK_FALSE(value(text).bool_value());
  }
  for (const char* text : {"tRUE", "oN", "ye", "\"y\"", "\"true\"", "'yes'", "!!str true", "|\n  true"}) {
    CHECK_MESSAGE(value(text).is_string(), text);
    CHECK_FALSE(value(text).is_bool());
  }
  CHECK(value("!!bool \"true\"").is_bool());
}

TEST_CASE("nulls") {
  for (const char* text : {"", "~", "null", "Null", "NULL", "!!null x"}) CHECK_MESSAGE(value(text).is_null(), text);
  for (const char* text : {"nULL", "\"null\"", "''", "!!str", "!!str null"}) CHECK_MESSAGE(value(text).is_string(), text);
}

TEST_CASE("integers in every notation") {
  const std::pair<const char*, long long> cases[] = {
      {"0", 0},          {"80", 80},        {"-1", -1},     {"+7", 7},       {"0x1F", 31},  {"-0x10", -16},
      {"0o17", 15},      {"017", 15},       {"0b101", 5},   {"1_000", 1000}, {"08", 8},     {"80.0", 80},
      {"1e3", 1000},     {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN},
  };
  for (const auto& [text, number] : cases) {
    const Node node = value(text);
    CHECK_MESSAGE(node.is_integer(), text);
    CHECK(node.is_number());
    CHECK_FALSE(node.is_string());
    CHECK_MESSAGE(node.integer_value() == number, text);
  }
  CHECK(value("9223372036854775808").is_integer());
  CHECK_FALSE(value("9223372036854775808").integer_value());
  CHECK_FALSE(value("99999999999999999999").integer_value());
}

TEST_CASE("other numbers") {
  for (const char* text : {"1.5", ".5", "-.5e-3", "1e-3", ".inf", "-.INF", ".nan", "1e400"}) {
    CHECK_MESSAGE(value(text).is_number(), text);
    CHECK_MESSAGE(!value(text).is_integer(), text);
    CHECK_FALSE(value(text).integer_value());
  }
}

TEST_CASE("strings that look like something else") {
  for (const char* text : {"1.2.3.4", "10.0.0.0/8", "2001-01-01", "12:30", "0x", "0xZZ", "+", ".", "1e", "_1", "..",
                           "\"80\"", "'0'", "!!str 80", "!own 80", "80/TCP", "1 2", "--1", "e3"}) {
    const Node node = value(text);
    CHECK_MESSAGE(node.is_string(), text);
    CHECK_FALSE(node.is_number());
    CHECK_FALSE(node.integer_value());
  }
}

TEST_CASE("keys are what JSON makes of them") {
  CHECK(key("on") == "true");
  CHECK(key("\"on\"") == "on");
  CHECK(key("0x10") == "16");
  CHECK(key("y") == "true");
  CHECK(key("1.2.3.4") == "1.2.3.4");
}
