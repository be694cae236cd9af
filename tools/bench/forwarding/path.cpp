#include "tools/bench/forwarding/path.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "tools/bench/datapath/kernel_object.h"

namespace netpolc::forwarding_bench {
namespace {

constexpr std::size_t kAtOnce = 64;  // frames a system call
constexpr std::uint16_t kFirstPort = 20'000;
constexpr int kTcxIngress = 46, kTcxEgress = 47;  // of enum bpf_attach_type, which older headers lack

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

// Sockets and links belong to the namespace that their maker is in.
void enter(const std::string& netns) {
  const Fd there(open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
  if (there.get() < 0 || setns(there.get(), CLONE_NEWNET) != 0) fail("entering namespace " + netns);
}

unsigned device_index(const std::string& device) {
  const unsigned index = if_nametoindex(device.c_str());
  if (index == 0) fail("device " + device);
  return index;
}

// Sends frames as they are, without a queue in between; receives nothing.
int frame_socket(const std::string& device) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("packet socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(device_index(device));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("packet socket of " + device);
  const int on = 1;
  if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) fail("PACKET_QDISC_BYPASS");
  return fd;
}

void send_one(int fd, Frame frame) {
  if (send(fd, frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) fail("sending a packet");
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Path::Path(const Plan& plan) : plan_(plan) {
  const std::string_view bytes = datapath_bench::embedded("ends");
  object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
  if (!object_) fail("opening the programs of the ends");
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS);
  if (bpf_object__load(object_.get()) != 0) fail("loading the programs of the ends");

  enter(plan.clients);
  for (std::uint32_t i = 0; i < plan.count; ++i) {
    const std::string device = "c" + std::to_string(plan.first + i);
    sockets_.emplace_back(frame_socket(device));
    attach("arrival", device, true);
  }
  enter(plan.server);
  sockets_.emplace_back(frame_socket("s"));
  attach("arrival", "s", true);
  enter(plan.node);
  for (std::uint32_t i = 0; i < plan.empty; ++i) attach("nothing", "lc" + std::to_string(i), true);
  if (plan.empty_server) attach("nothing", "ls", false);

  for (std::uint32_t i = 0; i < plan.flows; ++i) {
    flows_.push_back({plan.first + i % plan.count, static_cast<std::uint16_t>(kFirstPort + i / plan.count)});
    frames_.push_back(segment(flows_.back(), true, kAck, true));
  }
}

// `arrives`: what comes in by the device; else what goes out.
void Path::attach(const char* program, const std::string& device, bool arrives) {
  const int fd = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), program));
  const int link = bpf_link_create(fd, static_cast<int>(device_index(device)), static_cast<bpf_attach_type>(arrives ? kTcxIngress : kTcxEgress), nullptr);
  if (link < 0) fail("attaching to " + device + " by tcx");
  attached_.emplace_back(link);
}

std::uint64_t Path::arrived() const {
  const std::uint32_t zero = 0;
  std::uint64_t out = 0;
  if (bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(object_.get(), "arrived"), &zero, &out) != 0) fail("reading what arrived");
  return out;
}

void Path::expect(std::uint64_t packets, const char* what) {
  seen_ += packets;
  // the last ones may be on their way yet, where the kernel hands them to a thread
  for (int wait = 0; arrived() != seen_; ++wait) {
    if (wait == 200) throw std::runtime_error(plan_.name + ": of " + what + " " + std::to_string(arrived() + packets - seen_) + " arrived instead of " + std::to_string(packets));
    usleep(1000);
  }
}

void Path::establish() {
  seen_ = arrived();
  for (const Flow& flow : flows_) send_one(client(flow), segment(flow, true, kSyn, false));
  expect(flows_.size(), "the first packets of all flows");
  for (const Flow& flow : flows_) send_one(sockets_.back().get(), segment(flow, false, kSyn | kAck, false));
  expect(flows_.size(), "their answers");
  for (const Flow& flow : flows_) send_one(client(flow), segment(flow, true, kAck, false));
  expect(flows_.size(), "the last packets of all handshakes");
}

double Path::run(std::uint32_t packets) {
  std::array<mmsghdr, kAtOnce> messages{};
  std::array<iovec, kAtOnce> parts{};
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t sent = 0; sent < packets;) {
    // one system call sends by one device: flows of one client stand together
    const int fd = client(flows_[next_]);
    unsigned count = 0;
    while (count < kAtOnce && sent + count < packets && client(flows_[next_]) == fd) {
      parts[count] = {frames_[next_].data(), frames_[next_].size()};
      messages[count].msg_hdr.msg_iov = &parts[count];
      messages[count++].msg_hdr.msg_iovlen = 1;
      next_ = (next_ + 1) % flows_.size();
    }
    if (sendmmsg(fd, messages.data(), count, 0) != static_cast<int>(count)) fail("sending packets");
    sent += count;
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  expect(packets, "packets of established flows");
  return took.count() / packets;
}

}  // namespace netpolc::forwarding_bench
