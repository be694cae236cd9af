#include "tools/sequences/crowd.h"

#include <sstream>

namespace netpolc::sequences {
namespace {

using ir::Direction;
using ir::flow::Because;

constexpr std::uint32_t kFlood = 40'000, kInUse = 200, kEvery = 50;

Script world() {
  return parse_script("crowd", "policy web\n  in allow tcp 80\n  in allow udp 53\n  out\nworld 9 10\n");
}

Packet packet(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return parse_packet(words);
}

// Client `n`, in both families by turns; `n` is its address and its port.
std::string client(std::uint32_t n) {
  const std::string port = std::to_string(1024 + n % 50'000);
  if (n % 2 == 0) return "10." + std::to_string(n >> 16 & 255) + "." + std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255) + ":" + port;
  std::ostringstream v6;
  v6 << "[2001:db8::" << std::hex << (n & 0xffff) << "]:" << port;
  return v6.str();
}
std::string pod(std::uint32_t n, const char* port) { return (n % 2 == 0 ? "10.0.0.1:" : "[fd00::1]:") + std::string(port); }

class Crowd {
 public:
  explicit Crowd(Tally& tally) : script_(world()), kernel_(script_), tally_(tally) {
    kernel_.begin(script_);
    model_.world = script_.world;
    model_.lifetimes = kernel_.lifetimes();
    const Policy& policy = script_.policies[0];
    model_.policy = {true, true, [&policy](Direction direction, std::uint32_t identity, ir::Flow flow) { return decide(policy, direction, identity, flow); }};
    before_ = kernel_.totals();
  }

  std::optional<std::string> run() {
    for (std::uint32_t n = 0; n < kInUse && !wrong_; ++n) use(n, true);
    for (std::uint32_t n = 0; n < kFlood && !wrong_; ++n) {
      const std::uint32_t stranger = 0x10000 + n;
      // Packets out of the middle of a connection have the longest lives of all that nobody answered.
      const bool udp = n % 5 == 0;
      send(Direction::Ingress, (udp ? "udp " : "tcp ") + client(stranger) + " > " + pod(stranger, udp ? "53" : "80") + (udp ? "" : n % 5 == 1 ? " S" : " A"), true);
      // SYN ACK is what a flood gets, too: it makes nobody worth keeping.
      if (n % 5 == 1) send(Direction::Egress, "tcp " + pod(stranger, "80") + " > " + client(stranger) + " SA", true);
      // Nor does RST, where nobody listens.
      if (n % 5 == 2) send(Direction::Egress, "tcp " + pod(stranger, "80") + " > " + client(stranger) + " RA", true);
      if (n % 7 == 0) send(Direction::Ingress, "tcp " + client(stranger) + " > " + pod(stranger, "22") + " S", true);
      if (n % 5 == 0) send(Direction::Egress, "tcp " + pod(stranger, "80") + " > " + client(stranger ^ 0x8000) + " SA", true);
      if (n % kEvery == 0) use(n / kEvery % kInUse, false);
    }
    if (!wrong_) compare_counters();
    return wrong_;
  }

  // More questions that were answered than there is room for: no room is left for a while, and soon there is.
  std::optional<std::string> names() {
    for (std::uint32_t n = 0; n < kFlood / 2 && !wrong_; ++n) {
      send(Direction::Ingress, "udp " + client(n) + " > " + pod(n, "53"), true);
      send(Direction::Egress, "udp " + pod(n, "53") + " > " + client(n), true);
    }
    if (!wrong_ && refused_ == 0) wrong_ = "the table held all questions, so nothing was tried";
    kernel_.age(Kernel::ticks(8));
    refused_ = 0;
    for (std::uint32_t n = 0; n < kInUse && !wrong_; ++n) use(0x10000 + n, true);
    if (!wrong_ && refused_ != 0) wrong_ = std::to_string(refused_) + " connections found no room among questions that were answered long ago";
    return wrong_;
  }

 private:
  // A connection that is answered, and so keeps its place.
  void use(std::uint32_t n, bool begins) {
    if (begins) send(Direction::Ingress, "tcp " + client(n) + " > " + pod(n, "80") + " S", false);
    send(Direction::Egress, "tcp " + pod(n, "80") + " > " + client(n) + (begins ? " SA" : " A"), false);
    send(Direction::Ingress, "tcp " + client(n) + " > " + pod(n, "80") + " A", false);
  }

  void send(Direction direction, const std::string& text, bool may_lose) {
    if (wrong_) return;
    const Frame frame = frame_of(packet(text));
    const auto answer = model_.judge(direction, ir::flow::Origin::Device, frame, 1);
    const Seen seen = kernel_.send(direction, ir::flow::Origin::Device, false, frame);
    ++tally_.packets;
    if (seen.passed) opened_ += !seen.events.empty();
    if (!seen.passed && !seen.events.empty() && seen.events[0].reason == NP_REASON_CT_CREATE_FAILED) ++refused_;
    if (seen.passed && !answer.passes()) wrong_ = "passed, which policy denies: " + text;
    const bool lost = !seen.passed || (answer.because == Because::Known && !seen.events.empty());
    if (lost && answer.passes() && !may_lose) wrong_ = "a flow in use was lost to the flood: " + text;
    if (!seen.passed && answer.because == Because::New && (seen.events.empty() || seen.events[0].reason != NP_REASON_CT_CREATE_FAILED)) wrong_ = "a new flow was dropped, but not for want of room: " + text;
  }

  void compare_counters() {
    const Kernel::Totals counted = kernel_.totals().since(before_);
    const auto drops = counted.drops.find(NP_REASON_CT_CREATE_FAILED);
    const std::uint64_t live = kernel_.flows(), refused = drops == counted.drops.end() ? 0 : drops->second;
    if (counted.opened != opened_) wrong_ = std::to_string(opened_) + " flows were opened, " + std::to_string(counted.opened) + " counted";
    if (refused != refused_) wrong_ = std::to_string(refused_) + " new flows found no room, " + std::to_string(refused) + " counted";
    if (refused != 0) wrong_ = std::to_string(refused) + " newcomers found no room among strangers that nobody spoke with";
    if (counted.crowded == 0) wrong_ = "the table held them all, so nothing was tried";
    // What was opened is there, or gave way and was counted.
    if (live + (counted.crowded - refused) != counted.opened) wrong_ = std::to_string(counted.opened) + " flows opened, " + std::to_string(live) + " there, " + std::to_string(counted.crowded - refused) + " counted as evicted";
  }

  Script script_;
  Kernel kernel_;
  Tally& tally_;
  ir::flow::Firewall model_;
  Kernel::Totals before_;
  std::optional<std::string> wrong_;
  std::uint64_t opened_ = 0, refused_ = 0;
};

}  // namespace

std::optional<std::string> crowd(Tally& tally) {
  ++tally.cases;
  if (auto wrong = Crowd(tally).run()) return wrong;
  ++tally.cases;
  return Crowd(tally).names();
}

}  // namespace netpolc::sequences
