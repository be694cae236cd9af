// compiler/explain/json.h — JSON text, field by field, in the order in which it is said.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netpolc::explain {

std::string json_quoted(std::string_view text);  // a JSON string

class JsonObject {
 public:
  JsonObject& raw(const char* name, std::string_view json);
  JsonObject& text(const char* name, std::string_view value);
  JsonObject& number(const char* name, std::size_t value);
  JsonObject& boolean(const char* name, bool value);
  JsonObject& list(const char* name, const std::vector<std::string>& json);  // of JSON values
  JsonObject& texts(const char* name, const std::vector<std::string>& values);
  std::string take() { return std::move(out_) + "}"; }

 private:
  std::string out_ = "{";
};

}  // namespace netpolc::explain
