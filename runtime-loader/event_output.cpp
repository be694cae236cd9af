#include "runtime-loader/event_output.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "runtime-loader/drop_words.h"
#include "runtime-loader/names.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;
namespace hubble = ir::hubble;

constexpr const char* kIndent = "              ";
constexpr std::size_t kNamed = 3;  // policies in a line

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string formatted(std::int64_t time, const char* format) {
  const std::time_t seconds = time / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[48];
  std::strftime(text, sizeof text, format, &parts);
  return text;
}

std::string fraction(std::int64_t time, int digits) {
  std::string text = std::to_string(1'000'000'000 + time % 1'000'000'000).substr(1);
  return text.substr(0, static_cast<std::size_t>(digits));
}

// ---- Hubble's line ----------------------------------------------------------------------------------

ir::Protocol protocol_of(std::uint8_t number) {
  switch (number) {
    case 1: return ir::Protocol::Icmp;
    case 6: return ir::Protocol::Tcp;
    case 17: return ir::Protocol::Udp;
    case 58: return ir::Protocol::Icmpv6;
    case 132: return ir::Protocol::Sctp;
  }
  return ir::Protocol::Any;
}

std::string identity_text(std::uint32_t identity) {
  const std::string reserved = hubble::reserved_name(identity);
  return " (" + (reserved.empty() ? "ID:" + std::to_string(identity) : reserved) + ")";
}

std::string end_text(const EventEnd& end) {
  const bool by_address = end.name.pod.empty() && end.name.workload.empty();
  const auto port = end.port && *end.port != 0 ? end.port : std::nullopt;
  return hubble::at(end.text(), by_address && end.address.v6, port) + identity_text(end.identity);
}

std::string drop_text(std::uint8_t reason) {
  const DropWords words = drop_words(reason);
  return words.text != nullptr ? words.text : reason_name(reason);
}

std::string kind_and_verdict(const Seen& seen) {
  if (!seen.policy_verdict()) return drop_text(seen.event.reason) + (seen.audited() ? " AUDIT (" : " DROPPED (") + packet_summary(seen) + ")";
  const char* word = seen.allowed() ? "ALLOWED" : seen.audited() ? "AUDITED" : "DENIED";
  return hubble::policy_verdict(hubble::to_string(seen.match.value_or(hubble::MatchType::None)), seen.ingress() ? ir::Direction::Ingress : ir::Direction::Egress, word, packet_summary(seen));
}

// Of what passes it is known that it opens a connection. Hubble writes the other arrow where nobody knows.
bool is_first(const Seen& seen) { return seen.policy_verdict() && (seen.allowed() || seen.audited()); }

std::string hubble_line(const Seen& seen) {
  return formatted(seen.time, "%b %e %H:%M:%S") + "." + fraction(seen.time, 3) + ": " + end_text(seen.source) + (is_first(seen) ? " -> " : " <> ") +
         end_text(seen.destination) + " " + kind_and_verdict(seen);
}

// ---- our line ---------------------------------------------------------------------------------------

std::string policy_name(const RuleOrigin& origin) { return origin.kind + " " + (origin.ns.empty() ? "" : origin.ns + "/") + origin.name; }
std::string place(const RuleOrigin& origin) { return origin.file + ":" + std::to_string(origin.line); }

template <class Name>
std::string listed(const std::vector<RuleOrigin>& all, Name&& name) {
  std::string names, places;
  const std::size_t shown = std::min(all.size(), kNamed);
  for (std::size_t i = 0; i < shown; ++i) {
    names += (i == 0 ? "" : ", ") + name(all[i]);
    places += (i == 0 ? "" : ", ") + place(all[i]);
  }
  if (shown < all.size()) names += " and " + std::to_string(all.size() - shown) + " more";
  return names + "   " + places;
}

