// The parser: np_extension and np_parse say of a packet's bytes what RFC 791, 792, 8200 and 4443 say of them.
#include <cstddef>

#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/packet_spec.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

// IPv6 extension headers (RFC 8200 4, RFC 4302).
constexpr std::uint64_t kFragmentHeader = 44, kAuthenticationHeader = 51;
constexpr std::uint64_t kExtensionBytes = 8;
constexpr std::uint64_t kAck = 0x10;
constexpr std::uint64_t kFragmentTicks = 60;  // docs/datapath.md
constexpr std::uint64_t kMostBytes = 1u << 24;  // of a packet

// A function of a packet that it has and of a np_packet on its caller's stack.
class ParserProof : protected FunctionProof {
 public:
  ParserProof(const Object& object, const char* function, Effort effort, Part& out)
      : FunctionProof(object, function, effort, out, Inquiry::kAlone), length_(symbol("length", 32)), given_(truth("a packet")), skb_(give_context()), spec_(machine_, length_) {
    bits_.abstract_products();
    products_matter_ = look_ups_matter_ = false;  // each map is asked once
    bits_.promise(length_, {0, kMostBytes});
    inquiry_.assume(z3::ule(length_, bits_.number(kMostBytes, 32)));
    machine_.give_packet(length_, length_);
  }

 protected:
  // Where the caller has its np_packet.
  static constexpr int kPacket = 0;
  Value packet_argument() { return maybe(machine_.stack(), given_); }
  z3::expr before(unsigned offset, unsigned size) { return machine_.bytes(caller_, kPacket + static_cast<int>(offset), size); }
  z3::expr after(unsigned offset, unsigned size) { return machine_.bytes(run_->stack, kPacket + static_cast<int>(offset), size); }
  z3::expr byte(const z3::expr& offset, unsigned more) { return spec_.byte(offset, more); }

  // The kernel's word for the length is the packet's.
  std::size_t give_context() { return machine_.give("the context", ContextAt::size, {{ContextAt::length / 8, bits_.join(symbol("kind", 32), length_)}}); }

  z3::expr length_, given_;
  std::size_t skb_;
  PacketSpec spec_;
  Stack caller_;
};

class ExtensionProof : ParserProof {
 public:
  ExtensionProof(const Object& object, Effort effort, Part& out) : ParserProof(object, "np_extension", effort, out) {}

  void prove() {
    const z3::expr which = symbol("which", 32), offset = symbol("offset", 32);
    for (unsigned at = 0; at < PacketAt::size; at += 4) machine_.overwrite(caller_, kPacket + static_cast<int>(at), 4);
    run({machine_.pointer(skb_), packet_argument(), {bits_.widen(which, 64)}, {bits_.widen(offset, 64)}}, {.caller = caller_});
    const z3::expr read = given_ && spec_.before(offset, kExtensionBytes, before(PacketAt::end, 4));
    const z3::expr units = bits_.widen(byte(offset, 1), 32), fragment = is(which, kFragmentHeader);
    const z3::expr bytes = z3::ite(fragment, bits_.number(8, 32), z3::ite(is(which, kAuthenticationHeader), (units + 2) * 4, (units + 1) * 8));
    exactly(is(low(run_->result), 0), !read, "takes a header that is cut off for a whole one, or the reverse");
    inquiry_.never(read && low(run_->result) != (bits_.join(bits_.widen(byte(offset, 0), 16), bits_.number(0, 16)) | bytes), "says another length or next header");
    const auto becomes = [&](unsigned at, unsigned size, const z3::expr& wanted, const char* what) {
      inquiry_.never(given_ && after(at, size) != z3::ite(read && fragment, wanted, before(at, size)), std::string("has another ") + what);
    };
    const z3::expr flags = bits_.join(byte(offset, 2), byte(offset, 3));
    becomes(PacketAt::fragment, 4, bits_.widen(flags & bits_.number(0xfff9, 16), 32), "place of a fragment");
    becomes(PacketAt::fragment_id, 4, machine_.packet_bytes(bits_.add(offset, bits_.number(4, 32)), 4), "number of a fragment");
    becomes(PacketAt::fragment_protocol, 4, bits_.widen(byte(offset, 0), 32), "protocol of a fragment");
    // whoever calls it relies on the rest
    for (unsigned at = 0; at < PacketAt::size; at += 4)
      if (at < PacketAt::fragment || at > PacketAt::fragment_protocol) inquiry_.never(given_ && after(at, 4) != before(at, 4), "changes what it must not", 1);
    no_other_stores();
    conclude();
  }
};

