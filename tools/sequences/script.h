// tools/sequences/script.h — packet sequences as text: a small world, and what happens in it.
//
//   policy web                    the first one counts when a case begins (rules.h)
//     in allow tcp 80 from 300
//   pod 100 check4 check6         the pod's identity; which source addresses are checked
//   node                          in place of it: the endpoint is the node itself
//   world 9 10                    identities of unknown addresses; 0: the family isn't there
//   lifetimes 8000 60 10 60       seconds: TCP, TCP before it is established, after both closed, the rest
//   address 10.0.0.3 300          a single address or a prefix, and whose it is
//
//   case a connection             no flows yet, and the world as above
//   to-pod tcp 10.0.0.3:4000 > 10.0.0.1:80 S     -> new rule 0 identity 300
//   from-pod tcp 10.0.0.1:80 > 10.0.0.3:4000 SA  -> reply
//   wait 61                       seconds
//   from-neighbour udp 10.0.0.1:53 > 10.0.0.3:4000   of another pod of the node, under the same policy;
//                                 to-neighbour likewise. What one of them may do opens nothing for the other
//   node-to-pod udp …             the node sends it; what is just to the pod came through a device
//   to-node, from-node, through-node   where the endpoint is the node: what arrives at one of its
//                                 devices, what it sends, and what it forwards there
//   policy other                  takes its place; `address … none`, `audit on`, `audit off` likewise
//
// After -> comes what must become of the packet: exempt, reply, related, known (a flow that policy
// allowed before and still does), new (opens a flow), or drop and the reason's number; then, for
// packets that policy was asked about, `rule N` or `norule`, `identity N`, and `audited REASON`.
// A packet without -> is only compared between the judges.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/flow/firewall.h"
#include "runtime-loader/maps.h"
#include "tools/sequences/rules.h"
#include "tools/sequences/spell.h"

namespace netpolc::sequences {

struct Expectation {
  ir::flow::Because because = ir::flow::Because::Dropped;
  std::optional<std::uint8_t> reason = std::nullopt;
  std::optional<std::uint32_t> rule = std::nullopt;  // NP_NO_RULE: none
  std::optional<std::uint32_t> identity = std::nullopt;
  bool audited = false;
};

struct Send {
  ir::Direction direction = ir::Direction::Ingress;
  ir::flow::Origin origin = ir::flow::Origin::Device;
  bool neighbour = false;  // the packet is that pod's
  Packet packet = {};
  std::optional<Expectation> expect = std::nullopt;
};
struct Wait {
  std::uint32_t seconds = 0;
};
struct SetPolicy {
  std::uint32_t policy = 0;  // index into Script::policies
};
struct SetAddress {
  IpPrefix prefix;
  std::optional<std::uint32_t> identity;  // nothing: nobody's any more
};
struct SetAudit {
  bool on = false;
};
struct Step {
  std::variant<Send, Wait, SetPolicy, SetAddress, SetAudit> does;
  std::size_t line = 0;  // of the file; 0: of none
};

struct Case {
  std::string name;
  std::vector<Step> steps;
};

struct Script {
  std::vector<Policy> policies;
  loader::Lifetimes lifetimes;
  ir::flow::Pod pod;
  bool node = false;  // the endpoint is the node
  ir::flow::World world;
  std::vector<Case> cases;
  // Of everybody that is named anywhere.
  std::vector<std::uint32_t> identities() const;
};

// Throws std::runtime_error beginning with `name`:LINE.
Script parse_script(const std::string& name, const std::string& text);
std::string print(const Step& step, const Script& script);
// The script with one case only, to be read and run again.
std::string print(const Script& script, const Case& one);

}  // namespace netpolc::sequences
