#include "tools/bench/forwarding/frame.h"

namespace netpolc::forwarding_bench {
namespace {

constexpr std::uint32_t kClientSequence = 1000, kServerSequence = 5000;
constexpr std::size_t kIp = 14, kTcp = 34, kPayload = 54;
constexpr std::size_t kData = 10;  // so that a frame has 64 bytes

void put16(Frame& frame, std::size_t at, std::uint32_t value) {
  frame[at] = static_cast<std::uint8_t>(value >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(value);
}
void put32(Frame& frame, std::size_t at, std::uint32_t value) {
  put16(frame, at, value >> 16);
  put16(frame, at + 2, value & 0xffff);
}

std::uint32_t sum(const Frame& frame, std::size_t from, std::size_t to) {
  std::uint32_t out = 0;
  for (std::size_t i = from; i < to; i += 2) out += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
  return out;
}
std::uint32_t folded(std::uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

}  // namespace

Frame segment(const Flow& flow, bool from_client, std::uint8_t flags, bool data) {
  const std::size_t length = kPayload + (data ? kData : 0);
  Frame out(length);
  for (std::size_t i = 0; i < 6; ++i) out[i] = kNodeMac[i], out[6 + i] = kPodMac[i];
  put16(out, 12, 0x0800);
  out[kIp] = 0x45;
  put16(out, kIp + 2, static_cast<std::uint32_t>(length - kIp));
  out[kIp + 8] = 64;
  out[kIp + 9] = 6;
  const std::uint32_t client = client_address(flow.client);
  put32(out, kIp + 12, from_client ? client : kServerAddress);
  put32(out, kIp + 16, from_client ? kServerAddress : client);
  put16(out, kIp + 10, folded(sum(out, kIp, kTcp)));

  put16(out, kTcp, from_client ? flow.client_port : kServerPort);
  put16(out, kTcp + 2, from_client ? kServerPort : flow.client_port);
  const std::uint32_t own = from_client ? kClientSequence : kServerSequence, other = from_client ? kServerSequence : kClientSequence;
  put32(out, kTcp + 4, own + (flags & kSyn ? 0 : 1));
  if (flags & kAck) put32(out, kTcp + 8, other + 1);
  out[kTcp + 12] = 5 << 4;
  out[kTcp + 13] = flags;
  put16(out, kTcp + 14, 64000);
  const std::uint32_t pseudo = sum(out, kIp + 12, kTcp) + 6 + static_cast<std::uint32_t>(length - kTcp);
  put16(out, kTcp + 16, folded(pseudo + sum(out, kTcp, length)));
  return out;
}

}  // namespace netpolc::forwarding_bench
