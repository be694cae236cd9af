// runtime-loader/test_events.h — an event, and the names behind it, for tests: db of test_bundle.h was refused by web-1.
#pragma once
#include <cstring>
#include <functional>
#include <memory>

#include "runtime-loader/seen.h"
#include "runtime-loader/test_bundle.h"

namespace netpolc::loader {

inline std::shared_ptr<GenerationNames> test_names(const std::function<void(GenerationState&)>& change = [](GenerationState&) {},
                                                   const std::function<void(TestBundle&)>& change_bundle = [](TestBundle&) {}, std::int64_t since = 0) {
  TestBundle made;
  for (auto& program : made.json["programs"])
    for (auto& text : program["ruleTexts"]["ingress"]) text = "allow from k8s:app in (db) on */ICMPv6 | 80/TCP";
  change_bundle(made);
  made.write();
  GenerationState state;
  state.number = 1;
  state.node = "one";
  Attachment it;
  it.endpoint = "a/web-1";
  it.ifname = "lxc1";
  it.ifindex = 5;
  state.attachments = {it};
  change(state);
  return std::make_shared<GenerationNames>(std::move(state), *read_bundle(made.directory.path()), since);
}

inline Generations test_generations() {
  Generations out;
  out.add(test_names());
  return out;
}

inline void set_addresses(np_event& event, const char* source, const char* destination) {
  const auto from = *Address::parse(source), to = *Address::parse(destination);
  std::memcpy(event.source, from.bytes.data(), 16);
  std::memcpy(event.destination, to.bytes.data(), 16);
}

inline np_event denied_event() {
  np_event event{};
  event.time = 1'500'000'000;
  event.program = 0xaa;
  event.ifindex = 5;
  event.rule = 0;
  event.identity = 300;
  event.length = 54;
  set_addresses(event, "10.0.0.3", "10.0.0.1");
  event.source_port = 40000;
  event.destination_port = 80;
  event.protocol = 6;
  event.direction = NP_INGRESS;
  event.family = 4;
  event.tcp_flags = 0x02;
  event.reason = NP_REASON_DENY;
  return event;
}

}  // namespace netpolc::loader
