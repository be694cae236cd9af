#include "runtime-loader/daemon/feed_protocol.h"

#include <map>

#include "runtime-loader/bounded_json.h"
#include "runtime-loader/daemon/directory.h"

namespace netpolc::loader::daemon {
namespace {

using Json = nlohmann::ordered_json;

const std::map<std::string, FeedOp>& operations() {
  static const std::map<std::string, FeedOp> all = {
      {"endpoint-add", FeedOp::EndpointAdd}, {"endpoint-remove", FeedOp::EndpointRemove}, {"endpoint-check", FeedOp::EndpointCheck},
      {"address-add", FeedOp::Address},      {"address-remove", FeedOp::Address},         {"status", FeedOp::Status},
      {"ping", FeedOp::Ping}};
  return all;
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? "" : found->get<std::string>();
}

Result<EndpointKey> key_of(const Json& json) {
  for (const auto& [name, value] : json.items()) {
    if (name != "endpoint" && name != "ifname" && name != "netns") return bad_input("unknown field `" + name + "`");
    if (!value.is_string()) return bad_input("`" + name + "`: expected a string");
  }
  EndpointKey key{text_of(json, "endpoint"), text_of(json, "ifname"), text_of(json, "netns")};
  if (key.endpoint.empty() && key.ifname.empty()) return bad_input("which one? give `endpoint`, `ifname` or both");
  return key;
}

// What is left of the line once `op` and `id` are taken out of it.
Done read(FeedRequest& request, const Json& rest) {
  switch (request.op) {
    case FeedOp::EndpointAdd: {
      std::size_t column = 0;
      auto endpoint = parse_endpoint(rest.dump(), column);
      if (!endpoint) return tl::make_unexpected(endpoint.error());
      request.endpoint = std::move(*endpoint);
      request.endpoint.origin = "feed";
      return {};
    }
    case FeedOp::EndpointRemove:
    case FeedOp::EndpointCheck: {
      auto key = key_of(rest);
      if (!key) return tl::make_unexpected(key.error());
      request.key = std::move(*key);
      request.any_netns = request.key.ifname.empty();
      return {};
    }
    case FeedOp::Address: {
      auto words = parse_address_lines(rest.dump(), "", request.name == "address-add");
      if (!words) {
        const std::string& message = words.error().message;
        return bad_input(message.starts_with(":1: ") ? message.substr(4) : message);
      }
      request.address = std::move(*words);
      return {};
    }
    case FeedOp::Status:
    case FeedOp::Ping:
      if (!rest.empty()) return bad_input("unknown field `" + rest.begin().key() + "`");
      return {};
    case FeedOp::Invalid: break;
  }
  return bad_input("unknown `op`");
}

void read_line(FeedRequest& request, const std::string& line) {
  // Flat: what is nested deeply costs more to throw away than to read.
  const auto read_json = parse_bounded(line, "", {.depth = 8});
  if (!read_json || !read_json->is_object()) {
    request.error = "expected a JSON object a line";
    return;
  }
  Json json = *read_json;
  if (const auto id = json.find("id"); id != json.end()) {
    if (!id->is_string() && !id->is_number()) {
      request.error = "`id`: expected a string or a number";
      return;
    }
    request.id = *id;
    json.erase("id");
  }
  const auto op = json.find("op");
  const auto known = op == json.end() || !op->is_string() ? operations().end() : operations().find(op->get_ref<const std::string&>());
  if (known == operations().end()) {
    request.error = "`op`: expected endpoint-add, endpoint-remove, endpoint-check, address-add, address-remove, status or ping";
    return;
  }
  json.erase("op");
  request.op = known->second;
  request.name = known->first;
  if (const Done done = read(request, json); !done) {
    request.op = FeedOp::Invalid;
    request.error = done.error().message;
  }
}

std::string dump(Json json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json begin(const FeedRequest& request) {
  Json json = Json::object();
  if (!request.id.is_null()) json["id"] = request.id;
  return json;
}

}  // namespace

FeedRequest parse_feed_line(const std::string& line) {
  FeedRequest request;
  read_line(request, line);
  return request;
}

FeedRequest invalid_line(const std::string& error) {
  FeedRequest request;
  request.error = error;
  return request;
}

std::string answer(const FeedRequest& request, const Json& fields) {
  Json json = begin(request);
  json["ok"] = true;
  json.update(fields);
  return dump(std::move(json));
}

std::string refusal(const FeedRequest& request, const std::string& code, const std::string& error) {
  Json json = begin(request);
  json["ok"] = false;
  json["code"] = code;
  json["error"] = error;
  return dump(std::move(json));
}

}  // namespace netpolc::loader::daemon
