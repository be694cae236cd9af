// tools/bench/forwarding/frame.h — the TCP segments of a flow as frames of 64 bytes. Pure.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace netpolc::forwarding_bench {

// Host byte order. Clients are numbered from 0, as the script that makes the namespaces does it.
constexpr std::uint32_t client_address(std::uint32_t client) { return 10u << 24 | 200u << 16 | (client / 200) << 8 | (client % 200 + 1); }
constexpr std::uint32_t kServerAddress = 10u << 24 | 201u << 16 | 1;
constexpr std::uint16_t kServerPort = 443;
// Of every veth: the node's end, the pod's end.
constexpr std::array<std::uint8_t, 6> kNodeMac = {2, 0, 0, 0, 0, 1}, kPodMac = {2, 0, 0, 0, 0, 2};

constexpr std::uint8_t kSyn = 2, kAck = 16;

struct Flow {
  std::uint32_t client = 0;
  std::uint16_t client_port = 0;
};

using Frame = std::vector<std::uint8_t>;
// What a pod sends to its node: from the client, or from the server. Sequence numbers are those of a
// handshake and of the first data after it, so that a connection tracker finds nothing to object to.
Frame segment(const Flow& flow, bool from_client, std::uint8_t flags, bool data);

}  // namespace netpolc::forwarding_bench