std::string rule_words(const Seen& seen, const std::string& verb) {
  if (!seen.origins.empty()) return verb + " by " + listed(seen.origins, [](const RuleOrigin& it) { return it.rule + " of " + policy_name(it); });
  if (seen.rule_text != nullptr) return verb + ": " + *seen.rule_text;
  if (seen.event.rule != NP_NO_RULE) return verb + " by rule " + std::to_string(seen.event.rule) + " of a program that is not loaded any more";
  return verb + " by a rule";
}

std::string why_allowed(const Seen& seen) {
  if (seen.event.rule != NP_NO_RULE || seen.program == nullptr) return rule_words(seen, "allowed");
  if (seen.match == hubble::MatchType::L3Only) return "allowed: the own node may speak to its pods";
  return std::string("allowed: no policy is for its ") + direction_name(seen.event.direction);
}

std::string why_not_policy(const Seen& seen) {
  if (seen.attachment != nullptr && !seen.attachment->blocked.empty()) return "blocked: " + seen.attachment->blocked;
  const std::string whose = seen.attachment == nullptr ? "interface " + std::to_string(seen.event.ifindex) : seen.attachment->endpoint;
  return std::string("at the ") + direction_name(seen.event.direction) + " of " + whose + ", whatever policy says: " + reason_name(seen.event.reason);
}

std::string why(const Seen& seen) {
  if (seen.allowed()) return why_allowed(seen);
  switch (seen.event.reason) {
    case NP_REASON_DEFAULT_DENY:
      if (seen.not_allowed_by.empty()) return "default deny: no rule allows it";
      return "default deny: not allowed by " + listed(seen.not_allowed_by, policy_name);
    case NP_REASON_DENY:
      if (!seen.not_allowed_by.empty()) return "default deny: not allowed by " + listed(seen.not_allowed_by, policy_name);
      return rule_words(seen, "denied");
    case NP_REASON_AUTH_REQUIRED:
      return rule_words(seen, "authentication is required");
    case NP_REASON_L7_NOT_ENFORCED:
      return rule_words(seen, "L7 rule that nobody enforces yet, allowed");
    default:
      return why_not_policy(seen);
  }
}

std::string times(const Seen& seen, const Repeats& repeats) {
  if (repeats.count < 2) return "";
  const std::int64_t seconds = (seen.time - repeats.first + 999'999'999) / 1'000'000'000;
  return "   ×" + std::to_string(repeats.count) + " in " + std::to_string(std::max<std::int64_t>(seconds, 1)) + " s";
}

// ---- JSON -------------------------------------------------------------------------------------------

Json rule_json(const Seen& seen) {
  if (seen.event.rule == NP_NO_RULE) return nullptr;
  Json origins = Json::array();
  for (const RuleOrigin& origin : seen.origins) origins.push_back(to_json(origin));
  return {{"rule", seen.event.rule}, {"text", seen.rule_text == nullptr ? Json() : Json(*seen.rule_text)}, {"origins", std::move(origins)}};
}

Json end_json(const EventEnd& end) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  const std::string reserved = end.identity == 0 ? "" : hubble::reserved_name(end.identity);
  return {{"identity", end.identity},
          {"reserved", or_null(reserved)},
          {"labels", end.labels.empty() ? Json() : Json(end.labels)},
          {"namespace", or_null(end.name.ns)},
          {"pod", or_null(end.name.pod)},
          {"workload", or_null(end.name.workload)}};
}

// What became of the packet, in one word.
const char* verdict_name(const Seen& seen) { return seen.allowed() ? "allow" : seen.audited() ? "audit" : "drop"; }

