// runtime-loader/daemon/feed_protocol.h — the lines that come over the feed's socket and the answers to
// them (docs/daemon.md). No I/O.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime-loader/address_lines.h"
#include "runtime-loader/attachment.h"
#include "runtime-loader/endpoints.h"

namespace netpolc::loader::daemon {

inline constexpr std::size_t kLineLimit = 64u << 10;  // bytes, without its end

enum class FeedOp : std::uint8_t { Invalid, EndpointAdd, EndpointRemove, EndpointCheck, Address, Status, Ping };

struct FeedRequest {
  FeedOp op = FeedOp::Invalid;
  std::string name = "invalid";      // as it was said, for the figures
  nlohmann::ordered_json id;         // null: none was given
  std::string error;                 // Invalid: what is wrong
  AttachRequest endpoint;            // EndpointAdd
  EndpointKey key;                   // EndpointRemove, EndpointCheck
  bool any_netns = false;            // no `ifname` was given: the interface may be anywhere
  std::vector<AddressWord> address;  // Address: one
};

// Never fails: what can't be understood is Invalid.
FeedRequest parse_feed_line(const std::string& line);
FeedRequest invalid_line(const std::string& error);

// With the end of the line.
std::string answer(const FeedRequest& request, const nlohmann::ordered_json& fields);
std::string refusal(const FeedRequest& request, const std::string& code, const std::string& error);

}  // namespace netpolc::loader::daemon
