#include "tools/prove_test/outside_scenes.h"

#include <bpf/bpf.h>

#include <stdexcept>

#include "codegen-bpf/codegen.h"
#include "runtime-loader/xdp.h"
#include "tools/loader_test/bench.h"
#include "tools/prove_test/programs.h"

namespace netpolc::prove_test {
namespace {

using loader::Address, loader::Bytes, loader::PacketSpec;

constexpr std::uint32_t kWorld4 = 9, kWorld6 = 10, kPartner = 16777217, kFoe = 16777218, kPod = 300;
constexpr std::uint32_t kLoopback = 1;  // where test runs take place, and so the pod's interface
constexpr std::uint16_t kAnswered = 443;  // the pod has asked for something there

template <class T>
T value_of(loader::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const loader::Done& done) {
  if (!done) throw std::runtime_error(done.error().message);
}
Address at(const std::string& text) { return *Address::parse(text); }

struct Scene {
  const char* name;
  bool services = false, prefixes = true, nothing_sent = false, settled = true, ready = true;
  std::uint32_t event_limit = ~0u;
};
constexpr Scene kScenes[] = {
    {.name = "as it comes"},
    {.name = "services", .services = true},
    {.name = "no prefixes", .prefixes = false},
    {.name = "no prefixes, and addresses that changed since", .prefixes = false, .settled = false},
    {.name = "nothing was sent", .nothing_sent = true},
    {.name = "nothing was sent, and addresses that changed since", .nothing_sent = true, .settled = false},
    {.name = "before it is ready", .ready = false},
    {.name = "no events", .event_limit = 0},
};

PacketSpec packet(const std::string& from, const std::string& to, std::uint8_t protocol, std::uint16_t source_port, std::uint16_t port, std::uint8_t flags) {
  PacketSpec out;
  out.source = at(from);
  out.destination = at(to);
  out.protocol = protocol;
  out.source_port = source_port;
  out.destination_port = port;
  out.tcp_flags = flags;
  out.icmp_type = static_cast<std::uint8_t>(port);
  out.payload.assign(8, 'x');
  return out;
}

std::vector<Bytes> frames() {
  std::vector<Bytes> out;
  const std::string pod[] = {"10.0.0.1", "fd00::1"}, strange[] = {"10.0.0.3", "fd00::3"}, far[] = {"8.8.8.8", "2001:4860::8"}, behind[] = {"8.8.4.4", "2001:4860::4"};
  const std::vector<std::string> senders[] = {{far[0], behind[0], "198.51.100.5", "198.51.100.66", "10.0.0.9"}, {far[1], behind[1], "2001:db8:1::5", "2001:db8:1::66", "fd00::9"}};
  for (const bool six : {false, true}) {
    for (const std::string& sender : senders[six])
      for (const std::uint8_t protocol : {loader::kProtocolTcp, loader::kProtocolUdp, loader::kProtocolSctp, six ? loader::kProtocolIcmpv6 : loader::kProtocolIcmp})
        for (const std::uint16_t port : {8, 80, 128, 8080, 64, 63})
          for (const std::uint8_t flags : {loader::kTcpSyn, loader::kTcpAck}) out.push_back(build_packet(packet(sender, pod[six], protocol, 40000, port, flags)));
    out.push_back(build_packet(packet(far[six], strange[six], loader::kProtocolTcp, 40000, 80, loader::kTcpSyn)));
    for (const std::uint16_t own : {41000, 41001}) out.push_back(build_packet(packet(far[six], pod[six], loader::kProtocolTcp, kAnswered, own, loader::kTcpSyn | loader::kTcpAck)));
    PacketSpec one = packet(far[six], pod[six], loader::kProtocolUdp, 40000, 80, 0);
    one.more_fragments = true;
    out.push_back(build_packet(one));
    one.more_fragments = false;
    const Bytes whole = build_packet(one);
    for (std::size_t changed = 12; changed < 62 && changed < whole.size(); ++changed) {
      out.push_back(whole);
      out.back()[changed] ^= 0x11;
    }
    for (std::size_t length = six ? 54 : 34; length < whole.size(); ++length) out.push_back({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
  }
  return out;
}

ir::DeniedOutside classes(bool nothing_sent) {
  const ir::DeniedRange web{ir::Protocol::Tcp, 80, 80, true}, rest{ir::Protocol::Tcp, 128, 50000, false}, udp{ir::Protocol::Udp, 0, 65535, false}, sctp{ir::Protocol::Sctp, 64, 8080, true};
  const ir::DeniedRange echo{ir::Protocol::Icmp, 0, 65535, true}, echo6{ir::Protocol::Icmpv6, 128, 128, false};
  return {{{kWorld4, kWorld6}, {web, rest, udp, echo, echo6}, nothing_sent}, {{kPartner}, {rest, sctp}, nothing_sent}, {{kFoe}, {udp, echo6}, false}};
}

class Stage {
 public:
  explicit Stage(const std::string& bytes) {
    bundle_.world4 = kWorld4;
    bundle_.world6 = kWorld6;
    bundle_.xdp.object = "np_xdp.o";
    bundle_.xdp.bytes = bytes;
    for (const auto& [prefix, identity] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
             {"10.0.0.9", kPod}, {"fd00::9", kPod}, {"198.51.100.0/24", kPartner}, {"2001:db8:1::/48", kPartner}, {"198.51.100.66/32", kFoe}, {"2001:db8:1::66/128", kFoe}})
      addresses_[*loader::Prefix::parse(prefix)] = identity;
    pod_.emplace(value_of(loader::Object::load(bytes_of(loader_test::table()), "pod", maps_.shared, loader_test::peers_in(), {})));
  }

  // False where the kernel's verifier refuses it.
  bool set(const Scene& scene) {
    np_config config = loader::fresh_config();
    config.seed = 1;
    config.world4 = {kWorld4, 0};
    config.world6 = {kWorld6, 0};
    must(maps_.set_addresses(addresses_, config));
    must(maps_.forget_connections());
    loader::OutsidePlan plan{classes(scene.nothing_sent), {{at("10.0.0.1"), kLoopback}, {at("fd00::1"), kLoopback}, {at("8.8.4.4"), 0}, {at("2001:4860::4"), 0}}, scene.services, scene.prefixes, ""};
    auto loaded = loader::OutsideProgram::load(bundle_, addresses_, std::move(plan), maps_.shared);
    if (!loaded) return false;
    outside_.emplace(std::move(*loaded));
    if (scene.ready) must(outside_->start());
    // after what is asked at the start, which is whether anything was sent
    for (const auto& [own, far] : {std::pair("10.0.0.1", "8.8.8.8"), std::pair("fd00::1", "2001:4860::8")})
      value_of(loader::test_run(*pod_, loader::Side::FromPod, build_packet(packet(own, far, loader::kProtocolTcp, 41000, kAnswered, loader::kTcpSyn))));
    config = value_of(loader::read_config(maps_.map(NP_MAP_CONFIG)));
    config.event_limit = scene.event_limit;
    config.generation += scene.settled ? 0 : 1;
    must(loader::set_config(maps_.map(NP_MAP_CONFIG), config));
    value_of(maps_.take_events());
    return true;
  }

  std::string play(const Scene& scene) {
    static const std::vector<Bytes> all = frames();
    const auto before = value_of(maps_.drops());
    const auto counted_before = value_of(loader::read_stats(maps_.map(NP_MAP_STATS)));
    std::string out = std::string(scene.name) + ":";
    for (const Bytes& frame : all) {
      out += " " + std::to_string(run(frame));
      for (const np_event& event : value_of(maps_.take_events())) out += "[" + told(event) + "]";
    }
    const auto after = value_of(maps_.drops());
    for (std::size_t i = 0; i < after.size(); ++i)
      if (after[i].packets != before[i].packets)
        out += " dropped " + std::to_string(i) + ": " + std::to_string(after[i].packets - before[i].packets) + "/" + std::to_string(after[i].bytes - before[i].bytes);
    const auto counted = value_of(loader::read_stats(maps_.map(NP_MAP_STATS)));
    for (std::size_t i = 0; i < counted.size(); ++i)
      if (counted[i] != counted_before[i]) out += " stat " + std::to_string(i) + ": " + std::to_string(counted[i] - counted_before[i]);
    return out;
  }

 private:
  std::uint32_t run(const Bytes& frame) const {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = 1;
    if (const int error = bpf_prog_test_run_opts(outside_->program(), &options); error != 0) throw std::runtime_error("XDP test run: " + std::to_string(error));
    return options.retval;
  }
  // All but the time.
  static std::string told(np_event event) {
    event.time = 0;
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < sizeof event; ++i) {
      const unsigned byte = reinterpret_cast<const unsigned char*>(&event)[i];
      out += {digits[byte / 16], digits[byte % 16]};
    }
    return out;
  }

  loader::TestMaps maps_;
  loader::Bundle bundle_;
  loader::AddressIdentities addresses_;
  std::optional<loader::Object> pod_;
  std::optional<loader::OutsideProgram> outside_;
};

}  // namespace

std::optional<std::vector<std::string>> outside_scenes(const std::string& bytes) {
  Stage stage(bytes);
  std::vector<std::string> out;
  for (const Scene& scene : kScenes) {
    if (!stage.set(scene)) return std::nullopt;
    out.push_back(stage.play(scene));
  }
  return out;
}

}  // namespace netpolc::prove_test
