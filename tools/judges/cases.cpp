#include "tools/judges/cases.h"

#include <stdexcept>

namespace netpolc::judges {
namespace {

ir::Flow flow_of(const Probe& probe) {
  static constexpr std::pair<const char*, ir::Protocol> names[] = {
      {"TCP", ir::Protocol::Tcp}, {"UDP", ir::Protocol::Udp}, {"SCTP", ir::Protocol::Sctp}, {"ICMP", ir::Protocol::Icmp}, {"ICMPv6", ir::Protocol::Icmpv6}};
  for (const auto& [name, protocol] : names)
    if (probe.protocol == name) return {protocol, probe.number};
  throw std::runtime_error("unknown protocol " + probe.protocol);
}

// "source > destination: EGRESS/INGRESS", a digit a probe.
std::map<std::string, std::string> authentications(const Scenario& scenario) {
  std::map<std::string, std::string> out;
  for (const auto& entry : scenario.data.value("auth", nlohmann::json::array())) {
    const auto text = entry.get<std::string>();
    const auto colon = text.rfind(": ");
    out[text.substr(0, colon)] = text.substr(colon + 2);
  }
  return out;
}

bool family_fits(const Case& c, bool v6) {
  if (!(v6 ? c.subject->v6 && c.peer->v6 : c.subject->v4 && c.peer->v4)) return false;
  return c.flow.protocol != (v6 ? ir::Protocol::Icmp : ir::Protocol::Icmpv6);
}

NoPacket why_no_packet(const Case& c) {
  if (!c.subject->decided) return NoPacket::OpenHost;
  if (c.table->incomputable) return NoPacket::Incomputable;
  if (c.flow.protocol == ir::Protocol::Icmpv6 && c.flow.number >= 133 && c.flow.number <= 136) return NoPacket::NeighbourDiscovery;
  if (family_fits(c, false) || family_fits(c, true)) return NoPacket::None;
  if (c.flow.protocol == ir::Protocol::Icmpv6) return NoPacket::Icmpv6OverIpv4;
  if (c.flow.protocol == ir::Protocol::Icmp) return NoPacket::IcmpOverIpv6;
  throw std::runtime_error("two ends have no family in common");
}

ir::DecisionTable open_table() {
  ir::DecisionTable table;
  table.ingress.bits = table.egress.bits = {{"everyone", {}}};
  return table;
}

class Maker {
 public:
  explicit Maker(World& world) : world_(world), auth_(authentications(world.scenario())) { out_.cells = judges::cells(world.scenario()); }

  Cases make() {
    for (std::size_t n = 0; n < out_.cells.size(); ++n) cell(n);
    out_.probes = out_.cells.size() * world_.scenario().probes.size();
    return std::move(out_);
  }

 private:
  void cell(std::size_t n) {
    const Cell& cell = out_.cells[n];
    const Party& source = world_.party(cell.source);
    const Party& destination = world_.party(cell.destination);
    const auto meetings = world_.interpreter().encounters().meet(source.end, destination.end);
    if (meetings.size() != 1) throw std::runtime_error(cell.source + " and " + cell.destination + " meet in several ways");
    const auto found = auth_.find(cell.source + " > " + cell.destination);
    const std::string auth = found == auth_.end() ? "" : found->second;
    const auto slash = auth.find('/');
    side(n, ir::Direction::Egress, source, destination, cell.egress, auth.substr(0, slash), meetings[0].source, meetings[0].destination_seen);
    side(n, ir::Direction::Ingress, destination, source, cell.ingress, slash == std::string::npos ? "" : auth.substr(slash + 1), meetings[0].destination,
         meetings[0].source_seen);
  }

  std::string_view enforcement_of(const std::string& name, ir::Direction direction) const {
    const auto& all = world_.scenario().data.at("enforcement");
    const auto found = all.find(name);
    if (found == all.end()) return {};
    const auto state = found->find(direction == ir::Direction::Egress ? "egress" : "ingress");
    return state == found->end() ? std::string_view{} : std::string_view(state->get_ref<const std::string&>());
  }

