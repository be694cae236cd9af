// runtime-loader/seen.h — an event in names: who spoke with whom, what became of it, by which rule of which policy.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/hubble.h"
#include "ir/map_layout.h"
#include "runtime-loader/generation_names.h"

namespace netpolc::loader {

struct EventEnd {
  Address address;              // 0.0.0.0 where the packet is neither IPv4 nor IPv6
  bool has_address = false;
  std::optional<std::uint16_t> port;
  PodName name;
  std::uint32_t identity = 0;   // 0: not looked up
  std::vector<std::string> labels;

  // "namespace/pod", else "namespace/workload", else the address; "unknown" where there is none.
  std::string text() const;
};

// What is not known is left empty; pointers are into the generation.
struct Seen {
  np_event event{};
  std::int64_t time = 0;  // wall clock, ns
  const GenerationNames* generation = nullptr;
  const Attachment* attachment = nullptr;
  const BundleEndpoint* endpoint = nullptr;  // whose rules it was judged by
  const BundleProgram* program = nullptr;
  EventEnd source, destination;
  std::optional<ir::hubble::MatchType> match;  // of what policy decided
  const std::string* rule_text = nullptr;
  std::vector<RuleOrigin> origins;  // of the rule that decided
  // After default deny: a rule of each policy that allows something in this direction, but not this.
  std::vector<RuleOrigin> not_allowed_by;

  bool ingress() const { return event.direction == NP_INGRESS; }
  bool audited() const { return (event.flags & NP_EVENT_AUDITED) != 0; }
  bool allowed() const { return event.reason == NP_REASON_FORWARDED; }
  bool outside() const { return (event.flags & NP_EVENT_OUTSIDE) != 0; }
  const EventEnd& local() const { return ingress() ? destination : source; }
  const EventEnd& remote() const { return ingress() ? source : destination; }
  // Hubble has two kinds of events: what policy said, and other drops. Of a drop by policy of which nobody knows by what of the
  // packet the rule was found, only the latter can be told.
  bool policy_verdict() const;
  bool has_transport() const;  // its transport header was read
};

// `wall_offset`: ns to add to the kernel's clock.
Seen see(const np_event& event, const Generations& generations, std::int64_t wall_offset);

// By what of the packet a rule was found, from the rule's text in the bundle.
ir::hubble::MatchType match_of(const std::string& rule_text, std::uint8_t protocol, std::uint16_t number);

}  // namespace netpolc::loader
