#include "tools/bench/datapath/report.h"

#include <algorithm>
#include <cstdio>

namespace netpolc::datapath_bench {
namespace {

// 1/4.2, or 1.3 where it isn't less.
std::string ratio(double number) {
  char out[32];
  if (number > 0 && number < 1) std::snprintf(out, sizeof out, "1/%.1f", 1 / number);
  else std::snprintf(out, sizeof out, "%.2f", number);
  return out;
}

// Words are padded by characters, not bytes.
std::string padded(const std::string& text, std::size_t width) {
  std::size_t characters = 0;
  for (const char c : text) characters += (c & 0xc0) != 0x80;
  return text + std::string(characters < width ? width - characters : 0, ' ');
}

std::string judged(bool good, const std::string& limit) { return (good ? "within " : "MISSED ") + limit; }

}  // namespace

int print_paths(const std::vector<Case>& cases) {
  int missed = 0;
  std::printf("\nNanoseconds a packet, median (minimum); ratios after subtracting the empty program\n\n");
  std::printf("%s %8s %16s %16s %8s %8s  %s\n", padded("path", 40).c_str(), "empty", "baseline", "netpolc", "median", "minimum", "limit");
  for (const Case& measured : cases) {
    const Figures middle = medians(measured), least = minima(measured);
    std::string verdict;
    if (measured.limit) {
      const bool good = middle.ratio() <= *measured.limit;
      missed += !good;
      verdict = judged(good, ratio(*measured.limit));
    }
    if (measured.limit_of_empty) {
      const bool good = middle.of_empty() <= *measured.limit_of_empty;
      missed += !good;
      char text[64];
      std::snprintf(text, sizeof text, "; %.1f of empty, %s", middle.of_empty(), judged(good, ratio(*measured.limit_of_empty)).c_str());
      verdict += text;
    }
    std::printf("%s %3.0f (%2.0f) %8.0f (%5.0f) %8.0f (%5.0f) %8s %8s  %s\n", padded(measured.name, 40).c_str(), middle.empty, least.empty, middle.baseline, least.baseline,
                middle.netpolc, least.netpolc, ratio(middle.ratio()).c_str(), ratio(least.ratio()).c_str(), verdict.c_str());
  }
  return missed;
}

void print_ipv6(const std::vector<Case>& ipv4, const std::vector<Case>& ipv6) {
  std::printf("\nIPv6, beside IPv4: nanoseconds a packet, median (minimum); the ratio after subtracting the empty program\n\n");
  std::printf("%s %8s %16s %9s %16s %8s\n", padded("path", 40).c_str(), "empty", "netpolc", "of empty", "IPv4", "of IPv4");
  for (const Case& measured : ipv6) {
    const auto same = std::find_if(ipv4.begin(), ipv4.end(), [&](const Case& other) { return other.name == measured.name; });
    if (same == ipv4.end()) continue;
    const Figures six = medians(measured), least = minima(measured), four = medians(*same);
    std::printf("%s %3.0f (%2.0f) %8.0f (%5.0f) %9.1f %8.0f (%5.0f) %8.2f\n", padded(measured.name, 40).c_str(), six.empty, least.empty, six.netpolc, least.netpolc,
                six.of_empty(), four.netpolc, minima(*same).netpolc, (six.netpolc - six.empty) / (four.netpolc - four.empty));
  }
}

int print_growth(const Growth& growth) {
  int missed = 0;
  std::printf("\nA verdict alone as %s grow: ns above the empty program, median (minimum)\n\n%s", growth.name.c_str(), padded("", 20).c_str());
  for (const std::uint32_t size : growth.sizes) std::printf(" %14u", size);
  std::printf("  growth\n");
  for (const bool hot : {true, false}) {
    const std::vector<Case>& cases = hot ? growth.hot : growth.random;
    for (const bool ours : {true, false}) {
      std::printf("%s", padded(std::string(ours ? "netpolc" : "baseline") + (hot ? ", hot peer" : ", random"), 20).c_str());
      const auto above = [&](const Figures& f) { return (ours ? f.netpolc : f.baseline) - f.empty; };
      for (const Case& measured : cases) {
        if (!ours && measured.subjects.baseline == nullptr) std::printf(" %14s", "too many");
        else std::printf(" %6.0f (%5.0f)", above(medians(measured)), above(minima(measured)));
      }
      if (!ours && cases.back().subjects.baseline == nullptr) {
        std::printf("\n");
        continue;
      }
      const double grown = above(medians(cases.back())) / above(medians(cases.front()));
      const double limit = hot ? kHotGrowth : kRandomGrowth;
      const bool limited = growth.limited && ours;
      missed += limited && grown > limit;
      std::printf("  %.2f %s\n", grown, limited ? judged(grown <= limit, ratio(limit)).c_str() : "");
    }
  }
  return missed;
}

void print_programs(const std::string& title, const std::vector<ProgramCost>& programs) {
  std::printf("\n%s\n", title.c_str());
  for (const ProgramCost& program : programs)
    std::printf("  %-16s %6u instructions, %6u bytes of machine code, %7u walked by the verifier in %.1f ms\n", program.name.c_str(), program.instructions,
                program.machine_code, program.walked, program.verifier_us / 1000.0);
}

int print_load(const std::vector<LoadCost>& costs) {
  int missed = 0;
  for (const LoadCost& cost : costs) {
    const bool limited = cost.entries == 10'000;
    const bool good = cost.load_ms <= kLoadLimit;
    missed += limited && !good;
    char title[256];
    std::snprintf(title, sizeof title, "%u entries a direction: compiled in %.1f ms, loaded in %.1f ms, %.0f KiB of its own%s", cost.entries, cost.compile_ms, cost.load_ms,
                  static_cast<double>(cost.memory) / 1024, limited ? ("; " + judged(good, "50 ms")).c_str() : "");
    print_programs(title, cost.programs);
  }
  return missed;
}

}  // namespace netpolc::datapath_bench
