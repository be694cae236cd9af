#include "runtime-loader/own_programs.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "ir/map_layout.h"
#include "runtime-loader/blocked.h"

namespace netpolc::loader {
namespace {

constexpr std::array kOfGeneration = {NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_NEAR4, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6, NP_MAP_INTERFACES, NP_MAP_CONFIG};
constexpr std::array kOfInstallation = {NP_MAP_FLOWS4, NP_MAP_FLOWS6, NP_MAP_FRAGMENTS, NP_MAP_DROPS, NP_MAP_STATS, NP_MAP_EVENTS};

Result<bpf_prog_info> info_of(int program, std::vector<std::uint32_t>* maps = nullptr) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (maps != nullptr) {
    maps->resize(64);
    info.nr_map_ids = static_cast<std::uint32_t>(maps->size());
    info.map_ids = reinterpret_cast<std::uint64_t>(maps->data());
  }
  if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) return refused("asking about a program", errno);
  if (maps != nullptr) maps->resize(std::min<std::size_t>(maps->size(), info.nr_map_ids));
  return info;
}

Done add_map(const std::string& path, std::set<std::uint32_t>& ids) {
  const Fd map = open_pinned(path);
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (!map) return refused(path + " is not where it was pinned; load the bundle again");
  if (bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0) return refused("asking about " + path, errno);
  ids.insert(info.id);
  return {};
}

}  // namespace

Result<std::uint64_t> program_tag(int program) {
  const auto info = info_of(program);
  if (!info) return tl::make_unexpected(info.error());
  std::uint64_t tag = 0;
  static_assert(sizeof info->tag == sizeof tag);
  std::memcpy(&tag, info->tag, sizeof tag);
  return tag;
}

Result<OwnProgram> OwnPrograms::add(Fd program, const std::string& path) {
  if (!program) return refused(path + ": no program is pinned there; load the bundle again");
  const auto info = info_of(program.get());
  if (!info) return tl::make_unexpected(info.error());
  const auto [held, fresh] = by_id_.try_emplace(info->id, std::move(program));
  const OwnProgram out{held->second.get(), info->id};
  by_path_[path] = out;
  return out;
}

Done OwnPrograms::add_generation(const Installation& site, std::uint64_t generation) {
  for (const std::string& digest : site.pinned_programs(generation))
    for (const char* side : {"from", "to"}) {
      const std::string path = site.program_path(generation, digest, side);
      if (by_path_.contains(path)) continue;
      auto program = open_if_pinned(path);
      if (!program) return tl::make_unexpected(program.error());
      if (!*program) continue;  // whoever needs it says that it is missing
      if (const auto added = add(std::move(*program), path); !added) return tl::make_unexpected(added.error());
    }
  for (const char* name : {"blocked_from", "blocked_to"}) {
    const std::string path = site.own_program_path(name);
    if (Fd program = open_pinned(path); program && !by_path_.contains(path))
      if (const auto added = add(std::move(program), path); !added) return tl::make_unexpected(added.error());
  }
  return {};
}

Result<ProgramPair> OwnPrograms::of(const Installation& site, std::uint64_t generation, const Attachment& attachment) {
  std::string from = site.program_path(generation, attachment.program, "from"), to = site.program_path(generation, attachment.program, "to");
  if (!attachment.blocked.empty()) {
    from = site.own_program_path("blocked_from");
    to = site.own_program_path("blocked_to");
    if (!by_path_.contains(from) || !by_path_.contains(to)) {
      auto made = blocked_programs(site);
      if (!made) return tl::make_unexpected(made.error());
      if (const auto added = add(std::move(made->from_pod), from); !added) return tl::make_unexpected(added.error());
      if (const auto added = add(std::move(made->to_pod), to); !added) return tl::make_unexpected(added.error());
    }
  }
  const auto one = by_path_.find(from), other = by_path_.find(to);
  if (one == by_path_.end() || other == by_path_.end())
    return refused("the program of " + attachment.endpoint + " is not pinned at " + from + "; load the bundle again");
  return ProgramPair{one->second, other->second};
}

int OwnPrograms::by_id(std::uint32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? -1 : found->second.get();
}

Done OwnPrograms::check(const Installation& site, const std::map<std::string, std::uint64_t>& tags, std::uint64_t generation) const {
  std::set<std::uint32_t> maps;
  for (const char* name : kOfGeneration)
    if (const Done done = add_map(site.generation_map_path(generation, name), maps); !done) return done;
  for (const char* name : kOfInstallation)
    if (const Done done = add_map(site.map_path(name), maps); !done) return done;
  for (const auto& [name, tag] : tags) {
    const std::string path = site.generation_path(generation) + "/programs/" + name;
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return refused(path + " is not where it was pinned; load the bundle again");
    const auto there = program_tag(found->second.fd);
    if (!there) return tl::make_unexpected(there.error());
    if (*there != tag) return refused(path + " is another program than the one that was pinned there; load the bundle again");
    std::vector<std::uint32_t> used;
    if (const auto info = info_of(found->second.fd, &used); !info) return tl::make_unexpected(info.error());
    for (const std::uint32_t map : maps)
      if (std::find(used.begin(), used.end(), map) == used.end())
        return refused(path + " doesn't use the maps that are pinned for it; load the bundle again");
  }
  return {};
}

}  // namespace netpolc::loader