class ParseProof : ParserProof {
 public:
  ParseProof(const Object& object, Effort effort, Part& out) : ParserProof(object, "np_parse", effort, out), direction_(symbol("direction", 32)), site_(symbol("site", 32)) {}

  void prove() {
    for (unsigned at = 0; at < PacketAt::size; at += 4)
      machine_.overwrite(caller_, kPacket + static_cast<int>(at), 4, Value{at == PacketAt::site ? site_ : bits_.number(0, 32)});
    run({machine_.pointer(skb_), packet_argument(), {bits_.widen(direction_, 64)}},
        {.contracts = {{"np_extension", {{.argument = 2, .bytes = 12, .from = PacketAt::fragment}}}},
         .caller = caller_,
         .apart = {PacketAt::network, PacketAt::transport, PacketAt::end}});
    for (const End& end : run_->ends) inquiry_.never(end.when && !given_ && low(end.result) != NP_REASON_UNSUPPORTED_L3, "reads a packet that it has not");
    // up to two tags
    z3::expr when = given_, type = bits_.extract(at(skb_, ContextAt::ethertype, 4), 15, 0);
    for (std::uint32_t place = 14;; place += 4) {
      const auto is_type = [&](std::uint16_t number) { return is(type, static_cast<std::uint16_t>(number << 8 | number >> 8)); };
      const z3::expr ipv4 = is_type(kIpv4Type), ipv6 = is_type(kIpv6Type), arp = is_type(kArpType), tag = is_type(kVlanType) || is_type(kServiceVlanType);
      const bool more = place < 14 + 4 * kMostTags;
      const std::vector<ExtensionRead> reads = extensions(place);
      compare(when && ipv4, kIpv4Type, place, reads);
      compare(when && ipv6, kIpv6Type, place, reads);
      asks(when && ipv6, place, reads);
      compare(when && arp, kArpType, place, reads);
      compare(when && !ipv4 && !ipv6 && !arp && (more ? !tag : bits_.yes()), 0, place, reads);
      if (!more) break;
      const z3::expr there = spec_.there(bits_.number(place, 32), 4);
      says(when && tag && !there, NP_REASON_UNSUPPORTED_L3, place);
      when = when && tag && there;
      type = bits_.join(spec_.byte(bits_.number(place, 32), 3), spec_.byte(bits_.number(place, 32), 2));
    }
    no_other_stores();
    conclude();
  }

 private:
  static constexpr std::uint32_t kMostTags = 2;

  void compare(const z3::expr& when, std::uint16_t type, std::uint32_t place, const std::vector<ExtensionRead>& reads) {
    for (const Network& network : spec_.network(type, place, reads)) {
      const z3::expr here = when && network.when;
      if (network.outcome != kJudge) {
        says(here, network.outcome, place);
        continue;
      }
      z3::expr reached = bits_.no();
      for (const End& end : run_->ends) {
        if (!is_of(end.stack, network, place)) continue;
        reached = reached || end.when;
        compare(here, network, end, place);
      }
      inquiry_.never(here && !reached, "takes the transport header to be elsewhere");
    }
  }

  // A packet whose network header says that it is judged.
  void compare(const z3::expr& when, const Network& network, const End& end, std::uint32_t place) {
    const z3::expr later = !is(bits_.bit_and(network.fragment, bits_.number(0xfffffff8, 32)), 0), whole = when && !later;
    const Transport transport = spec_.transport(network);
    const z3::expr result = low(end.result), judged = whole && is(transport.outcome, kJudge), known = whole && (is(transport.outcome, kJudge) || is(transport.outcome, kPassUnasked));
    inquiry_.never(whole && result != transport.outcome, "says another outcome of a transport header");
    ++case_;
    addresses(when, network, end);
    const auto has = [&](const z3::expr& where, unsigned at, unsigned size, const z3::expr& wanted, const char* what) {
      inquiry_.never(where && field(end, at, size) != wanted, std::string("reads another ") + what, case_);
    };
    has(whole, PacketAt::protocol, 1, network.protocol, "protocol");
    has(whole, PacketAt::end, 4, network.end, "end");
    has(known, PacketAt::source_port, 2, transport.source_port, "source port");
    has(known, PacketAt::destination_port, 2, transport.destination_port, "destination port");
    has(known, PacketAt::number, 2, transport.number, "port or type");
    has(known, PacketAt::tcp_flags, 1, transport.tcp_flags, "word of TCP's flags");
    has(known, PacketAt::answers, 1, transport.answers, "word about whether it may be an answer");
    has(known, PacketAt::icmp_error, 1, transport.icmp_error, "word about whether it is an error");
    has(known, PacketAt::query, 1, transport.query, "word about whether it asks or answers");
    remembered(when, judged && !is(network.fragment, 0), network, transport, place);
    if (!later.is_false()) looked_up(when && later, network, end, place);
  }

