#include "tools/bench/datapath/cases.h"

#include <algorithm>
#include <stdexcept>

namespace netpolc::datapath_bench {
namespace {

using loader::kTcpAck, loader::kTcpSyn;

constexpr std::uint32_t kFlows = 10'000;
constexpr u64 kManyTuples = 6'400'000;
constexpr std::uint32_t kFriends = 9'900;  // peers that rules name come first
constexpr std::uint16_t kFirstClientPort = 1024;  // of mutate.bpf.c's tuples
constexpr std::uint32_t kFloodPackets = 600'000;  // before the first round: the table is full afterwards

// Where a frame has the last four bytes of its addresses, and its ports.
struct Offsets {
  std::uint32_t source, destination, source_port, destination_port;
};
constexpr Offsets offsets(bool v6) { return v6 ? Offsets{34, 50, 54, 56} : Offsets{26, 30, 34, 36}; }

loader::Bytes frame(const loader::Address& source, std::uint16_t source_port, const loader::Address& destination, std::uint16_t destination_port,
                    std::uint8_t flags) {
  loader::PacketSpec spec;
  spec.source = source;
  spec.destination = destination;
  spec.protocol = loader::kProtocolTcp;
  spec.source_port = source_port;
  spec.destination_port = destination_port;
  spec.tcp_flags = flags;
  if (!source.v6) spec.payload = loader::Bytes(10);  // 64 bytes in all, 74 of IPv6
  return loader::build_packet(spec);
}

Traffic from_pod(bool v6, std::uint32_t peer, std::uint16_t port, std::uint8_t flags) {
  return {.hook = Hook::FromPod, .frame = frame(pod_address(v6), 40000, peer_address(peer, v6), port, flags), .answer = kPassed};
}
Traffic answer_to_pod(bool v6, std::uint32_t peer, std::uint16_t port, std::uint8_t flags) {
  return {.hook = Hook::ToPod, .frame = frame(peer_address(peer, v6), port, pod_address(v6), 40000, flags), .answer = kPassed};
}
bool is_v6(const Traffic& traffic) { return traffic.frame[12] == 0x86; }

Traffic rotating(Traffic traffic, u64 tuples, std::uint32_t peers) {
  const bool out = traffic.hook != Hook::ToPod;
  const Offsets at = offsets(is_v6(traffic));
  traffic.how = "rotate";
  traffic.tuples = {.count = 0, .random = 1, .modulus = tuples, .peers = peers, .peer_bytes = out ? at.destination : at.source, .port_bytes = at.source_port, .zero = 0};
  return traffic;
}
// The other side of what `rotating` sends.
Traffic answering(Traffic traffic, u64 tuples, std::uint32_t peers) {
  traffic = rotating(std::move(traffic), tuples, peers);
  const Offsets at = offsets(is_v6(traffic));
  traffic.tuples.peer_bytes = traffic.hook == Hook::ToPod ? at.source : at.destination;
  traffic.tuples.port_bytes = at.destination_port;
  return traffic;
}

// A handshake and the first data for each tuple.
void establish_out(Subject& subject, bool v6, std::uint16_t port, u64 tuples, std::uint32_t peers) {
  subject.forget();
  const auto packets = static_cast<std::uint32_t>(tuples);
  subject.run(rotating(from_pod(v6, 0, port, kTcpSyn), tuples, peers), packets);
  subject.run(answering(answer_to_pod(v6, 0, port, kTcpSyn | kTcpAck), tuples, peers), packets);
  subject.run(rotating(from_pod(v6, 0, port, kTcpAck), tuples, peers), packets);
}

// Else something was measured that it is not about.
void expect_opened(Subject& subject, std::uint64_t flows) {
  const std::uint64_t opened = subject.forget();
  if (subject.answers() && opened != flows)
    throw std::runtime_error(subject.name() + " opened " + std::to_string(opened) + " connections instead of " + std::to_string(flows));
}

Case established_hot(const World& world, const Trio& subjects) {
  const std::uint16_t port = world.ports.back();
  const bool v6 = world.v6;
  Case out{"established, one hot flow", subjects, from_pod(v6, 50, port, kTcpAck), 100'000};
  out.before = [port, v6](Subject& subject) {
    subject.forget();
    subject.run(from_pod(v6, 50, port, kTcpSyn), 1);
    subject.run(answer_to_pod(v6, 50, port, kTcpSyn | kTcpAck), 1);
    subject.run(from_pod(v6, 50, port, kTcpAck), 1);
  };
  out.limit = 1.0 / 4;
  out.limit_of_empty = 2.5;
  return out;
}

Case replies_hot(const World& world, const Trio& subjects) {
  Case out = established_hot(world, subjects);
  out.name = "… its answers";
  out.traffic = answer_to_pod(world.v6, 50, world.ports.back(), kTcpAck);
  out.limit = out.limit_of_empty = std::nullopt;
  return out;
}

Case established_rotating(const World& world, const Trio& subjects, std::uint32_t peers) {
  const std::uint16_t port = world.ports.back();
  const bool v6 = world.v6;
  Case out{"established, rotating over 10,000 flows", subjects, rotating(from_pod(v6, 0, port, kTcpAck), kFlows, peers), 100'000};
  out.before = [port, peers, v6](Subject& subject) { establish_out(subject, v6, port, kFlows, peers); };
  out.after = [](Subject& subject) { expect_opened(subject, kFlows); };
  return out;
}

Case first_packet(const World& world, const Trio& subjects, bool events) {
  Case out{"first packet of an allowed connection", subjects, rotating(from_pod(world.v6, 0, world.ports.back(), kTcpSyn), kManyTuples, 100), 100'000};
  out.traffic.events = events;
  out.before = [events](Subject& subject) {
    subject.forget();
    subject.report_allowed(events);
  };
  out.after = [packets = out.packets](Subject& subject) {
    subject.report_allowed(false);
    expect_opened(subject, packets);
  };
  return out;
}

Case denied(const World& world, const Trio& subjects) {
  // the last peer is one that no rule names
  const auto stranger = static_cast<std::uint32_t>(world.identities.size() - 1);
  Case out{"denied packet, with its event", subjects, from_pod(world.v6, stranger, world.ports.back(), kTcpSyn), 100'000};
  out.traffic.answer = kDropped;
  out.traffic.events = true;
  out.before = [](Subject& subject) { subject.forget(); };
  out.limit = 1.0 / 3;
  return out;
}

Traffic flood(u64 seed) {
  Traffic out{.hook = Hook::ToPod, .frame = frame(peer_address(0), 40000, pod_address(), kOpenPort, kTcpSyn)};
  out.how = "stranger";
  out.tuples = {.count = 0, .random = seed, .modulus = 1, .peers = 1, .peer_bytes = offsets(false).source, .port_bytes = offsets(false).source_port, .zero = 0};
  return out;
}

Traffic flow_of_flooded(const World& world, std::uint8_t flags) {
  return rotating({.hook = Hook::ToPod, .frame = frame(peer_address(0), 40000, pod_address(), world.ports.back(), flags), .answer = kPassed}, kFlows, 100);
}

Case flooding(const World& world, const Trio& subjects) {
  Case out{"SYN flood of random tuples, table full", subjects, flood(1), 100'000};
  for (Subject* subject : {subjects.baseline, subjects.netpolc}) {
    const Traffic answers{.hook = Hook::FromPod, .frame = frame(pod_address(), world.ports.back(), peer_address(0), 40000, kTcpSyn | kTcpAck), .answer = kPassed};
    subject->run(flow_of_flooded(world, kTcpSyn), kFlows);
    subject->run(answering(answers, kFlows, 100), kFlows);
    subject->run(flow_of_flooded(world, kTcpAck), kFlows);
    subject->run(flood(0x9e3779b97f4a7c15ull), kFloodPackets);
  }
  // flows that live talk now and then, which must not depend on who asked for room meanwhile
  out.before = [traffic = flow_of_flooded(world, kTcpAck)](Subject& subject) {
    Traffic alive = traffic;
    alive.answer.reset();
    subject.run(alive, kFlows);
  };
  out.limit = 1.0 / 4;
  return out;
}

double middle(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const std::size_t n = numbers.size();
  return n == 0 ? 0 : (numbers[n / 2] + numbers[(n - 1) / 2]) / 2;
}
double least(const std::vector<double>& numbers) { return numbers.empty() ? 0 : *std::min_element(numbers.begin(), numbers.end()); }

}  // namespace

void run_round(std::vector<Case>& cases) {
  for (Case& current : cases) {
    // so that the same random numbers never come twice
    current.traffic.tuples.random = current.traffic.tuples.random * 6364136223846793005ull + 1442695040888963407ull;
    if (current.traffic.tuples.random == 0) current.traffic.tuples.random = 1;
    Subject* const subjects[] = {current.subjects.empty, current.subjects.baseline, current.subjects.netpolc};
    for (std::size_t i = 0; i < 3; ++i) {
      if (subjects[i] == nullptr) continue;
      if (current.before) current.before(*subjects[i]);
      current.samples[i].push_back(subjects[i]->run(current.traffic, current.packets));
      if (current.after) current.after(*subjects[i]);
    }
  }
}

Figures medians(const Case& measured) { return {middle(measured.samples[0]), middle(measured.samples[1]), middle(measured.samples[2])}; }
Figures minima(const Case& measured) { return {least(measured.samples[0]), least(measured.samples[1]), least(measured.samples[2])}; }

std::vector<Case> quiet_paths(const World& world, const Trio& subjects) {
  std::vector<Case> out;
  out.push_back(established_hot(world, subjects));
  out.push_back(replies_hot(world, subjects));
  out.push_back(established_rotating(world, subjects, 100));
  out.back().limit = 1.0 / 4;
  out.push_back(established_rotating(world, subjects, kFriends));
  out.back().name = "… each to another address";
  out.push_back(first_packet(world, subjects, false));
  out.back().limit = 1.0 / 2;
  out.push_back(first_packet(world, subjects, true));
  out.back().name = "… reported by an event";
  out.push_back(denied(world, subjects));
  out.push_back(verdict_alone("stateless verdict alone", world, subjects, true));
  out.back().limit = 1.0 / 8;
  out.push_back(verdict_alone("… peers at random", world, subjects, false));
  return out;
}

std::vector<Case> paths(const World& world, const Trio& subjects, const Trio& flooded) {
  std::vector<Case> out = quiet_paths(world, subjects);
  out.push_back(flooding(world, flooded));
  return out;
}

std::uint32_t survivors(const World& world, Subject& subject) {
  std::uint32_t alive = 0;
  for (std::uint32_t flow = 0; flow < kFlows; ++flow) {
    const auto port = static_cast<std::uint16_t>(kFirstClientPort + flow / 100);
    const Traffic answer{.hook = Hook::FromPod, .frame = frame(pod_address(), world.ports.back(), peer_address(flow % 100), port, kTcpAck)};
    subject.run(answer, 1);
    alive += subject.last_answer() == kPassed;
  }
  return alive;
}

Case verdict_alone(const std::string& name, const World& world, const Trio& subjects, bool hot) {
  const auto peers = static_cast<std::uint32_t>(world.identities.size());
  const std::uint16_t port = world.ports[world.ports.size() / 2];
  Case out{name, subjects, {.hook = Hook::Verdict, .frame = frame(pod_address(world.v6), 40000, peer_address(peers / 2, world.v6), port, kTcpSyn)}, 100'000};
  if (!hot) {
    out.traffic.how = "random_peer";
    out.traffic.tuples = {.count = 0, .random = 1, .modulus = 1, .peers = peers, .peer_bytes = offsets(world.v6).destination, .port_bytes = offsets(world.v6).source_port, .zero = 0};
  }
  return out;
}

}  // namespace netpolc::datapath_bench
