#include <algorithm>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "runtime-loader/monitor.h"
#include "runtime-loader/names.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

// What the bundle knows of an event; pointers may be null.
struct Explained {
  const Attachment* attachment = nullptr;
  const BundleEndpoint* endpoint = nullptr;
  const BundleProgram* program = nullptr;
  std::size_t program_index = 0;
};

// The interface says which endpoint, unless two namespaces have one of its number; then the
// program narrows it down.
Explained explain(const np_event& event, const Loaded& loaded) {
  Explained out;
  for (const Attachment& it : loaded.state.attachments) {
    if (it.ifindex != static_cast<int>(event.ifindex) || it.bundle_endpoint >= loaded.bundle.endpoints.size()) continue;
    const BundleEndpoint& endpoint = loaded.bundle.endpoints[it.bundle_endpoint];
    const bool outside = event.flags & NP_EVENT_OUTSIDE;  // by a program that is no pod's
    if (loaded.bundle.programs[endpoint.program].tag != event.program && !outside) continue;
    out.attachment = &it;
    out.endpoint = &endpoint;
  }
  for (std::size_t i = 0; i < loaded.bundle.programs.size(); ++i)
    if (loaded.bundle.programs[i].tag == event.program) {
      out.program = &loaded.bundle.programs[i];
      out.program_index = i;
    }
  return out;
}

const std::string* rule_text(const np_event& event, const Explained& known) {
  if (known.program == nullptr || event.rule == NP_NO_RULE) return nullptr;
  const auto& texts = direction_of(*known.program, event.direction).rule_texts;
  return event.rule < texts.size() ? &texts[event.rule] : nullptr;
}

std::vector<RuleOrigin> rule_places(const np_event& event, const Explained& known, const Loaded& loaded) {
  if (event.rule == NP_NO_RULE || known.program == nullptr) return {};
  if (known.endpoint == nullptr) return places(loaded.bundle, known.program_index, event.direction, event.rule);
  const auto& own = origins_of(*known.endpoint, event.direction);
  if (event.rule < own.size() && own[event.rule]) return {*own[event.rule]};
  return {};
}

std::string time_text(const np_event& event, std::int64_t wall_offset) {
  const std::int64_t at = static_cast<std::int64_t>(event.time) + wall_offset;
  const std::time_t seconds = at / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char day[32], text[48];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", day, static_cast<int>(at / 1'000'000 % 1000));
  return text;
}

std::string address(const np_event& event, const unsigned char* bytes) {
  Address out;
  out.v6 = event.family == 6;
  std::memcpy(out.bytes.data(), bytes, out.size());
  return out.to_string();
}

bool has_ports(const np_event& event) { return event.protocol == 6 || event.protocol == 17 || event.protocol == 132; }
bool is_icmp(const np_event& event) { return event.protocol == 1 || event.protocol == 58; }
// Before the transport header was read there are no ports to show.
bool has_transport(const np_event& event) {
  return event.reason != NP_REASON_INVALID_PACKET && event.reason != NP_REASON_FRAGMENT_NOT_FOUND &&
         event.reason != NP_REASON_INVALID_EXTENSION && event.reason != NP_REASON_UNKNOWN_L4 &&
         event.reason != NP_REASON_UNSUPPORTED_L3;
}