  // The first of fragments says what the others are, for as long as they may come.
  void remembered(const z3::expr& when, const z3::expr& wanted, const Network& network, const Transport& transport, std::uint32_t place) {
    z3::expr done = bits_.no();
    for (const Call* call : calls(kUpdate)) {
      if (!is_of(call->stack, network, place)) continue;
      done = done || call->when;
      const int key = structure(*call, 2), value = structure(*call, 3);
      const auto has = [&](std::size_t at, unsigned size, const z3::expr& word) {
        inquiry_.never(when && call->when && machine_.bytes(call->stack, value + static_cast<int>(at), size) != word, "remembers a fragment as another", case_);
      };
      inquiry_.never(when && call->when && machine_.bytes(call->stack, key, sizeof(np_fragment_key)) != fragment_key(network), "remembers another fragment", case_);
      has(offsetof(np_fragment, source_port), 2, transport.source_port);
      has(offsetof(np_fragment, destination_port), 2, transport.destination_port);
      has(offsetof(np_fragment, number), 2, transport.number);
      has(offsetof(np_fragment, protocol), 1, network.protocol);
      has(offsetof(np_fragment, answers), 1, transport.answers);
      has(offsetof(np_fragment, query), 1, transport.query);
      has(offsetof(np_fragment, expires), 4, ticks(network, place) + bits_.number(kFragmentTicks, 32));
    }
    inquiry_.never(when && done != (wanted && configuration().found), "remembers what is no first fragment, or forgets one", case_);
  }

  // The others are what the first one was; none of them may overwrite its header (RFC 3128).
  void looked_up(const z3::expr& when, const Network& network, const End& end, std::uint32_t place) {
    const z3::expr overwrites = is(network.fragment_protocol, 6) && is(bits_.extract(network.fragment, 31, 3), 1), result = low(end.result);
    inquiry_.never(when && overwrites && result != NP_REASON_INVALID_PACKET, "lets a fragment overwrite a header", case_);
    z3::expr asked = bits_.no();
    for (const Asked& one : run_->asked) {
      if (object_.maps[one.lookup.map].name != NP_MAP_FRAGMENTS || !is_of(one.stack, network, place)) continue;
      asked = asked || one.when;
      const z3::expr here = when && one.when;
      const auto first = [&](std::size_t offset, unsigned size) { return at(one.lookup.region, offset, size); };
      const z3::expr late = (first(offsetof(np_fragment, expires), 4) - ticks(network, place)) < 0;
      const z3::expr known = one.lookup.found && configuration().found && !late;
      inquiry_.never(here && one.lookup.key != fragment_key(network), "asks for another fragment", case_);
      inquiry_.never(here && result != z3::ite(known, bits_.number(kJudge, 32), bits_.number(NP_REASON_FRAGMENT_NOT_FOUND, 32)), "says another outcome of a fragment", case_);
      const auto has = [&](unsigned field_at, std::size_t offset, unsigned size) {
        inquiry_.never(here && known && field(end, field_at, size) != first(offset, size), "takes a fragment for another's", case_);
      };
      has(PacketAt::source_port, offsetof(np_fragment, source_port), 2);
      has(PacketAt::destination_port, offsetof(np_fragment, destination_port), 2);
      has(PacketAt::number, offsetof(np_fragment, number), 2);
      has(PacketAt::protocol, offsetof(np_fragment, protocol), 1);
      has(PacketAt::answers, offsetof(np_fragment, answers), 1);
      has(PacketAt::query, offsetof(np_fragment, query), 1);
      inquiry_.never(here && known && !(is(field(end, PacketAt::tcp_flags, 1), kAck) && is(field(end, PacketAt::icmp_error, 1), 0)), "lets a fragment open or end something", case_);
    }
    inquiry_.never(when && asked == overwrites, "asks at the wrong time for the first fragment", case_);
  }

