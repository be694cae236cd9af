#include "runtime-loader/clock.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>

#include "runtime-loader/fd.h"

namespace netpolc::loader {

std::uint32_t jiffies_per_second() {
  static const std::uint32_t frequency = [] {
    timespec resolution{};
    if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0 || resolution.tv_nsec <= 0) return 250u;
    return static_cast<std::uint32_t>(std::lround(1e9 / static_cast<double>(resolution.tv_nsec)));
  }();
  return frequency;
}

std::uint32_t tick_shift() { return static_cast<std::uint32_t>(std::lround(std::log2(jiffies_per_second()))); }

std::uint32_t ticks(std::uint64_t seconds) {
  const std::uint64_t jiffies = seconds * jiffies_per_second();
  return static_cast<std::uint32_t>((jiffies + (std::uint64_t{1} << tick_shift()) - 1) >> tick_shift());
}

Result<std::uint32_t> current_tick() {
  const std::array<bpf_insn, 3> program{{
      {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = BPF_FUNC_jiffies64},
      {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = static_cast<std::int32_t>(tick_shift())},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  }};
  const Fd loaded{bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "np_clock", "Dual MIT/GPL", program.data(), program.size(), nullptr)};
  if (!loaded) return refused("loading a program that reads the clock", errno);
  const std::array<unsigned char, 64> packet{};
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = packet.data();
  options.data_size_in = packet.size();
  options.repeat = 1;
  if (const int error = bpf_prog_test_run_opts(loaded.get(), &options); error != 0) return refused("reading the clock", -error);
  return options.retval;
}

}  // namespace netpolc::loader
