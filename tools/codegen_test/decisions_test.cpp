// Programs against the tables they were made from, in the kernel, packet by packet: small tables
// that become code, large ones that become data, and the C compiled again with clang.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "codegen-bpf/codegen.h"
#include "runtime-loader/test_run.h"
#include "tools/loader_test/bench.h"

using namespace netpolc;
using namespace netpolc::loader;

namespace {

constexpr std::uint32_t kFirstIdentity = 1000;

bool kernel_is_here() {
  static const std::string why = loader_test::why_no_kernel();
  if (why.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL_CHECK("kernel tests can't run in CI: " << why);
  MESSAGE("skipped: " << why);
  return false;
}

// `ports` TCP ports with entries of their own, `peers` peer conditions, one rule each; identity
// kFirstIdentity + n has the bits n and 1 + n % 7.
ir::DecisionTable random_table(std::uint32_t ports, std::uint32_t peers, std::uint32_t entries, unsigned seed) {
  std::mt19937 random(seed);
  ir::DecisionTable out;
  auto& in = out.ingress;
  in.enforcement = ir::Enforcement::DefaultDeny;
  in.bits = {{"everyone", {}}};
  for (std::uint32_t bit = 1; bit <= peers; ++bit) {
    ir::PeerBit peer{"any:app in (a" + std::to_string(bit) + ")", {}};
    for (std::uint32_t n = 1; n <= peers; ++n)
      if (n == bit || 1 + n % 7 == bit) peer.identities.push_back(kFirstIdentity + n);
    in.bits.push_back(peer);
    in.rules.push_back({0, bit - 1});
    in.rule_texts.push_back("rule of " + peer.text);
  }
  const auto some = [&](ir::Action action, ir::L7Parser l7, std::uint32_t count, std::vector<ir::TableEntry>& to) {
    std::set<std::uint32_t> chosen;
    while (chosen.size() < std::min(count, peers)) chosen.insert(1 + static_cast<std::uint32_t>(random() % peers));
    for (const auto bit : chosen) to.push_back({.bit = bit, .action = action, .l7 = l7, .rule = bit - 1});
  };
  const auto list = [&] {
    std::vector<ir::TableEntry> all;
    some(ir::Action::Deny, ir::L7Parser::None, entries / 4, all);
    some(ir::Action::Allow, ir::L7Parser::Http, entries / 4, all);
    some(ir::Action::Allow, ir::L7Parser::None, entries - entries / 2, all);
    if (random() % 8 == 0) all.push_back({.bit = 0, .action = ir::Action::Allow, .rule = 0});
    return all;
  };
  std::uint32_t next = 0;
  for (std::uint32_t i = 0; i < ports; ++i) {
    const std::uint32_t port = 100 + i * 20, last = port + i % 3;
    in.classes.push_back({ir::Protocol::Tcp, static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(port - 1), {}});
    in.classes.push_back({ir::Protocol::Tcp, static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(last), list()});
    next = last + 1;
  }
  in.classes.push_back({ir::Protocol::Tcp, static_cast<std::uint16_t>(next), 65535, {}});
  for (const auto protocol : {ir::Protocol::Udp, ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6})
    in.classes.push_back({protocol, 0, 65535, {}});
  return out;
}

// The same with so many levels (tiers and priorities), each of which denies a peer and allows one.
ir::DecisionTable leveled_table(std::uint32_t levels, std::uint32_t peers) {
  ir::DecisionTable out = random_table(1, peers, 0, peers);
  std::vector<ir::TableEntry> entries;
  for (std::uint32_t level = 0; level < levels; ++level) {
    const std::uint32_t high = peers - level % (peers / 2), low = 1 + (level * 37) % (peers / 2);
    entries.push_back({.bit = high, .action = ir::Action::Deny, .rule = high - 1, .level = level});
    entries.push_back({.bit = low, .action = ir::Action::Allow, .rule = low - 1, .level = level});
  }
  out.ingress.classes[1].entries = entries;
  return out;
}

PeerBits peer_bits(const ir::DirectionTable& table, std::size_t words) {
  PeerBits out;
  for (std::size_t bit = 1; bit < table.bits.size(); ++bit)
    for (const auto identity : table.bits[bit].identities) {
      auto& own = out.try_emplace(identity, words, 0).first->second;
      own[0] |= 1;
      own[bit / 64] |= 1ull << (bit % 64);
    }
  return out;
}

// The command that the generated C names, in a directory laid out as a bundle's programs/.
std::string compiled_again(const codegen_bpf::Emitted& emitted) {
  namespace fs = std::filesystem;
  std::string home = (fs::temp_directory_path() / "netpolc-c-XXXXXX").string();
  REQUIRE(mkdtemp(home.data()) != nullptr);
  fs::create_directory(home + "/include");
  for (const auto& file : codegen_bpf::runtime_files()) std::ofstream(home + "/include/" + std::string(file.name)) << file.text;
  std::ofstream(home + "/policy.c") << emitted.c;
  const std::string command = "cd " + home + " && " NETPOLC_BPF_CLANG " -target bpf -mcpu=v3 -O2 -g -Wall -Werror -I include -include np_runtime.bpf.c -c policy.c -o policy.o";
  CHECK(std::system(command.c_str()) == 0);
  std::ifstream in(home + "/policy.o", std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  fs::remove_all(home);
  return bytes.str();
}

Address client(std::uint32_t n) { return *Address::parse("10.1." + std::to_string(n / 250) + "." + std::to_string(1 + n % 250)); }

std::uint8_t reason(ir::Verdict verdict) {
  switch (verdict) {
    case ir::Verdict::Allow: return NP_REASON_FORWARDED;
    case ir::Verdict::AllowL7: return NP_REASON_L7_NOT_ENFORCED;
    case ir::Verdict::Deny: return NP_REASON_DENY;
    case ir::Verdict::DefaultDeny: return NP_REASON_DEFAULT_DENY;
  }
  return 255;
}

// Every packet's reason, and whether it passed.
void same_decisions(const std::string& object_bytes, const ir::DirectionTable& table, std::size_t words, std::uint32_t ports, std::uint32_t peers) {
  TestMaps maps;
  maps.shared.row_capacity = 8192;
  auto object = Object::load(object_bytes, "random", maps.shared, peer_bits(table, words), {});
  REQUIRE_MESSAGE(object, object.error().message);
  AddressIdentities addresses;
  for (std::uint32_t n = 1; n <= peers; ++n) addresses[Prefix{client(n), 32}] = kFirstIdentity + n;
  np_config config = fresh_config();
  config.world4 = config.world6 = {2, maps.shared.rows.row(2)};
  config.flags |= NP_CONFIG_REPORT_ALLOWED;
  REQUIRE(maps.set_addresses(addresses, config));
  std::mt19937 random(7);
  int wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    PacketSpec packet;
    const std::uint32_t n = 1 + static_cast<std::uint32_t>(random() % (peers + 1));  // the last one is nobody's
    packet.source = client(n);
    packet.destination = *Address::parse("10.0.0.1");
    packet.destination_port = static_cast<std::uint16_t>(100 + random() % ports * 20 + random() % 4 - random() % 2);
    packet.source_port = static_cast<std::uint16_t>(1024 + i);
    const auto verdict = test_run(*object, Side::ToPod, build_packet(packet));
    REQUIRE(verdict);
    const auto events = maps.take_events();
    REQUIRE(events);
    const auto expected = ir::look_up(table, n <= peers ? kFirstIdentity + n : 2, {ir::Protocol::Tcp, packet.destination_port});
    const auto& rules = expected.rules;
    if (!events->empty() && expected.verdict != ir::Verdict::DefaultDeny && std::find(rules.begin(), rules.end(), ir::RuleRef{0, events->back().rule}) == rules.end()) ++wrong;
    if (events->empty() || events->back().reason != reason(expected.verdict) || (*verdict == TcVerdict::Pass) != (expected.verdict == ir::Verdict::Allow)) ++wrong;
  }
  CHECK(wrong == 0);
}

void try_table(const ir::DecisionTable& table, std::uint32_t ports, std::uint32_t peers, const char* form) {
  const codegen_bpf::Emitted emitted = codegen_bpf::emit(table);
  CHECK_MESSAGE(emitted.c.find(form) != std::string::npos, form);
  const auto object = codegen_bpf::compile(emitted);
  REQUIRE_MESSAGE(object, object.error().message);
  same_decisions(object->bytes, table.ingress, emitted.ingress_words, ports, peers);
  same_decisions(compiled_again(emitted), table.ingress, emitted.ingress_words, ports, peers);
}

void try_shape(std::uint32_t ports, std::uint32_t peers, std::uint32_t entries, const char* form) {
  try_table(random_table(ports, peers, entries, ports + peers), ports, peers, form);
}

}  // namespace

TEST_CASE("a small policy is code, and decides like its table") {
  if (kernel_is_here()) try_shape(12, 20, 12, "switch (flow->port)");
}
TEST_CASE("hundreds of ports and peers are data, and decide like their table") {
  if (kernel_is_here()) try_shape(400, 500, 40, "np_choose(");
}
TEST_CASE("70 words of peers decide like their table") {
  if (kernel_is_here()) try_shape(3, 4400, 3000, "np_choose_wide(");
}
TEST_CASE("hundreds of levels of thousands of peers decide like their table") {
  if (kernel_is_here()) try_table(leveled_table(300, 4400), 1, 4400, "np_choose_wide(");
}
TEST_CASE("as many levels as a program has room for, and not one more") {
  // 32 words: 32 turns of the verifier a run of ascending peers, of which n levels have n + 1
  const ir::DecisionTable most = leveled_table(511, 2040);
  CHECK_FALSE(codegen_bpf::unenforceable(most, {}));
  const auto refused = codegen_bpf::unenforceable(leveled_table(512, 2040), {});
  REQUIRE(refused);
  CHECK(refused->obstacle == codegen_bpf::Obstacle::Size);
  if (kernel_is_here()) try_table(most, 1, 2040, "np_choose(");
}
