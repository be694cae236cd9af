#include "runtime-loader/grace.h"

#include <bpf/bpf.h>
#include <doctest/doctest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "runtime-loader/fd.h"

using namespace netpolc::loader;

namespace {

bpf_insn instruction(int code, int to, int from, int offset, int number) {
  bpf_insn out{};
  out.code = static_cast<__u8>(code);
  out.dst_reg = static_cast<__u8>(to & 15);
  out.src_reg = static_cast<__u8>(from & 15);
  out.off = static_cast<__s16>(offset);
  out.imm = number;
  return out;
}

// Says in the first word of the map's value that it runs, takes a while, and says in the second that it is done.
Fd slow_program(int map) {
  constexpr int kTurns = 30000;
  const std::vector<bpf_insn> code = {
      instruction(BPF_LD | BPF_DW | BPF_IMM, 6, BPF_PSEUDO_MAP_VALUE, 0, map),
      instruction(0, 0, 0, 0, 0),
      instruction(BPF_ST | BPF_MEM | BPF_DW, 6, 0, 0, 1),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 0),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 1),
      instruction(BPF_JMP | BPF_JLT | BPF_K, 7, 0, -3, kTurns),
      instruction(BPF_ST | BPF_MEM | BPF_DW, 6, 0, 8, 1),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  return Fd{bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "np_slow", "GPL", code.data(), code.size(), nullptr)};
}

}  // namespace

TEST_CASE("programs that run when waiting begins have ended when it ends") {
  if (geteuid() != 0) {
    MESSAGE("not tried: loading programs needs root");
    return;
  }
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.map_flags = BPF_F_MMAPABLE;
  const Fd map{bpf_map_create(BPF_MAP_TYPE_ARRAY, "np_slow", 4, 16, 1, &options)};
  if (!map) {
    MESSAGE("not tried: the kernel gives no map");
    return;
  }
  const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, map.get(), 0);
  REQUIRE(bytes != MAP_FAILED);
  std::atomic_ref<std::uint64_t> runs(static_cast<std::uint64_t*>(bytes)[0]), done(static_cast<std::uint64_t*>(bytes)[1]);
  const Fd program = slow_program(map.get());
  REQUIRE(program);
  for (int turn = 0; turn < 20; ++turn) {
    runs = done = 0;
    std::thread packet([&] {
      std::array<std::uint8_t, 64> frame{};
      bpf_test_run_opts run{};
      run.sz = sizeof run;
      run.data_in = frame.data();
      run.data_size_in = frame.size();
      CHECK(bpf_prog_test_run_opts(program.get(), &run) == 0);
    });
    while (runs == 0) std::this_thread::yield();
    const Done waited = wait_for_programs();
    CHECK(waited);
    CHECK(done == 1);
    packet.join();
  }
  munmap(bytes, size);
}
