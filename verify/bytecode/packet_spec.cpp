#include "verify/bytecode/packet_spec.h"

#include "ir/map_layout.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132;
constexpr std::uint64_t kRequest = 1, kAnswer = 2;

}  // namespace

z3::expr PacketSpec::byte(const z3::expr& offset, unsigned more) { return machine_.packet_bytes(plus(offset, more), 1); }
z3::expr PacketSpec::big(const z3::expr& offset, unsigned more) { return bits_.join(byte(offset, more), byte(offset, more + 1)); }
z3::expr PacketSpec::there(const z3::expr& offset, std::uint64_t size) {
  return bits_.at_most(bits_.add(bits_.widen(offset, 64), number(size, 64)), bits_.widen(length_, 64));
}
z3::expr PacketSpec::before(const z3::expr& offset, std::uint64_t size, const z3::expr& end) { return bits_.at_most(plus(offset, size), end) && there(offset, size); }
z3::expr PacketSpec::between(const z3::expr& term, std::uint64_t low, std::uint64_t high) {
  return bits_.at_most(number(low, Bits::width(term)), term) && bits_.at_most(term, number(high, Bits::width(term)));
}

Network PacketSpec::nothing(const z3::expr& when, std::uint32_t outcome, std::uint64_t family) {
  const z3::expr zero8 = number(0, 8), zero32 = number(0, 32), zero64 = number(0, 64);
  return {when, outcome, family, false, {zero64, zero64}, {zero64, zero64}, zero32, zero32, zero32, zero8, zero32, zero32, zero32};
}

std::vector<Network> PacketSpec::network(std::uint16_t ethertype, std::uint32_t at, const std::vector<ExtensionRead>& reads) {
  if (ethertype == kIpv4Type) return ipv4(number(at, 32));
  if (ethertype == kIpv6Type) return ipv6(number(at, 32), reads);
  return {nothing(bits_.yes(), ethertype == kArpType ? kPassUnasked : NP_REASON_UNSUPPORTED_L3, 0)};
}

std::vector<Network> PacketSpec::ipv4(const z3::expr& at) {
  const z3::expr whole = there(at, 20);
  Network out = nothing(whole, NP_REASON_INVALID_PACKET, 4);
  out.there = true;
  const z3::expr words = bits_.bit_and(bits_.widen(byte(at, 0), 32), number(15, 32)), length = bits_.shift_left(words, number(2, 32));
  const z3::expr rest = bits_.sub(length_, at), said = bits_.widen(big(at, 2), 32);
  // segments that the kernel holds together may be longer than the field can say
  const z3::expr total = bits_.either(bits_.both(is(said, 0), bits_.below(number(0xffff, 32), rest)), rest, said);
  const z3::expr valid = is(bits_.extract(byte(at, 0), 7, 4), 4) && bits_.at_most(number(5, 32), words) && bits_.at_most(length, total) && bits_.at_most(total, rest);
  out.source[0] = bits_.widen(machine_.packet_bytes(plus(at, 12), 4), 64);
  out.destination[0] = bits_.widen(machine_.packet_bytes(plus(at, 16), 4), 64);
  out.protocol = byte(at, 9);
  out.hop_limit = bits_.widen(byte(at, 8), 32);
  const z3::expr flags = big(at, 6);
  out.fragment = bits_.widen(bits_.join(bits_.extract(flags, 12, 0), number(0, 3)), 32) | bits_.widen(bits_.extract(flags, 13, 13), 32);
  out.fragment_id = bits_.widen(big(at, 4), 32);
  out.fragment_protocol = bits_.widen(out.protocol, 32);
  out.transport = bits_.add(at, length);
  out.end = bits_.add(at, total);
  Network good = out;
  good.when = whole && valid;
  good.outcome = kJudge;
  out.when = whole && !valid;
  return {nothing(!whole, NP_REASON_INVALID_PACKET, 4), out, good};
}

std::vector<Network> PacketSpec::ipv6(const z3::expr& at, const std::vector<ExtensionRead>& reads) {
  const z3::expr whole = there(at, 40);
  Network one = nothing(whole, NP_REASON_INVALID_PACKET, 6);
  one.there = true;
  const z3::expr rest = bits_.sub(length_, at), said = plus(bits_.widen(big(at, 4), 32), 40);
  const z3::expr total = bits_.either(bits_.both(is(big(at, 4), 0), bits_.below(number(0xffff, 32), rest)), rest, said);
  const z3::expr valid = is(bits_.extract(byte(at, 0), 7, 4), 6) && bits_.at_most(total, rest);
  for (const unsigned half : {0U, 1U}) {
    one.source[half] = machine_.packet_bytes(plus(at, 8 + 8 * half), 8);
    one.destination[half] = machine_.packet_bytes(plus(at, 24 + 8 * half), 8);
  }
  one.hop_limit = bits_.widen(byte(at, 7), 32);
  std::vector<Network> out{nothing(!whole, NP_REASON_INVALID_PACKET, 6), one};
  out.back().when = whole && !valid;
  one.end = bits_.add(at, total);
  for (const Walk& walk : walk(byte(at, 6), plus(at, 40), reads).ends) {
    one.when = whole && valid && walk.when;
    one.outcome = walk.outcome;
    one.protocol = walk.protocol;
    one.transport = walk.transport;
    one.fragment = walk.fragment;
    one.fragment_id = walk.fragment_id;
    one.fragment_protocol = walk.fragment_protocol;
    out.push_back(one);
  }
  return out;
}

