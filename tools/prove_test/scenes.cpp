#include "tools/prove_test/scenes.h"

#include <functional>
#include <map>
#include <stdexcept>

#include "tools/loader_test/bench.h"

namespace netpolc::prove_test {
namespace {

using loader::Side;
using loader_test::kFoe, loader_test::kFriend;

constexpr std::uint8_t kSyn = loader::kTcpSyn, kAck = loader::kTcpAck, kFin = loader::kTcpFin;
constexpr const char *kPod = "10.0.0.1", *kPod6 = "fd00::1", *kNear = "10.0.0.3", *kNear6 = "fd00::3", *kNode = "192.168.0.1";
constexpr std::uint32_t kOwn = 600;

template <class T>
T value_of(loader::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const loader::Done& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

// A packet, or, without a source, a change of the world and a generation of its own.
struct Step {
  Side side = Side::ToPod;
  loader::PacketSpec packet;
  bool from_node = false;
  std::function<void(loader::AddressIdentities&)> change;
};
struct Scene {
  std::string name;
  std::vector<Step> steps;
  std::function<void(np_config&)> config = nullptr;
  std::optional<np_interface> interface = std::nullopt;
  std::function<void(loader::AddressIdentities&)> addresses = nullptr;
};

loader::PacketSpec packet(const char* from, const char* to, std::uint8_t protocol, std::uint16_t source_port, std::uint16_t port, std::uint8_t flags) {
  loader::PacketSpec out;
  out.source = *loader::Address::parse(from);
  out.destination = *loader::Address::parse(to);
  out.protocol = protocol;
  out.source_port = source_port;
  out.destination_port = port;
  out.tcp_flags = flags;
  out.icmp_type = static_cast<std::uint8_t>(port);
  return out;
}
bool is_v6(const char* address) { return std::string_view(address).find(':') != std::string_view::npos; }
Step in(const char* from, std::uint8_t protocol, std::uint16_t port, std::uint8_t flags = kSyn, std::uint16_t source_port = 40000) {
  return {Side::ToPod, packet(from, is_v6(from) ? kPod6 : kPod, protocol, source_port, port, flags), false, nullptr};
}
Step out(const char* to, std::uint8_t protocol, std::uint16_t port, std::uint8_t flags = kSyn, std::uint16_t source_port = 41000) {
  return {Side::FromPod, packet(is_v6(to) ? kPod6 : kPod, to, protocol, source_port, port, flags), false, nullptr};
}
Step by_node(Step step) {
  step.from_node = true;
  return step;
}
// A connection to the pod, with its answer.
std::vector<Step> connection(const char* from, std::uint16_t port, std::uint16_t source_port = 40000) {
  return {in(from, 6, port, kSyn, source_port), out(from, 6, source_port, kSyn | kAck, port), in(from, 6, port, kAck, source_port)};
}
std::vector<Step> operator+(std::vector<Step> a, const std::vector<Step>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Step change(std::function<void(loader::AddressIdentities&)> what = [](auto&) {}) { return {Side::ToPod, {}, false, std::move(what)}; }

std::vector<Scene> all_scenes() {
  const std::vector<Step> to_pod = {in(kNear, 6, 8081), in("10.0.0.4", 6, 8080), in("10.0.0.5", 6, 80), in("10.9.9.9", 6, 8080), in(kNear, 17, 53), in(kNear, 132, 9000), in(kNear, 1, 8)};
  const std::vector<Step> to_pod6 = {in(kNear6, 6, 8081), in("fd00::4", 6, 8080), in("fd99::9", 6, 8080), in(kNear6, 17, 53), in(kNear6, 58, 128)};
  const std::vector<Step> from_pod = {out(kNear, 6, 443), out("10.9.9.9", 6, 443), out(kNear, 6, 444), out(kNear, 17, 53), out(kNear, 17, 54), out(kNear, 1, 8), out(kNear6, 6, 443), out(kNear6, 6, 444), out(kNear6, 58, 128)};
  const std::vector<Step> answers = {in(kNear, 6, 41000, kSyn | kAck, 443), in(kNear, 6, 41000, kSyn | kAck, 444), in(kNear, 17, 41000, 0, 53), in(kNear6, 6, 41000, kSyn | kAck, 444),
                                     out(kNear, 6, 40000, kSyn | kAck, 8081), out("10.0.0.4", 6, 40000, kSyn | kAck, 8080), out(kNear, 17, 40000, 0, 53)};
  const auto everything = to_pod + to_pod6 + from_pod + answers;
  const auto silent = [](np_config& c) { c.flags &= ~NP_CONFIG_REPORT_ALLOWED; };
  const auto audited = [](np_config& c) { c.flags |= NP_CONFIG_AUDIT; };
  std::vector<Step> crowd;
  for (std::uint16_t port = 100; port < 132; ++port) crowd = crowd + connection(kNear, 8080, port);
  const auto pod_is_known = [](loader::AddressIdentities& a) { a[*loader::Prefix::parse(kPod)] = a[*loader::Prefix::parse(kPod6)] = kOwn; };
  return {
      {"to the pod", to_pod + to_pod6},
      {"from the pod", from_pod},
      {"connections", connection(kNear, 8080) + connection(kNear6, 8080) + answers},
      {"answers", everything},
      {"from the node", {by_node(in(kNode, 6, 1234)), in(kNode, 6, 1234), by_node(in("fd01::1", 6, 1234)), by_node(in("10.9.9.9", 17, 1)), by_node(in(kNear, 6, 8081, kSyn, 40001))}},
      {"nothing reported", everything, silent},
      {"audited", everything, audited, np_interface{0, NP_AUDIT}},
      {"audited, nothing reported", everything, [=](np_config& c) { audited(c), silent(c); }, np_interface{0, NP_AUDIT}},
      {"others audited", everything, audited, np_interface{0, 0}},
      {"nobody audited", everything, nullptr, np_interface{0, NP_AUDIT}},
      {"no IPv4", everything, [](np_config& c) { c.world4.identity = 0; }},
      {"no IPv6", everything, [](np_config& c) { c.world6.identity = 0; }},
      {"not ready", everything, [](np_config& c) { c.ready = 0; }},
      {"the overlay's port", {out(kNode, 17, 53), out("fd01::1", 17, 53), out(kNear, 17, 53), out(kNode, 6, 53), in(kNear, 17, 53)}, [](np_config& c) { c.tunnel_port = 53; }},
      {"another overlay's port", {out(kNode, 17, 53), out(kNode, 17, 8472)}, [](np_config& c) { c.tunnel_port = 8472; }},
      {"in another's name", from_pod + to_pod, nullptr, np_interface{kOwn, NP_SOURCE_IPV4 | NP_SOURCE_IPV6}},
      {"in its own name", from_pod + answers, nullptr, np_interface{kOwn, NP_SOURCE_IPV4 | NP_SOURCE_IPV6}, pod_is_known},
      {"in another's name, audited", from_pod, audited, np_interface{kOwn, NP_SOURCE_IPV4 | NP_AUDIT}},
      {"in another's name, of one family", from_pod, nullptr, np_interface{kOwn, NP_SOURCE_IPV6}},
      {"asked anew", connection(kNear, 8080) + from_pod + std::vector{change(), in(kNear, 6, 8080, kAck), out(kNear, 6, 443, kAck), out(kNear, 17, 53), in(kNear, 6, 8080, kAck)}},
      {"asked anew, in another's name", from_pod + std::vector{change(), out(kNear, 6, 443, kAck), out(kNear, 17, 53)}, nullptr, np_interface{0, 0}},
      {"a friend no more", connection(kNear, 8080) + std::vector{change([](auto& a) { a[*loader::Prefix::parse(kNear)] = kFoe; }), in(kNear, 6, 8080, kAck), in(kNear, 6, 8080, kAck)}},
      {"a friend no more, audited", connection(kNear, 8080) + std::vector{change([](auto& a) { a[*loader::Prefix::parse(kNear)] = kFoe; }), in(kNear, 6, 8080, kAck), in(kNear, 6, 8080, kAck)}, audited, np_interface{0, NP_AUDIT}},
      {"closed and opened again", connection(kNear, 8080) + std::vector{in(kNear, 6, 8080, kFin | kAck), out(kNear, 6, 40000, kFin | kAck, 8080), in(kNear, 6, 8080), in(kNear, 6, 8080, kFin | kAck), in(kNear, 6, 8080)}},
      {"both ways", {out(kNear, 17, 53, 0, 53), in(kNear, 17, 53, 0, 53), out(kNear, 17, 53, 0, 53), in(kNear, 17, 53, 0, 53)}},
      {"prefixes", {in("172.16.0.9", 6, 8080), in("172.17.0.9", 6, 8080), out("172.16.0.9", 6, 444), in("fd00:9::9", 6, 8080), in("172.16.0.9", 6, 8081)}, nullptr, std::nullopt,
       [](auto& a) { a[*loader::Prefix::parse("172.16.0.0/16")] = a[*loader::Prefix::parse("fd00:9::/64")] = kFriend; }},
      {"a host of its own", {in(kNear, 6, 8080)}, nullptr, std::nullopt, [](auto& a) { a[*loader::Prefix::parse(kNear)] = 1; }},
      {"no room", crowd + std::vector{in(kNear, 6, 8080, kSyn, 99), in(kNear, 6, 8081, kSyn, 99), out(kNear, 6, 443)}, [](np_config& c) { c.buckets4 = 1; }},
      {"no room, audited", crowd + std::vector{in(kNear, 6, 8081, kSyn, 99), in(kNear, 6, 8080, kSyn, 99)}, [=](np_config& c) { audited(c), c.buckets4 = 1; }, np_interface{0, NP_AUDIT}},
  };
}

struct Counted {
  std::vector<np_counter> drops, rules;
  std::vector<std::uint64_t> stats;
};

class Stage {
 public:
  explicit Stage(loader::Object object, loader::TestMaps maps) : maps_(std::move(maps)), object_(std::move(object)) {}

  std::string play(const Scene& scene) {
    must(maps_.forget_connections());
    if (scene.interface) must(loader::fill_interfaces(maps_.map(NP_MAP_INTERFACES), {{1, *scene.interface}}));
    loader::AddressIdentities addresses;
    static const std::map<std::string, std::uint32_t> known = {{kNear, kFriend}, {kNear6, kFriend}, {"10.0.0.4", kFoe}, {"fd00::4", kFoe}, {"10.0.0.5", loader_test::kHttpClient}, {kNode, 1}, {"fd01::1", 1}};
    for (const auto& [address, identity] : known) addresses[*loader::Prefix::parse(address)] = identity;
    if (scene.addresses) scene.addresses(addresses);
    std::uint32_t generation = 7;
    tell(addresses, scene, generation);
    const Counted before = count();
    std::string out = scene.name + ":";
    for (const Step& step : scene.steps) {
      if (step.change) {
        step.change(addresses);
        tell(addresses, scene, ++generation);
        continue;
      }
      out += " " + run(step);
    }
    return out + difference(before, count());
  }

 private:
  void tell(const loader::AddressIdentities& addresses, const Scene& scene, std::uint32_t generation) {
    np_config config = loader::fresh_config();
    config.seed = 1;
    config.generation = generation;
    config.world4 = {9, 0};
    config.world6 = {10, 0};
    config.flags |= NP_CONFIG_REPORT_ALLOWED;
    must(maps_.set_addresses(addresses, config));
    if (!scene.config) return;
    config = value_of(loader::read_config(maps_.map(NP_MAP_CONFIG)));
    scene.config(config);
    must(loader::set_config(maps_.map(NP_MAP_CONFIG), config));
  }

  // What it returned, which need be neither pass nor drop, and its events.
  std::string run(const Step& step) {
    const auto verdict = loader::test_run(object_, step.side, loader::build_packet(step.packet), step.from_node);
    std::string out = !verdict ? "neither" : *verdict == loader::TcVerdict::Pass ? "pass" : "drop";
    for (const np_event& e : value_of(maps_.take_events()))
      out += "[" + std::to_string(e.reason) + " rule " + std::to_string(e.rule) + " of " + std::to_string(e.identity) + " " + std::to_string(e.direction) + "/" + std::to_string(e.flags) + "]";
    return out;
  }

  Counted count() {
    return {value_of(maps_.drops()), value_of(loader::read_counters(object_.map(NP_MAP_RULES))), value_of(loader::read_stats(maps_.map(NP_MAP_STATS)))};
  }
  static std::string difference(const Counted& before, const Counted& after) {
    std::string out;
    const auto counters = [&](const char* name, const std::vector<np_counter>& a, const std::vector<np_counter>& b) {
      for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].packets != b[i].packets || a[i].bytes != b[i].bytes)
          out += std::string(" ") + name + " " + std::to_string(i) + ": " + std::to_string(b[i].packets - a[i].packets) + "/" + std::to_string(b[i].bytes - a[i].bytes);
    };
    counters("dropped", before.drops, after.drops);
    counters("rule", before.rules, after.rules);
    for (std::size_t i = 0; i < before.stats.size(); ++i)
      if (before.stats[i] != after.stats[i]) out += " stat " + std::to_string(i) + ": " + std::to_string(after.stats[i] - before.stats[i]);
    return out;
  }

  loader::TestMaps maps_;
  loader::Object object_;
};

}  // namespace

std::optional<std::vector<std::string>> scenes(const std::string& bytes) {
  static const std::vector<Scene> all = all_scenes();
  loader::TestMaps maps;
  auto object = loader::Object::load(bytes, "scenes", maps.shared, loader_test::peers_in(), {});
  if (!object) return std::nullopt;
  Stage stage(std::move(*object), std::move(maps));
  std::vector<std::string> out;
  for (const Scene& scene : all) out.push_back(stage.play(scene));
  return out;
}

}  // namespace netpolc::prove_test
