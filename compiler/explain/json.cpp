#include "compiler/explain/json.h"

#include "compiler/answers.h"

namespace netpolc::explain {

std::string json_quoted(std::string_view text) {
  std::string out;
  compiler::append_json_string(out, text);
  return out;
}

JsonObject& JsonObject::raw(const char* name, std::string_view json) {
  if (out_.size() > 1) out_ += ",";
  ((out_ += json_quoted(name)) += ":") += json;
  return *this;
}

JsonObject& JsonObject::text(const char* name, std::string_view value) { return raw(name, json_quoted(value)); }
JsonObject& JsonObject::number(const char* name, std::size_t value) { return raw(name, std::to_string(value)); }
JsonObject& JsonObject::boolean(const char* name, bool value) { return raw(name, value ? "true" : "false"); }

JsonObject& JsonObject::list(const char* name, const std::vector<std::string>& json) {
  std::string out = "[";
  for (const std::string& one : json) out += (out.size() > 1 ? "," : "") + one;
  return raw(name, out + "]");
}

JsonObject& JsonObject::texts(const char* name, const std::vector<std::string>& values) {
  std::vector<std::string> all;
  for (const std::string& one : values) all.push_back(json_quoted(one));
  return list(name, all);
}

}  // namespace netpolc::explain
