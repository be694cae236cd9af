#include "verify/bytecode/flow_spec.h"

#include <algorithm>

#include "verify/bytecode/handed_over.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
constexpr unsigned kPriceBits = 33;
constexpr std::uint64_t kTcp = 6, kFin = 0x01, kSyn = 0x02, kRst = 0x04;

z3::expr mix(Bits& bits, const z3::expr& hash, const z3::expr& word) {
  return bits.swap_bytes(bits.mul(bits.bit_xor(hash, word), bits.number(kMix, 64)));
}

z3::expr has(Bits& bits, const z3::expr& term, std::uint64_t flags) {
  return bits.negate(bits.equal(bits.bit_and(term, bits.number(flags, Bits::width(term))), bits.number(0, Bits::width(term))));
}

}  // namespace

FlowKey flow_key(Bits& bits, const FlowPacket& of, const z3::expr& site, const z3::expr& egress, const z3::expr& seed) {
  const auto side = [&](const z3::expr& sent, const z3::expr& received) { return bits.either(egress, sent, received); };
  const z3::expr ipv4 = bits.equal(of.family, bits.number(4, 8));
  const std::array local{side(of.source[0], of.destination[0]), side(of.source[1], of.destination[1])};
  const std::array remote{side(of.destination[0], of.source[0]), side(of.destination[1], of.source[1])};
  const z3::expr asks = bits.equal(of.query, side(bits.number(kRequest, 8), bits.number(kAnswer, 8)));
  const z3::expr near = side(of.source_port, of.destination_port), far = side(of.destination_port, of.source_port);
  // bytes in their places, as an OR puts them
  const z3::expr who = bits.join(site, bits.bit_or(bits.join(far, bits.number(0, 16)), bits.widen(near, 32)));
  const z3::expr ports = bits.bit_or(who, bits.either(asks, bits.number(std::uint64_t{1} << 63, 64), bits.number(0, 64)));
  const z3::expr addresses = bits.bit_or(local[0], bits.join(bits.extract(remote[0], 31, 0), bits.number(0, 32)));
  const z3::expr start = mix(bits, bits.add(seed, bits.widen(of.protocol, 64)), ports);
  const auto both = [&](unsigned word) { return bits.add(local[word], bits.mul(remote[word], bits.number(3, 64))); };
  const z3::expr hash = bits.either(ipv4, mix(bits, start, addresses), mix(bits, mix(bits, start, both(0)), both(1)));
  return {ipv4, addresses, local, remote, ports, of.protocol, mix(bits, hash, bits.number(0, 64))};
}

z3::expr same_flow(const FlowKey& a, const FlowKey& b) {
  const z3::expr six = a.local[0] == b.local[0] && a.local[1] == b.local[1] && a.remote[0] == b.remote[0] && a.remote[1] == b.remote[1];
  return a.ipv4 == b.ipv4 && z3::ite(a.ipv4, a.addresses == b.addresses, six) && a.ports == b.ports && a.protocol == b.protocol;
}

FlowKey FlowSpec::key_in_memory(const std::function<z3::expr(std::uint64_t, unsigned)>& word) {
  const z3::expr first = word(KeyAt::local, 8);
  return {bits_.equal(word(KeyAt::family, 1), bits_.number(4, 8)), first, {first, word(KeyAt::local + 8, 8)},
          {word(KeyAt::remote, 8), word(KeyAt::remote + 8, 8)}, word(KeyAt::ports, 8), word(KeyAt::protocol, 1), word(KeyAt::hash, 8)};
}

z3::expr FlowSpec::tag(const FlowKey& key) {
  const z3::expr byte = bits_.extract(key.hash, 39, 32);
  return bits_.either(bits_.equal(byte, bits_.number(0, 8)), bits_.number(1, 8), byte);
}

z3::expr FlowSpec::expired(const z3::expr& expires, const z3::expr& now) {
  return bits_.equal(bits_.extract(bits_.sub(expires, now), 31, 31), bits_.number(1, 1));
}

