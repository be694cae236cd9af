#include "runtime-loader/refusal.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime-loader/json_field.h"
#include "runtime-loader/names.h"

namespace netpolc::loader {
namespace {

using Lines = std::set<std::uint64_t>;

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

Lines lines_that_read(const std::string& wanted, const std::string& source) {
  Lines out;
  std::uint64_t number = 1;
  for (std::size_t begin = 0; begin < source.size(); ++number) {
    const auto end = std::min(source.find('\n', begin), source.size());
    if (trimmed(source.substr(begin, end - begin)) == wanted) out.insert(number);
    begin = end + 1;
  }
  return out;
}

// "TEXT @ FILE.c:29" since Linux 6.9, only TEXT before.
Lines refused_lines(const std::string& at, const BundleProgram& program) {
  const auto place = at.rfind(" @ ");
  if (place == std::string::npos) return lines_that_read(trimmed(at), program.source);
  const auto colon = at.rfind(':');
  if (!at.substr(place, colon - place).ends_with(program.digest + ".c")) return {};
  std::uint64_t line = 0;
  std::from_chars(at.data() + colon + 1, at.data() + at.size(), line);
  return {line};
}

RuleOrigin origin(const JsonField& place) {
  return {place.at("kind").text(), place.at("namespace").text(), place.at("name").text(),      place.at("rule").text(),
          place.at("file").text(), place.at("line").number32(),  place.at("column").number32()};
}

}  // namespace

std::string policy_places(const std::string& message, const BundleProgram& program) {
  constexpr std::string_view kAt = "  at: ";
  const auto begin = message.rfind(kAt);
  if (begin == std::string::npos) return "";
  const Lines refused =
      refused_lines(message.substr(begin + kAt.size(), message.find('\n', begin) - begin - kAt.size()), program);
  std::set<std::string> places;
  try {
    const auto json = nlohmann::json::parse(program.source_map);
    JsonField(json).at("lines").each([&](const JsonField& line) {
      if (refused.contains(line.at("line").number()))
        line.at("places").each([&](const JsonField& place) { places.insert(to_string(origin(place))); });
    });
  } catch (const std::exception&) {
    return "";  // the complaint stands without it
  }
  std::string text;
  for (const std::string& place : places) text += "\n  policy: " + place;
  return text;
}

}  // namespace netpolc::loader
