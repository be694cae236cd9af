#include "runtime-loader/generation_follower.h"

#include <chrono>
#include <thread>

#include "runtime-loader/kept_bundle.h"

namespace netpolc::loader {
namespace {

// A loader may take away a manifest that the state named when we read it: then there is another state.
constexpr int kTries = 20;
constexpr auto kPause = std::chrono::milliseconds(20);

}  // namespace

Done GenerationFollower::refresh() {
  Failure failure;
  for (int i = 0; i < kTries; ++i) {
    struct stat info {};
    if (stat(site_.state_path().c_str(), &info) != 0) return bad_input("what was loaded under " + site_.root() + " has been unloaded");
    const Mark mark{info.st_ino, info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
    if (mark == mark_) return {};
    const Done done = read(mark);
    if (done || done.error().kind == FailureKind::Input) return done;
    failure = done.error();
    std::this_thread::sleep_for(kPause);
  }
  return tl::make_unexpected(failure);
}

Done GenerationFollower::read(const Mark& mark) {
  auto known = read_state(site_);
  if (!known) return tl::make_unexpected(known.error());
  if (!known->current || known->state.bundle.empty()) return bad_input("nothing is loaded under " + site_.root());
  if (maps_ != 0 && known->state.conntrack != maps_) return bad_input("what was loaded under " + site_.root() + " has been unloaded, and something else was loaded");
  before_();
  const std::uint32_t maps = known->state.conntrack;
  if (const Done done = take_up(std::move(known->state), mark.changed); !done) return done;
  maps_ = maps;
  mark_ = mark;
  return {};
}

Done GenerationFollower::take_up(State state, std::int64_t since) {
  const bool same = !names_.empty() && names_.newest().state().bundle == state.bundle && names_.newest().state().number == state.number;
  if (same) {
    names_.newest().update(std::move(state));
    return {};
  }
  auto bundle = kept_manifest(site_, state.bundle);
  // As one of the kernel's kind: the state may be read once more, and be another.
  if (!bundle) return refused(bundle.error().message);
  if (names_.empty()) {
    since = wall_time(state.loaded);
    if (state.previous)
      if (auto former = kept_manifest(site_, state.previous->bundle))
        names_.add(std::make_shared<GenerationNames>(*state.previous, std::move(*former), wall_time(state.previous->loaded)));
  }
  names_.add(std::make_shared<GenerationNames>(std::move(state), std::move(*bundle), since));
  return {};
}

}  // namespace netpolc::loader
