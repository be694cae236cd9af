// runtime-loader/event_filter.h — which events to show, in the words of `hubble observe`: what is given several times holds if one of
// them does, and all that is given must hold.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "runtime-loader/result.h"
#include "runtime-loader/seen.h"

namespace netpolc::loader {

// As on the command line. Of an end:
//   pods        "ns/pod", a beginning of it ("ns/web-"), a namespace ("ns/"), or of any namespace ("web-"); workloads too
//   labels      "app=web", "k8s:app=web", "app!=web", "app", "!app"; several with commas, which all must hold
//   ips         an address or a prefix
//   identities  a number or a reserved name; world is all worlds
//   who         any of these, by what it looks like: a label has a = or begins with !
struct EndWords {
  std::vector<std::string> who = {}, pods = {}, namespaces = {}, labels = {}, ips = {}, identities = {};
};
struct FilterWords {
  EndWords from = {}, to = {}, either = {};
  std::vector<std::string> from_ports = {}, to_ports = {}, ports = {};
  std::vector<std::string> verdicts = {};    // FORWARDED, DROPPED, AUDIT, or what the compact line says
  std::vector<std::string> protocols = {};   // TCP, UDP, SCTP, ICMP (both), ICMPv4, ICMPv6, a number
  std::vector<std::string> tcp_flags = {};   // SYN; several with commas, which all must be set
  std::vector<std::string> directions = {};  // INGRESS, EGRESS
  std::vector<std::string> reasons = {};     // POLICY_DENIED, 133, "Policy denied"
  std::vector<std::string> policies = {};    // "ns/name", or a name: its rule decided, or it is named after default deny
};

class EventFilter {
 public:
  // Fails as input with the option and what it takes.
  static Result<EventFilter> parse(const FilterWords& words);
  bool passes(const Seen& seen) const;

 private:
  std::vector<std::function<bool(const Seen&)>> all_;
};

}  // namespace netpolc::loader