std::string with_port(const np_event& event, const std::string& text, unsigned port) {
  if (!has_ports(event) || !has_transport(event)) return text;
  return (event.family == 6 ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

std::string flow_text(const np_event& event) {
  if (event.family == 0) return "a packet of " + std::to_string(event.length) + " bytes that is neither IPv4 nor IPv6";
  std::string text = with_port(event, address(event, event.source), event.source_port) + " -> " +
                     with_port(event, address(event, event.destination), event.destination_port) + " " +
                     protocol_name(event.protocol);
  if (is_icmp(event) && has_transport(event)) text += " type " + std::to_string(event.destination_port);
  return text;
}

std::string endpoint_name(const np_event& event, const Explained& known) {
  if (known.attachment != nullptr) return known.attachment->endpoint;
  return "interface " + std::to_string(event.ifindex);
}

const std::vector<std::string>* labels_of(const np_event& event, const Loaded& loaded) {
  const auto found = loaded.bundle.identities.find(event.identity);
  return event.identity == 0 || found == loaded.bundle.identities.end() ? nullptr : &found->second;
}

std::string remote_text(const np_event& event, const Loaded& loaded) {
  if (event.identity == 0) return "";
  std::string text =
      std::string(event.direction == NP_INGRESS ? ", from" : ", to") + " identity " + std::to_string(event.identity);
  if (const auto* labels = labels_of(event, loaded)) {
    text += " (";
    for (std::size_t i = 0; i < labels->size(); ++i) text += (i == 0 ? "" : " ") + (*labels)[i];
    text += ")";
  }
  return text;
}

std::string rule_line(const np_event& event, const Explained& known, const Loaded& loaded) {
  if (event.rule == NP_NO_RULE && event.reason == NP_REASON_DENY) return ", a rule denies it";
  if (event.rule == NP_NO_RULE) return event.reason == NP_REASON_DEFAULT_DENY ? ", no rule allows it" : "";
  std::string text = ", rule " + std::to_string(event.rule);
  if (const std::string* meaning = rule_text(event, known)) text += " `" + *meaning + "`";
  for (const RuleOrigin& place : rule_places(event, known, loaded)) text += " at " + to_string(place);
  return text;
}

Json rule_json(const np_event& event, const Explained& known, const Loaded& loaded) {
  if (event.rule == NP_NO_RULE) return nullptr;
  Json origins = Json::array();
  for (const RuleOrigin& place : rule_places(event, known, loaded)) origins.push_back(to_json(place));
  const std::string* text = rule_text(event, known);
  return {{"rule", event.rule}, {"text", text == nullptr ? Json() : Json(*text)}, {"origins", std::move(origins)}};
}

}  // namespace

namespace {

// What became of the packet, in one word.
const char* verdict_name(const np_event& event) {
  if (event.reason == NP_REASON_FORWARDED) return "allow";
  return event.flags & NP_EVENT_AUDITED ? "audit" : "drop";
}

}  // namespace

std::string event_text(const np_event& event, const Loaded& loaded, std::int64_t wall_offset) {
  const Explained known = explain(event, loaded);
  const std::string verdict =
      event.reason == NP_REASON_FORWARDED ? "allow" : std::string(verdict_name(event)) + " (" + reason_name(event.reason) + ")";
  return time_text(event, wall_offset) + " " + verdict + " " + direction_name(event.direction) + " " +
         endpoint_name(event, known) + ": " + flow_text(event) + remote_text(event, loaded) +
         rule_line(event, known, loaded) + (event.flags & NP_EVENT_OUTSIDE ? ", at the external device" : "");
}

std::string event_json(const np_event& event, const Loaded& loaded, std::int64_t wall_offset) {
  const Explained known = explain(event, loaded);
  Json out{{"time", time_text(event, wall_offset)},
           {"verdict", verdict_name(event)},
           {"reason", event.reason},
           {"reasonName", reason_name(event.reason)},
           {"direction", direction_name(event.direction)},
           {"endpoint", known.attachment == nullptr ? Json() : Json(known.attachment->endpoint)},
           {"ifname", known.attachment == nullptr ? Json() : Json(known.attachment->ifname)},
           {"ifindex", event.ifindex},
           {"program", known.program == nullptr ? Json() : Json(known.program->digest)},
           {"atExternalDevice", (event.flags & NP_EVENT_OUTSIDE) != 0},
           {"length", event.length}};
  if (event.family != 0) {
    out["source"] = address(event, event.source);
    out["destination"] = address(event, event.destination);
    out["protocol"] = protocol_name(event.protocol);
  }
  if (event.family != 0 && has_ports(event) && has_transport(event)) {
    out["sourcePort"] = event.source_port;
    out["destinationPort"] = event.destination_port;
  }
  if (event.family != 0 && is_icmp(event) && has_transport(event)) out["icmpType"] = event.destination_port;
  if (event.identity != 0) {
    const auto* labels = labels_of(event, loaded);
    out["remote"] = {{"identity", event.identity}, {"labels", labels == nullptr ? Json() : Json(*labels)}};
  }
  out["rule"] = rule_json(event, known, loaded);
  return out.dump();
}

}  // namespace netpolc::loader