  z3::expr fragment_key(const Network& network) {
    z3::expr out = bits_.join(network.source[1], network.source[0]);
    for (const z3::expr& next : {bits_.join(network.destination[1], network.destination[0]), network.fragment_id, site_, bits_.extract(network.fragment_protocol, 7, 0),
                                 bits_.extract(direction_, 7, 0), bits_.number(0, 16)})
      out = bits_.join(next, out);
    return out;
  }

  // The time that is read on this way.
  z3::expr ticks(const Network& network, std::uint32_t place) {
    z3::expr out = bits_.number(0, 32);
    for (const Call* call : calls(kJiffies))
      if (is_of(call->stack, network, place))
        out = bits_.either(call->when, low(bits_.shift_right(call->result, bits_.widen(bits_.extract(config(offsetof(np_config, tick_shift)), 5, 0), 64))), out);
    return out;
  }

  void addresses(const z3::expr& when, const Network& network, const End& end) {
    for (const unsigned half : {0U, 1U}) {
      inquiry_.never(when && field(end, PacketAt::source + 8 * half, 8) != network.source[half], "reads another source");
      inquiry_.never(when && field(end, PacketAt::destination + 8 * half, 8) != network.destination[half], "reads another destination");
    }
    inquiry_.never(when && field(end, PacketAt::family, 1) != bits_.number(network.family, 8), "reads another family");
    inquiry_.never(when && field(end, PacketAt::site, 4) != site_, "changes whose flows it may be of");
  }
  z3::expr field(const End& end, unsigned at, unsigned size) { return machine_.bytes(end.stack, kPacket + static_cast<int>(at), size); }

  bool is_behind(const Stack& stack, std::uint32_t place) {
    return Bits::value(machine_.bytes(stack, kPacket + static_cast<int>(PacketAt::network), 4)) == place;
  }

  // Is it where this network header is what was read?
  bool is_of(const Stack& stack, const Network& network, std::uint32_t place) {
    return is_behind(stack, place) && z3::eq(machine_.bytes(stack, kPacket + static_cast<int>(PacketAt::transport), 4), network.transport);
  }

  void says(const z3::expr& when, std::uint32_t outcome, std::uint32_t place) {
    z3::expr right = bits_.no();
    for (const End& end : run_->ends)
      if (is_behind(end.stack, place)) right = right || (end.when && low(end.result) == bits_.number(outcome, 32));
    inquiry_.never(when && !right, "says another outcome of a network header");
  }

  // Extension headers, up to as many as a packet may have: which is read, where, and from what.
  void asks(const z3::expr& when, std::uint32_t place, const std::vector<ExtensionRead>& reads) {
    if (reads.size() != kMostExtensions) throw NotModelled{"it does not read " + std::to_string(kMostExtensions) + " extension headers"};
    const z3::expr from = bits_.number(place, 32);
    const Walks walks = spec_.walk(spec_.byte(from, 6), bits_.add(from, bits_.number(40, 32)), reads);
    std::size_t k = 0;
    ++case_;
    for (const Call* call : calls("np_extension")) {
      if (!is_behind(call->stack, place)) continue;
      const Walks::Asked& asked = walks.asked[k++];
      const auto number = [&](std::size_t argument) { return low(call->arguments[argument - 1].bits); };
      inquiry_.never(when && call->when && (number(3) != bits_.widen(asked.next, 32) || number(4) != asked.offset), "reads another extension header", case_);
      points(*call, 1, skb_, "context");
    }
  }

  // Of a network header at `place`, one after the other.
  std::vector<ExtensionRead> extensions(std::uint32_t place) {
    std::vector<ExtensionRead> out;
    for (const Call* call : calls("np_extension")) {
      if (!is_behind(call->stack, place)) continue;
      // as its own proof says: next header << 16 | length, or 0
      inquiry_.assume(is(bits_.extract(low(call->result), 31, 24), 0));
      const auto left = [&](unsigned at) { return machine_.bytes(call->after, kPacket + static_cast<int>(at), 4); };
      out.push_back({low(call->result), left(PacketAt::fragment), left(PacketAt::fragment_id), left(PacketAt::fragment_protocol)});
    }
    return out;
  }

  z3::expr direction_, site_;
  std::size_t case_ = 0;  // what is said of one is asked at once
};

}  // namespace

Part prove_parse(const Object& object, Effort effort) {
  return part("np_parse", [&](Part& out) { ParseProof(object, effort, out).prove(); });
}
Part prove_extension(const Object& object, Effort effort) {
  return part("np_extension", [&](Part& out) { ExtensionProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