Lookup FlowSpec::bucket(const FlowKey& key, bool ipv4) {
  const char* name = ipv4 ? NP_MAP_FLOWS4 : NP_MAP_FLOWS6;
  const auto& maps = machine_.object().maps;
  const auto at = std::find_if(maps.begin(), maps.end(), [&](const Map& m) { return m.name == name; });
  if (at == maps.end()) throw NotModelled{"the object has no map " + std::string(name)};
  if (at->key_size != 4 || at->value_size != (ipv4 ? sizeof(np_bucket4) : sizeof(np_bucket6))) throw NotModelled{"the map " + at->name + " has other sizes than its layout"};
  const z3::expr buckets = config(ipv4 ? offsetof(np_config, buckets4) : offsetof(np_config, buckets6), 4);
  const z3::expr index = bits_.bit_and(bits_.extract(key.hash, 31, 0), bits_.add(buckets, bits_.number(~std::uint64_t{0}, 32)));
  return machine_.look_up(static_cast<std::size_t>(at - maps.begin()), index);
}

// Whoever is about to write a way has taken it, which leaves it without a protocol.
z3::expr FlowSpec::holds(const FlowKey& key, const Lookup& bucket, bool ipv4, std::uint64_t number) {
  const auto word = [&](std::uint64_t offset, unsigned size) { return machine_.initial(bucket.region, offset, size); };
  const std::uint64_t at = way_at(ipv4, number), track = track_at(ipv4, number);
  std::vector<z3::expr> all{bits_.equal(word(track + offsetof(np_track, ports), 8), key.ports),
                            bits_.equal(word(track + offsetof(np_track, state) + NP_FLOW_PROTOCOL_SHIFT / 8, 1), key.protocol)};
  if (ipv4) all.push_back(bits_.equal(word(at, 8), key.addresses));
  else
    for (std::uint64_t half = 0; half < 4; ++half) all.push_back(bits_.equal(word(at + half * 8, 8), half < 2 ? key.local[half] : key.remote[half - 2]));
  return smt::all(bits_.context(), all);
}

FoundFlow FlowSpec::find(const FlowKey& key, const z3::expr& now) {
  FoundFlow out{bits_.no(), bits_.number(0, 64), bits_.number(0, 32), bits_.number(0, 32), {}, bits_.yes()};
  for (const bool ipv4 : {true, false}) {
    const Lookup there = bucket(key, ipv4);
    const z3::expr family = ipv4 ? key.ipv4 : bits_.negate(key.ipv4);
    z3::expr earlier = bits_.no();
    for (std::uint64_t number = 0; number < NP_WAYS; ++number) {
      const std::uint64_t track = track_at(ipv4, number);
      const auto word = [&](std::uint64_t offset, unsigned size) { return machine_.initial(there.region, track + offset, size); };
      const z3::expr its = holds(key, there, ipv4, number);
      out.tagged = out.tagged && z3::implies(family && there.found && its, machine_.initial(there.region, number, 1) == tag(key));
      const z3::expr here = family && there.found && its && !expired(word(offsetof(np_track, expires), 4), now);
      const z3::expr first = here && !earlier;
      earlier = earlier || here;
      out.ways.push_back({first, there.region, number, way_at(ipv4, number), track});
      out.when = out.when || first;
      out.state = z3::ite(first, word(offsetof(np_track, state), 8), out.state);
      out.expires = z3::ite(first, word(offsetof(np_track, expires), 4), out.expires);
      out.generation = z3::ite(first, word(offsetof(np_track, generation), 4), out.generation);
    }
  }
  return out;
}

z3::expr FlowSpec::advance(const z3::expr& flags, const z3::expr& protocol, const z3::expr& tcp_flags, const z3::expr& egress) {
  const auto also = [&](const z3::expr& when, const z3::expr& flag) { return bits_.either(when, flag, bits_.number(0, 32)); };
  const z3::expr established = also(bits_.negate(has(bits_, tcp_flags, kSyn)), bits_.number(NP_FLOW_ESTABLISHED, 32));
  const z3::expr closing = bits_.either(egress, bits_.number(NP_FLOW_OUT_CLOSING, 32), bits_.number(NP_FLOW_IN_CLOSING, 32));
  const z3::expr more = bits_.bit_or(established, also(has(bits_, tcp_flags, kFin | kRst), closing));
  return bits_.bit_or(flags, also(bits_.equal(protocol, bits_.number(kTcp, 8)), more));
}

