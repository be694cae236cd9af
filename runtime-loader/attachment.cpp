#include "runtime-loader/attachment.h"

#include <net/if.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace netpolc::loader {
namespace {

Done check(const AttachRequest& request) {
  const auto slash = request.endpoint.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == request.endpoint.size())
    return bad_input("endpoint `" + request.endpoint + "`: expected `namespace/name`");
  if (request.ifname.empty() || request.ifname.size() >= IF_NAMESIZE || request.ifname.find('/') != std::string::npos)
    return bad_input("`" + request.ifname + "` is no name of an interface");
  return {};
}

Result<AttachRequest> parse_line(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return bad_input("expected a JSON object");
  AttachRequest request;
  for (const auto& [key, value] : json.items()) {
    if (key == "audit") {
      if (!value.is_boolean()) return bad_input("`audit`: expected true or false");
      request.audit = value.get<bool>();
      continue;
    }
    if (!value.is_string()) return bad_input("`" + key + "`: expected a string");
    const auto& text = value.get_ref<const std::string&>();
    if (key == "endpoint") {
      request.endpoint = text;
    } else if (key == "ifname") {
      request.ifname = text;
    } else if (key == "netns") {
      request.netns = text;
    } else if (key == "ipv4" || key == "ipv6") {
      if (text.empty()) continue;
      const auto address = Address::parse(text);
      if (!address || address->v6 != (key == "ipv6"))
        return bad_input("`" + key + "`: `" + text + "` is no such address");
      request.addresses.push_back(*address);
    } else {
      return bad_input("unknown field `" + key + "`");
    }
  }
  if (const Done done = check(request); !done) return tl::make_unexpected(done.error());
  return request;
}

}  // namespace

Result<AttachRequest> parse_attach_option(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return bad_input("`" + text + "`: expected `namespace/pod=IFNAME`");
  AttachRequest request;
  request.endpoint = text.substr(0, equals);
  request.ifname = text.substr(equals + 1);
  if (const Done done = check(request); !done) return tl::make_unexpected(done.error());
  return request;
}

Result<std::vector<AttachRequest>> parse_attach_lines(const std::string& text, const std::string& name) {
  std::vector<AttachRequest> requests;
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto request = parse_line(line);
    if (!request) return bad_input(name + ":" + std::to_string(number) + ": " + request.error().message);
    requests.push_back(std::move(*request));
  }
  return requests;
}

}  // namespace netpolc::loader