void add_packet(Json& out, const Seen& seen) {
  const np_event& event = seen.event;
  if (event.family == 0) return;
  out["source"] = seen.source.address.to_string();
  out["destination"] = seen.destination.address.to_string();
  out["protocol"] = protocol_name(event.protocol);
  if (seen.source.port) {
    out["sourcePort"] = *seen.source.port;
    out["destinationPort"] = *seen.destination.port;
  }
  if (event.protocol == 6 && event.tcp_flags != 0 && seen.has_transport()) out["tcpFlags"] = hubble::tcp_flags(event.tcp_flags);
  const bool icmp = event.protocol == 1 || event.protocol == 58;
  if (icmp && seen.has_transport()) out["icmpType"] = event.destination_port;
}

}  // namespace

std::string utc_time(std::int64_t time, int digits) { return formatted(time, "%Y-%m-%dT%H:%M:%S.") + fraction(time, digits) + "Z"; }

// Hubble names the innermost layer that it knows.
std::string packet_summary(const Seen& seen) {
  const ir::Protocol protocol = protocol_of(seen.event.protocol);
  if (seen.event.family == 0) return "Ethernet";
  if (protocol == ir::Protocol::Any || !seen.has_transport()) return seen.event.family == 6 ? "IPv6" : "IPv4";
  return hubble::summary(protocol, seen.event.destination_port, seen.event.tcp_flags);
}

std::string event_text(const Seen& seen, const Repeats& repeats) {
  return hubble_line(seen) + "\n" + kIndent + why(seen) + (seen.outside() ? ", at the external device" : "") + times(seen, repeats) + "\n";
}

std::string event_json(const Seen& seen, const Repeats& repeats) {
  const np_event& event = seen.event;
  Json out{{"time", utc_time(seen.time, 3)},
           {"verdict", verdict_name(seen)},
           {"reason", event.reason},
           {"reasonName", reason_name(event.reason)},
           {"direction", direction_name(event.direction)},
           {"endpoint", seen.attachment == nullptr ? Json() : Json(seen.attachment->endpoint)},
           {"ifname", seen.attachment == nullptr ? Json() : Json(seen.attachment->ifname)},
           {"ifindex", event.ifindex},
           {"program", seen.program == nullptr ? Json() : Json(seen.program->digest)},
           {"generation", seen.generation->state().number},
           {"atExternalDevice", seen.outside()},
           {"length", event.length}};
  add_packet(out, seen);
  out["local"] = end_json(seen.local());
  if (event.identity != 0) out["remote"] = end_json(seen.remote());
  out["match"] = seen.match ? Json(hubble::to_string(*seen.match)) : Json();
  out["rule"] = rule_json(seen);
  if (!seen.not_allowed_by.empty())
    for (const RuleOrigin& origin : seen.not_allowed_by) out["notAllowedBy"].push_back(to_json(origin));
  if (repeats.count > 1) {
    out["count"] = repeats.count;
    out["firstTime"] = utc_time(repeats.first, 3);
  }
  return to_text(out);
}

std::string to_lines(const Seen& seen, EventForm form, const Repeats& repeats) {
  switch (form) {
    case EventForm::Text: return event_text(seen, repeats);
    case EventForm::Json: return event_json(seen, repeats);
    case EventForm::Jsonpb: return event_jsonpb(seen);
  }
  return "";
}

std::string to_lines(const LostEvents& lost, EventForm form, const std::string& node, std::int64_t time) {
  // Of Hubble's sources the one that says that it was before anybody read them.
  constexpr const char* kSource = "PERF_EVENT_RING_BUFFER";
  if (form == EventForm::Text) return std::string("EVENTS LOST: ") + kSource + " CPU(" + std::to_string(lost.cpu) + ") " + std::to_string(lost.events) + "\n";
  if (form == EventForm::Json) return to_text({{"time", utc_time(time, 3)}, {"lost", lost.events}, {"cpu", lost.cpu}});
  Json out = {{"lost_events", {{"source", kSource}, {"num_events_lost", std::to_string(lost.events)}, {"cpu", lost.cpu}}}};
  if (!node.empty()) out["node_name"] = node;
  out["time"] = utc_time(time, 9);
  return to_text(out);
}

}  // namespace netpolc::loader
