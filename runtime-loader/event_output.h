// runtime-loader/event_output.h — events as text and as JSON, a line or two each, with their ends.
#pragma once
#include <cstdint>
#include <string>

#include "runtime-loader/seen.h"

namespace netpolc::loader {

// Text: Hubble's compact line, then what decided and where that is written. Json: ours. Jsonpb: as `hubble observe -o jsonpb`.
enum class EventForm : std::uint8_t { Text, Json, Jsonpb };

// How often an event was seen: `first` is the time of the first of them (wall clock, ns), the event's own that of the last.
struct Repeats {
  std::uint64_t count = 1;
  std::int64_t first = 0;
};

std::string to_lines(const Seen& seen, EventForm form, const Repeats& repeats = {});
std::string event_text(const Seen& seen, const Repeats& repeats = {});
std::string event_json(const Seen& seen, const Repeats& repeats = {});
std::string event_jsonpb(const Seen& seen);

// That a processor's programs could not write `events`; `node`: "" where it isn't known, `time`: wall clock, ns.
struct LostEvents {
  unsigned cpu = 0;
  std::uint64_t events = 0;
};
std::string to_lines(const LostEvents& lost, EventForm form, const std::string& node, std::int64_t time);

// What Hubble says of the packet: "UDP", "ICMPv4 EchoRequest", "TCP".
std::string packet_summary(const Seen& seen);
// "2026-11-27T05:40:01.123Z", with so many digits of a second's fraction.
std::string utc_time(std::int64_t time, int digits);

}  // namespace netpolc::loader
