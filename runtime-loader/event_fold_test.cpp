#include "runtime-loader/event_fold.h"

#include <doctest/doctest.h>

#include "runtime-loader/test_events.h"

using namespace netpolc::loader;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Folded {
  Generations names = test_generations();
  EventFold fold{10 * kSecond};
  std::vector<std::pair<std::uint16_t, std::uint64_t>> put;  // port, how often

  void add(int second, std::uint16_t source, std::uint16_t destination) {
    auto event = denied_event();
    event.time = static_cast<np_u64>(second * kSecond);
    event.source_port = source;
    event.destination_port = destination;
    fold.add(see(event, names, 0));
  }
  void due(int second) {
    fold.put_due(second * kSecond, [this](const Seen& seen, const Repeats& repeats) { put.emplace_back(*seen.destination.port, repeats.count); });
  }
};

}  // namespace

TEST_CASE("each kind of event is told once a window, with its number") {
  Folded it;
  it.add(1, 1000, 80);
  it.add(2, 1001, 443);
  it.add(3, 1002, 80);  // another source port is no other kind
  it.due(10);
  CHECK(it.put.empty());
  it.due(11);
  CHECK(it.put == std::vector<std::pair<std::uint16_t, std::uint64_t>>{{80, 2}});
  it.add(12, 1003, 80);  // begins anew
  it.due(12);
  CHECK(it.put.back() == std::pair<std::uint16_t, std::uint64_t>{443, 1});
  it.due(21);
  CHECK(it.put.size() == 2);
  it.due(22);
  CHECK(it.put.back() == std::pair<std::uint16_t, std::uint64_t>{80, 1});
  CHECK(it.fold.empty());
}

TEST_CASE("none is left over, and their number is bounded") {
  Folded it;
  for (int i = 0; i < 5000; ++i) {
    it.add(1, 1, static_cast<std::uint16_t>(i));
    it.due(1);
  }
  CHECK(it.put.size() > 4000);
  it.fold.put_all([&](const Seen& seen, const Repeats& repeats) { it.put.emplace_back(*seen.destination.port, repeats.count); });
  CHECK(it.put.size() == 5000);
}
