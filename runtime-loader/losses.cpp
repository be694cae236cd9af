#include "runtime-loader/losses.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "ir/map_layout.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLimit = 1u << 20;

std::string content(int fd) {
  std::string text(kLimit, '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

// What a killed reader left half-written says nothing: then losses are told of twice rather than never.
Json parsed(int fd) {
  Json out = Json::parse(content(fd), nullptr, false);
  return out.is_object() ? out : Json::object();
}

std::string other_reader(int fd) {
  const Json known = parsed(fd);
  const auto pid = known.find("pid");
  return pid != known.end() && pid->is_number_integer() ? " (process " + pid->dump() + ")" : "";
}

std::vector<std::uint64_t> told_before(int fd, std::uint32_t maps) {
  const Json known = parsed(fd);
  const auto of = known.find("maps"), told = known.find("told");
  if (of == known.end() || *of != maps || told == known.end() || !told->is_array()) return {};
  std::vector<std::uint64_t> out;
  for (const Json& one : *told) out.push_back(one.is_number_unsigned() ? one.get<std::uint64_t>() : 0);
  return out;
}

}  // namespace

Result<Losses> Losses::open(const Installation& site, std::uint32_t maps) {
  Losses out;
  const std::string path = site.state_directory() + "/monitor.lock";
  out.lock_ = Fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!out.lock_) return refused("opening " + path, errno);
  if (flock(out.lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return bad_input("another monitor" + other_reader(out.lock_.get()) + " is reading the events of " + site.root() + ", and what one reads no other sees; end that one first");
  out.stats_ = open_pinned(site.map_path(NP_MAP_STATS));
  if (!out.stats_) return refused("the map of statistics is not where it was pinned");
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return refused("counting the processors", -cpus);
  out.maps_ = maps;
  out.told_ = told_before(out.lock_.get(), maps);
  out.told_.resize(static_cast<std::size_t>(cpus));
  out.seen_ = out.told_;
  out.remember();
  return out;
}

Result<std::vector<LostEvents>> Losses::news() {
  const std::uint32_t key = NP_STAT_SUPPRESSED;
  if (bpf_map_lookup_elem(stats_.get(), &key, seen_.data()) != 0) return refused("reading how many events were lost", errno);
  std::vector<LostEvents> out;
  for (std::size_t cpu = 0; cpu < seen_.size(); ++cpu)
    if (seen_[cpu] > told_[cpu]) out.push_back({static_cast<unsigned>(cpu), seen_[cpu] - told_[cpu]});
  return out;
}

void Losses::remember() {
  told_ = seen_;
  const std::string text = Json{{"pid", getpid()}, {"maps", maps_}, {"told", told_}}.dump() + "\n";
  // Should it fail, the next reader tells of them once more.
  if (pwrite(lock_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) && ftruncate(lock_.get(), static_cast<off_t>(text.size())) != 0) return;
}

}  // namespace netpolc::loader
