// runtime-loader/generation_follower.h — the names of what is loaded, read again whenever a loader changed something.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <functional>

#include "runtime-loader/generation_names.h"
#include "runtime-loader/installation.h"

namespace netpolc::loader {

class GenerationFollower {
 public:
  // `before`: called before names go that somebody may point to.
  GenerationFollower(const Installation& site, std::function<void()> before) : site_(site), before_(std::move(before)) {}

  // Cheap where nothing has changed. Fails as input where nothing is loaded, or where all of it was taken away since: then the maps are others too.
  Done refresh();
  const Generations& names() const { return names_; }
  std::uint32_t maps() const { return maps_; }  // State::conntrack

 private:
  struct Mark {
    ino_t inode = 0;
    std::int64_t changed = 0;  // wall clock, ns
    bool operator==(const Mark&) const = default;
  };
  Done read(const Mark& mark);
  Done take_up(State state, std::int64_t since);

  const Installation& site_;
  std::function<void()> before_;
  Generations names_;
  std::uint32_t maps_ = 0;
  Mark mark_;
};

}  // namespace netpolc::loader