z3::expr FlowSpec::by_sort(std::uint64_t offset, const z3::expr& protocol, const z3::expr& flags) {
  const z3::expr tcp = bits_.equal(protocol, bits_.number(kTcp, 8)), established = has(bits_, flags, NP_FLOW_ESTABLISHED);
  const z3::expr closed = bits_.both(has(bits_, flags, NP_FLOW_IN_CLOSING), has(bits_, flags, NP_FLOW_OUT_CLOSING));
  const auto one = [&](std::uint64_t sort) { return config(offset + sort * 4, 4); };
  const auto choose = [&](std::uint64_t sort) {
    return z3::ite(established, z3::ite(closed, one(sort | NP_IS_ESTABLISHED | NP_IS_CLOSED), one(sort | NP_IS_ESTABLISHED)), z3::ite(closed, one(sort | NP_IS_CLOSED), one(sort)));
  };
  return z3::ite(tcp, choose(NP_IS_TCP), choose(0));
}

FlowSpec::Choice FlowSpec::cheapest(const Lookup& bucket, bool ipv4, const z3::expr& now) {
  const z3::expr dear = bits_.number(~std::uint64_t{0}, kPriceBits);
  Choice out{{}, bits_.no(), {}, {}, {}, bits_.yes()};
  z3::expr least = dear, way = bits_.number(NP_WAYS, 3);
  const auto numbered = [&](const z3::expr& price, const z3::expr& whose, const z3::expr& busy) {
    return Choice::Price{price, whose, price == dear, z3::zext(z3::concat(price, whose), 64 - kPriceBits - 3), busy};
  };
  for (std::uint64_t number = 0; number < NP_WAYS; ++number) {
    const std::uint64_t track = track_at(ipv4, number);
    const z3::expr one = bits_.fresh("price", kPriceBits), less = z3::ult(one, least);
    out.priced.push_back(one == price(bucket, track, now));
    const z3::expr busy = has(bits_, machine_.initial(bucket.region, track + offsetof(np_track, state), 1), NP_FLOW_BUSY);
    out.takeable = out.takeable && z3::implies(busy, one == dear);
    least = z3::ite(less, one, least);
    way = z3::ite(less, bits_.number(number, 3), way);
    out.prices.push_back(numbered(one, bits_.number(number, 3), busy));
    out.least.push_back(numbered(least, way, busy));
  }
  for (std::uint64_t number = 0; number < NP_WAYS; ++number) out.takes.push_back(least != dear && way == bits_.number(number, 3));
  out.live = least != bits_.number(0, kPriceBits);
  return out;
}

// All ones where it is not to be had; 0: free or expired; else whether it had an answer, and above 0 how long it would live.
z3::expr FlowSpec::price(const Lookup& bucket, std::uint64_t track, const z3::expr& now) {
  const auto field = [&](std::uint64_t offset, unsigned size) { return machine_.initial(bucket.region, track + offset, size); };
  const z3::expr flags = bits_.widen(field(offsetof(np_track, state), 1), 32), protocol = field(offsetof(np_track, state) + NP_FLOW_PROTOCOL_SHIFT / 8, 1);
  const z3::expr expires = field(offsetof(np_track, expires), 4), left = expires - now;
  const z3::expr dead = expired(expires, now) || protocol == 0;
  // SYN ACK is no answer, nor is anything once the called side has closed
  const z3::expr spoken = protocol != static_cast<int>(kTcp) || has(bits_, flags, NP_FLOW_ESTABLISHED);
  const z3::expr over = (has(bits_, flags, NP_FLOW_OUT) && has(bits_, flags, NP_FLOW_IN_CLOSING)) || (has(bits_, flags, NP_FLOW_IN) && has(bits_, flags, NP_FLOW_OUT_CLOSING));
  const z3::expr answered = has(bits_, flags, NP_FLOW_REPLIED) && spoken && !over;
  const z3::expr just_now = answered && z3::ult(by_sort(offsetof(np_config, evictable), protocol, flags), left);
  const z3::expr price = z3::concat(z3::ite(answered, bits_.number(1, 1), bits_.number(0, 1)), left + 1);
  return z3::ite(has(bits_, flags, NP_FLOW_BUSY) || (!dead && just_now), bits_.number(~std::uint64_t{0}, kPriceBits), z3::ite(dead, bits_.number(0, kPriceBits), price));
}

z3::expr FlowSpec::lifetime(const z3::expr& protocol, const z3::expr& flags) { return by_sort(offsetof(np_config, lifetimes), protocol, flags); }

}  // namespace netpolc::verify::bytecode
