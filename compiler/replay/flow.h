// compiler/replay/flow.h — one line of a Hubble recording (`hubble observe -o jsonpb`, or a flow alone as `-o json` has it) as a
// value: what was decided, in which direction, between whom, about what. Knows the recording's format (Cilium's
// api/v1/flow/flow.proto) and nothing of policies.
//
// Only lines that tell what policy decided become a `Flow`. All others are `Skipped`, with the reason, so that a caller can count
// them; a line that is no flow of Hubble's at all is an error.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "ir/base/ip.h"
#include "ir/request.h"

namespace netpolc::compiler::replay {

enum class Skip : std::uint8_t {
  Reply,           // answers pass because their connection did
  PerhapsReply,    // nobody says whether it is one
  BeforePolicy,    // seen where policy has not been asked yet (FROM_ENDPOINT and the like)
  NoVerdict,       // TRACED, TRANSLATED, ERROR, and what is not known
  OtherDrop,       // dropped, and not because of policy
  NoDirection,
  OtherProtocol,   // neither TCP, UDP, SCTP nor ICMP
  OtherRequest,    // a proxy's record of neither an HTTP request nor a DNS query
  OtherEvent,      // of nodes and agents
  NoIdentity,      // an end whose identity Cilium did not know
  NoLabels,        // an end of which neither labels nor a known workload are there
  NoAddress,       // an end outside without an address
  NobodysPolicy,   // neither end is managed
  TooMany,         // another kind of flow, beyond the number that is kept
};
inline constexpr std::size_t kSkips = static_cast<std::size_t>(Skip::TooMany) + 1;
const char* to_string(Skip skip);  // "replies", as in "12 replies"
const char* to_key(Skip skip);     // "reply", as in JSON

struct FlowEnd {
  std::uint32_t identity = 0;  // 0: not known
  std::string ns, pod, workload;
  ir::LabelSet labels;
  std::optional<IpAddress> address;
};

struct Flow {
  ir::Direction direction = ir::Direction::Ingress;
  bool dropped = false;
  bool audited = false;  // forwarded only since policy was in audit mode
  ir::Flow flow;
  std::optional<ir::Request> request;  // what a proxy decided about
  FlowEnd source, destination;
  std::vector<std::string> names;  // of the destination: lower case, without a final dot; sorted, unique
  std::string node;                // that it was seen on, without its cluster
};

struct Lost {  // a gap in the recording
  std::uint64_t events = 0;
};

struct BadLine {
  std::size_t column = 1;  // in bytes, from 1
  std::string message;
};

using Line = std::variant<Flow, Skip, Lost>;
tl::expected<Line, BadLine> parse_line(std::string_view text);

}  // namespace netpolc::compiler::replay