  void side(std::size_t n, ir::Direction direction, const Party& subject, const Party& peer, const std::string& letters, const std::string& auth,
            const std::optional<verify::SubjectId>& judged, verify::FactsId seen) {
    const Cell& cell = out_.cells[n];
    const bool egress = direction == ir::Direction::Egress;
    const bool vector_judges = letters.find_first_not_of('-') != std::string::npos;
    // Without the host firewall nothing holds for hosts, and there are no tables that say so.
    const bool open_host = subject.end.kind == verify::EndKind::Host && !world_.config().host_firewall;
    const bool table_judges = subject.decided.has_value() || (open_host && vector_judges);
    if (vector_judges != judged.has_value() || vector_judges != table_judges) {
      const auto does = [](bool judges) { return judges ? "judges" : "doesn't judge"; };
      out_.complaints.push_back(cell.source + " > " + cell.destination + (egress ? " egress" : " ingress") + ": the vector " + does(vector_judges) +
                                " this end, the interpreter " + does(judged.has_value()) + " it, the tables " + does(table_judges));
      return;
    }
    if (!vector_judges) return;
    verify::Judge& interpreter = world_.interpreter();
    Case c{.cell = n, .direction = direction, .flow = {}, .subject = &subject, .peer = &peer, .enforcement = {}, .looked_up = {}};
    c.enforcement = enforcement_of(egress ? cell.source : cell.destination, direction);
    static const ir::DecisionTable open = open_table();
    c.table = open_host ? &open : &world_.decisions().tables[c.table_index(world_)];
    c.interpreter_incomputable = interpreter.policy(*judged).incomputable().has_value();
    for (std::size_t p = 0; p < world_.scenario().probes.size(); ++p) {
      c.probe = p;
      c.flow = flow_of(world_.scenario().probes[p]);
      c.letter = letters.at(p);
      c.auth = auth.empty() ? '0' : auth.at(p);
      c.no_packet = why_no_packet(c);
      if (!c.interpreter_incomputable) c.interpreter = &interpreter.verdict(*judged, direction, seen, c.flow);
      if (!c.table->incomputable) c.looked_up = ir::look_up(c.direction_table(), peer.identity, c.flow);
      out_.all.push_back(c);
    }
  }

  World& world_;
  std::map<std::string, std::string> auth_;
  Cases out_;
};

}  // namespace

const char* to_string(NoPacket reason) {
  switch (reason) {
    case NoPacket::None: return "a packet is made";
    case NoPacket::OpenHost: return "the host without the host firewall, on which nothing is enforced";
    case NoPacket::Incomputable: return "conflicting L7 rules, so there is no program";
    case NoPacket::Icmpv6OverIpv4: return "ICMPv6 with a peer that has an IPv4 address only";
    case NoPacket::IcmpOverIpv6: return "ICMP with a peer that has an IPv6 address only";
    case NoPacket::NeighbourDiscovery: return "neighbour discovery (ICMPv6 133 to 136), which passes before policy";
  }
  return "";
}

Cases make_cases(World& world) { return Maker(world).make(); }

std::vector<Shot> packets(const Case& c, std::uint32_t table) {
  std::vector<Shot> out;
  if (c.no_packet != NoPacket::None) return out;
  for (const bool v6 : {false, true}) {
    if (!family_fits(c, v6)) continue;
    const IpAddress subject = v6 ? *c.subject->v6 : *c.subject->v4, peer = v6 ? *c.peer->v6 : *c.peer->v4;
    const bool egress = c.direction == ir::Direction::Egress;
    out.push_back({table, c.direction, egress ? subject : peer, egress ? peer : subject, c.flow});
  }
  return out;
}

}  // namespace netpolc::judges
