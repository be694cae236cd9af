#include "runtime-loader/blocked.h"

#include <fcntl.h>

#include <cerrno>

#include "runtime-loader/object.h"

namespace netpolc::loader {
namespace {

constexpr const char* kFrom = "blocked_from";
constexpr const char* kTo = "blocked_to";

Fd copy_of(int fd) { return Fd{fcntl(fd, F_DUPFD_CLOEXEC, 0)}; }

}  // namespace

Result<BlockedPrograms> blocked_programs(const Installation& site) {
  BlockedPrograms out{open_pinned(site.own_program_path(kFrom)), open_pinned(site.own_program_path(kTo))};
  if (out.from_pod && out.to_pod) return out;
  SharedMaps shared;
  for (const char* name : {NP_MAP_DROPS, NP_MAP_EVENTS}) {
    Fd map = open_pinned(site.map_path(name));
    if (!map) return refused(site.map_path(name) + " is not where it was pinned; load the bundle again");
    shared.by_name.emplace(name, std::move(map));
  }
  const auto object = Object::load_without_peers(blocked_object(), "the program for pods without one", shared);
  if (!object) return tl::make_unexpected(object.error());
  out = {copy_of(object->program(NP_PROGRAM_FROM_POD)), copy_of(object->program(NP_PROGRAM_TO_POD))};
  if (!out.from_pod || !out.to_pod) return refused("keeping a program", errno);
  if (const Done done = pin_over(out.from_pod.get(), site.own_program_path(kFrom)); !done) return tl::make_unexpected(done.error());
  if (const Done done = pin_over(out.to_pod.get(), site.own_program_path(kTo)); !done) return tl::make_unexpected(done.error());
  return out;
}

}  // namespace netpolc::loader
