#include "tools/sequences/wrongs.h"

namespace netpolc::sequences {
namespace {

using ir::flow::Decision;
using ir::flow::Firewall;

bool is_ipv4(const Frame& frame) { return frame.size() > 34 && frame[12] == 0x08 && frame[13] == 0x00; }
bool is_ipv6(const Frame& frame) { return frame.size() > 54 && frame[12] == 0x86 && frame[13] == 0xdd; }

Wrong setup(const char* name, std::function<void(Firewall&)> change) { return {.name = name, .setup = std::move(change), .frame = {}, .decision = {}}; }
Wrong decision(const char* name, std::function<void(Decision&)> change) { return {.name = name, .setup = {}, .frame = {}, .decision = std::move(change)}; }
Wrong frame(const char* name, std::function<void(Frame&)> change) { return {.name = name, .setup = {}, .frame = std::move(change), .decision = {}}; }

}  // namespace

std::vector<Wrong> wrongs() {
  return {
      {.name = "pods of a node share their flows", .setup = {}, .frame = {}, .decision = {}, .one_pod = true},
      {.name = "addresses never change", .setup = {}, .frame = {}, .decision = {}, .deaf = true},
      {.name = "whoever has the node's address is the node", .setup = {}, .frame = {}, .decision = {}, .gullible = true},
      setup("nodes are pods", [](Firewall& model) { model.is_node = false; }),
      setup("UDP flows live 40 seconds", [](Firewall& model) { model.lifetimes.other = 37; }),
      setup("established TCP lives a minute", [](Firewall& model) { model.lifetimes.tcp = model.lifetimes.tcp_new; }),
      setup("TCP without an answer lives as long as with one", [](Firewall& model) { model.lifetimes.tcp_new = model.lifetimes.tcp; }),
      setup("closed TCP lives a minute", [](Firewall& model) { model.lifetimes.closed = model.lifetimes.tcp_new; }),
      setup("first fragments are forgotten at once", [](Firewall& model) { model.lifetimes.fragments = 0; }),
      setup("sources aren't checked", [](Firewall& model) { model.pod.check4 = model.pod.check6 = false; }),
      setup("prefixes are nobody's", [](Firewall& model) {
        std::erase_if(model.world.addresses, [](const auto& one) { return one.first.length != one.first.address.bits(); });
      }),
      setup("pods may encapsulate", [](Firewall& model) { model.world.tunnel_port = 0; }),
      setup("who the world is", [](Firewall& model) { model.world.world4 = 2; }),
      decision("denies say that nothing allowed it", [](Decision& said) {
        if (said.reason == NP_REASON_DENY) said.reason = NP_REASON_DEFAULT_DENY;
      }),
      decision("rules are numbered from 1", [](Decision& said) {
        for (auto& rule : said.rules) ++rule;
      }),
      decision("L7 rules allow", [](Decision& said) {
        if (said.reason == NP_REASON_L7_NOT_ENFORCED) said.reason = NP_REASON_FORWARDED;
      }),
      frame("fragment offsets aren't seen", [](Frame& bytes) {
        if (is_ipv4(bytes)) bytes[20] = bytes[21] = 0;
      }),
      frame("every packet is the first with its id", [](Frame& bytes) {
        if (is_ipv4(bytes)) bytes[18] ^= static_cast<std::uint8_t>(bytes[21] != 0);
      }),
      frame("nobody closes", [](Frame& bytes) {
        if (is_ipv4(bytes) && bytes[14] == 0x45 && bytes[23] == 6 && bytes.size() > 47) bytes[47] &= static_cast<std::uint8_t>(~5);
      }),
      frame("the hop limit of neighbour discovery is always 255", [](Frame& bytes) {
        if (is_ipv6(bytes) && bytes[20] == 58) bytes[21] = 255;
      }),
      frame("ICMP has no identifiers", [](Frame& bytes) {
        if (is_ipv4(bytes) && bytes[14] == 0x45 && bytes[23] == 1 && bytes.size() > 39) bytes[38] = bytes[39] = 0;
      }),
      frame("errors quote nothing", [](Frame& bytes) {
        if (is_ipv4(bytes) && bytes[14] == 0x45 && bytes[23] == 1 && (bytes[34] == 3 || bytes[34] == 11) && bytes.size() > 42) bytes[42] = 0;
      }),
      frame("a frame is as long as the wire says", [](Frame& bytes) {
        if (is_ipv4(bytes) && (bytes[14] & 15) >= 5) {
          bytes[16] = static_cast<std::uint8_t>((bytes.size() - 14) >> 8);
          bytes[17] = static_cast<std::uint8_t>(bytes.size() - 14);
        }
      }),
      frame("the first VLAN tag is the last", [](Frame& bytes) {
        if (bytes.size() > 18 && bytes[12] == 0x88 && bytes[13] == 0xa8) bytes[16] = 0;
      }),
  };
}

}  // namespace netpolc::sequences