// Up to eight extension headers; a later fragment's data are none.
Walks PacketSpec::walk(const z3::expr& first, const z3::expr& from, const std::vector<ExtensionRead>& reads) {
  const auto extends = [&](const z3::expr& next) { return is(next, 0) || is(next, 43) || is(next, 44) || is(next, 51) || is(next, 60); };
  Walks out;
  Walk here{bits_.yes(), kJudge, first, from, number(0, 32), number(0, 32), number(0, 32)};
  const auto ends = [&](const z3::expr& when, std::uint32_t outcome) {
    Walk end = here;
    end.when = here.when && when;
    end.outcome = outcome;
    out.ends.push_back(end);
  };
  const std::size_t most = std::min<std::size_t>(reads.size(), kMostExtensions);
  for (std::size_t k = 0; k < most; ++k) {
    const ExtensionRead& read = reads[k];
    const z3::expr goes_on = extends(here.protocol), cut = is(read.result, 0), later = !is(bits_.bit_and(read.fragment, number(0xfffffff8, 32)), 0);
    ends(!goes_on, kJudge);
    out.asked.push_back({here.when && goes_on, here.protocol, here.transport});
    here.fragment = read.fragment;
    here.fragment_id = read.fragment_id;
    here.fragment_protocol = read.protocol;
    ends(goes_on && cut, NP_REASON_INVALID_PACKET);
    // the fragment header's own place is where the data of a later fragment would begin
    ends(goes_on && !cut && later, kJudge);
    here.when = here.when && goes_on && !cut && !later;
    here.protocol = bits_.extract(read.result, 23, 16);
    here.transport = bits_.add(here.transport, bits_.bit_and(read.result, number(0xffff, 32)));
  }
  ends(!extends(here.protocol), kJudge);
  ends(extends(here.protocol), NP_REASON_INVALID_EXTENSION);
  return out;
}

// ICMP queries are connections between their identifier and the type of the request.
Transport PacketSpec::ports(const z3::expr& protocol, const z3::expr& at) {
  const z3::expr v4 = is(protocol, kIcmp), v6 = is(protocol, kIcmpv6), icmp = v4 || v6, type = byte(at, 0), identifier = big(at, 4);
  const z3::expr answer = (v4 && (is(type, 0) || is(type, 14) || is(type, 16) || is(type, 18))) || (v6 && is(type, 129));
  const z3::expr request = (v4 && (is(type, 8) || is(type, 13) || is(type, 15) || is(type, 17))) || (v6 && is(type, 128));
  const z3::expr asked = z3::ite(v6, number(128, 16), z3::ite(is(type, 0), number(8, 16), bits_.widen(type, 16) - 1));
  const z3::expr wide = bits_.widen(type, 16);
  const z3::expr source = z3::ite(icmp, z3::ite(answer, asked, z3::ite(request, identifier, number(0, 16))), big(at, 0));
  const z3::expr destination = z3::ite(icmp, z3::ite(answer, identifier, wide), big(at, 2));
  const z3::expr error = (v4 && (is(type, 3) || is(type, 11) || is(type, 12))) || (v6 && between(type, 1, 4));
  const auto word = [&](const z3::expr& truth) { return z3::ite(truth, number(1, 8), number(0, 8)); };
  return {number(kJudge, 32), source, destination, z3::ite(icmp, wide, destination), number(0, 8), word(!icmp || answer), word(error),
          z3::ite(answer, number(kAnswer, 8), z3::ite(request, number(kRequest, 8), number(0, 8)))};
}

Transport PacketSpec::transport(const Network& of) {
  const z3::expr& at = of.transport;
  const z3::expr tcp = is(of.protocol, kTcp), udp = is(of.protocol, kUdp), sctp = is(of.protocol, kSctp);
  const z3::expr none = bits_.no();
  const z3::expr icmp = of.family == 4 ? is(of.protocol, kIcmp) : none, icmpv6 = of.family == 6 ? is(of.protocol, kIcmpv6) : none;
  const z3::expr known = tcp || udp || sctp || icmp || icmpv6;
  // what only the kernel's own reading needs may be cut off from SCTP's header
  const z3::expr fits = z3::ite(tcp, before(at, 20, of.end) && bits_.at_most(number(5, 4), bits_.extract(byte(at, 12), 7, 4)),
                                z3::ite(sctp, bits_.at_most(plus(at, 12), of.end) && there(at, 8), before(at, 8, of.end)));
  const z3::expr type = byte(at, 0), code = byte(at, 1);
  // path MTU discovery, and neighbour discovery that can't have come from beyond the link (RFC 4861)
  const z3::expr passes = (icmp && is(type, 3) && is(code, 4)) || (icmpv6 && between(type, 133, 136) && is(code, 0) && is(of.hop_limit, 255));
  Transport out = ports(of.protocol, at);
  out.tcp_flags = z3::ite(tcp, byte(at, 13), number(0, 8));
  out.outcome = z3::ite(!known, number(NP_REASON_UNKNOWN_L4, 32),
                        z3::ite(!fits, number(NP_REASON_INVALID_PACKET, 32), z3::ite(passes, number(kPassUnasked, 32), number(kJudge, 32))));
  return out;
}

}  // namespace netpolc::verify::bytecode
