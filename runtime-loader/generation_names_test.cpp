#include "runtime-loader/generation_names.h"

#include <doctest/doctest.h>

#include "runtime-loader/event_output.h"
#include "runtime-loader/test_events.h"

using namespace netpolc::loader;
using netpolc::ir::hubble::MatchType;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string second_line(const Generations& names, std::int64_t at) {
  auto event = denied_event();
  event.time = static_cast<np_u64>(at);
  const std::string text = event_text(see(event, names, 0));
  return text.substr(text.find('\n') + 1);
}

void move_rule(TestBundle& bundle) { bundle.json["endpoints"][0]["rules"]["ingress"][0]["line"] = 99; }

}  // namespace

TEST_CASE("an event is told in the words of the generation that was in force") {
  Generations names;
  names.add(test_names());
  names.add(test_names([](GenerationState& state) { state.number = 2; }, move_rule, 10 * kSecond));
  // the same program in both, but the rule was moved in its file
  CHECK(second_line(names, 9 * kSecond).find("web.yaml:12\n") != std::string::npos);
  CHECK(second_line(names, 10 * kSecond).find("web.yaml:99\n") != std::string::npos);
}

TEST_CASE("a program that only one generation has is that one's, whenever it spoke") {
  Generations names;
  names.add(test_names());
  names.add(test_names([](GenerationState& state) { state.number = 2; }, [](TestBundle& bundle) { bundle.json["programs"][0]["tag"] = "0x00000000000000cc"; }, kSecond));
  CHECK(names.has_program(0xaa));
  CHECK(names.has_program(0xcc));
  CHECK(!names.has_program(0xdd));
  CHECK(names.of(0xaa, 5 * kSecond).state().number == 1);
  CHECK(names.of(0xcc, 0).state().number == 2);
  CHECK(names.of(0xdd, 0).state().number == 1);
  CHECK(names.of(0, 5 * kSecond).state().number == 2);
}

TEST_CASE("few generations are kept") {
  Generations names;
  for (std::uint64_t i = 1; i <= 6; ++i) names.add(test_names([&](GenerationState& state) { state.number = i; }, [](TestBundle&) {}, static_cast<std::int64_t>(i) * kSecond));
  CHECK(names.of(0xaa, 0).state().number == 4);
  CHECK(names.newest().state().number == 6);
}

TEST_CASE("addresses are called what was said last") {
  auto names = test_names();
  const auto name = [&](const char* address, std::uint32_t identity = 0) {
    const PodName found = names->name(*Address::parse(address), identity);
    return found.ns + "/" + found.pod + "/" + found.workload;
  };
  CHECK(name("10.0.0.2") == "a/web-2/web");
  CHECK(name("fd00::3") == "a/db/db");
  CHECK(name("10.0.0.99") == "//");
  CHECK(name("10.0.0.99", 300) == "a//db");  // that workload alone has the identity
  CHECK(name("10.0.0.99", 1) == "//");
  GenerationState state = names->state();
  state.overrides[*Prefix::parse("10.0.0.99")].endpoint = "a/web-2";
  state.overrides[*Prefix::parse("10.0.0.98")].endpoint = "b/web";
  state.overrides[*Prefix::parse("10.0.0.3")] = {};  // removed
  state.overrides[*Prefix::parse("10.0.0.97")].endpoint = "c/later";
  state.attachments[0].addresses = {*Address::parse("10.0.0.96")};
  names->update(state);
  CHECK(name("10.0.0.99") == "a/web-2/web");
  CHECK(name("10.0.0.98") == "b//web");
  CHECK(name("10.0.0.3") == "//");
  CHECK(name("10.0.0.97") == "c/later/");
  CHECK(name("10.0.0.96") == "a/web-1/web");
}

TEST_CASE("an address of two pods is neither's") {
  const auto names = test_names([](GenerationState&) {}, [](TestBundle& bundle) { bundle.json["endpoints"][1]["pods"][0]["ipv4"] = {"10.0.0.2"}; });
  CHECK(names->name(*Address::parse("10.0.0.2"), 0).pod.empty());
}

TEST_CASE("labels of identities that came later") {
  const auto names = test_names([](GenerationState& state) { state.learned[65535].labels = {{"k8s", "app", "late"}}; });
  REQUIRE(names->labels(65535) != nullptr);
  CHECK(names->labels(65535)->front() == "k8s:app=late");
  CHECK(names->labels(300)->front() == "k8s:app=db");
  CHECK(names->labels(4711) == nullptr);
  CHECK(names->labels(0) == nullptr);
}

TEST_CASE("by what of the packet a rule was found") {
  const auto match = [](const char* text, std::uint8_t protocol = 6, std::uint16_t number = 80) { return match_of(text, protocol, number); };
  CHECK(match("allow from any:app in (frontend), k8s:io.kubernetes.pod.namespace in (production) on 8080/TCP | 80/TCP") == MatchType::L3L4);
  CHECK(match("deny to cidr 10.0.0.0/8 on 1-1024/TCP") == MatchType::L3L4);
  CHECK(match("deny to cidr 10.0.0.0/8 on all traffic") == MatchType::L3Only);
  CHECK(match("deny to cidr 10.0.0.0/8 on */TCP | 443/TCP") == MatchType::L3Proto);
  CHECK(match("allow from everyone on http/TCP") == MatchType::L4Only);
  CHECK(match("allow from everyone on 80/SCTP | 80/TCP | 80/UDP", 17) == MatchType::L4Only);
  CHECK(match("allow from everyone on */TCP") == MatchType::ProtoOnly);
  CHECK(match("deny to everyone on all traffic") == MatchType::All);
  CHECK(match("allow everyone on all traffic: no policy asks for default deny") == MatchType::All);
  CHECK(match("allow from the own node on all traffic") == MatchType::L3Only);
  CHECK(match("deny everyone on all traffic: default deny") == MatchType::None);
  CHECK(match("admin 10[2]: deny from k8s:a in (b) on 80/TCP") == MatchType::L3L4);
  CHECK(match("allow from cidr 10.0.0.0/8 | everyone on 80/TCP") == MatchType::L4Only);
  CHECK(match("allow to k8s:a in (b) on 80/TCP http { path:2=/a | b} requiring k8s:c in (d)") == MatchType::L3L4);
  CHECK(match("allow to k8s:a in (b) on 8/ICMP", 1, 8) == MatchType::L3L4);
  CHECK(match("something else") == MatchType::None);
}

TEST_CASE("times of a state") {
  CHECK(wall_time("1970-01-01T00:01:00Z") == 60 * kSecond);
  CHECK(wall_time("") == 0);
}
