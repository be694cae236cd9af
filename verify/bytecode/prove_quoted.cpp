// np_parse_quoted: of the packet that an ICMP error quotes it says what its bytes say (RFC 792, 4443), or that there is none that
// can be read.
#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/packet_spec.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kMostBytes = 1u << 24;  // of a packet
constexpr unsigned kErrorBytes = 8;             // an ICMP error's own, before what it quotes
constexpr unsigned kQuotedBytes = 8;            // of a transport header: what RFC 792 promises
constexpr std::uint64_t kIpv4Bytes = 20, kIpv6Bytes = 40;

class QuotedProof : FunctionProof {
 public:
  QuotedProof(const Object& object, Effort effort, Part& out)
      : FunctionProof(object, "np_parse_quoted", effort, out, Inquiry::kAlone), length_(symbol("length", 32)), given_(truth("a packet")), wanted_(truth("a place for the quoted one")),
        skb_(machine_.give("the context", ContextAt::size, {{ContextAt::length / 8, bits_.join(symbol("kind", 32), length_)}})),
        packet_(machine_.give("the packet", PacketAt::size)), spec_(machine_, length_) {
    bits_.abstract_products();
    products_matter_ = look_ups_matter_ = false;  // no map is asked
    bits_.promise(length_, {0, kMostBytes});
    inquiry_.assume(z3::ule(length_, bits_.number(kMostBytes, 32)));
    machine_.give_packet(length_, length_);
  }

  void prove() {
    Stack caller;
    for (unsigned at = 0; at < PacketAt::size; at += 4) machine_.overwrite(caller, kQuoted + static_cast<int>(at), 4, Value{bits_.number(0, 32)});
    run({machine_.pointer(skb_), maybe(packet_, given_), maybe(machine_.stack(), wanted_)},
        {.contracts = {{"np_extension", {{.argument = 2, .bytes = 12, .from = PacketAt::fragment}}}}, .caller = caller, .apart = {PacketAt::transport}});
    const z3::expr both = given_ && wanted_, ipv4 = is(packet(PacketAt::family, 1), 4);
    std::vector<Read> reads = four(both && ipv4);
    for (Read& read : six(both && !ipv4)) reads.push_back(std::move(read));
    for (const Read& read : reads) {
      z3::expr reached = bits_.no();
      for (const End& end : run_->ends)
        if (is_of(end, read)) reached = reached || end.when;
      inquiry_.never(read.when && !reached, "takes the quoted transport header to be elsewhere");
    }
    for (const End& end : run_->ends) compare(end, reads);
    no_other_stores();
    conclude();
  }

 private:
  static constexpr int kQuoted = 0;  // where the caller has room for it

  // One way that a quoted packet can be read: of which family, and where its transport header is.
  struct Read {
    z3::expr when, transport, protocol, source[2], destination[2];
    std::uint64_t family;
  };

  z3::expr packet(unsigned offset, unsigned size) { return at(packet_, offset, size); }
  z3::expr quotes() { return bits_.add(packet(PacketAt::transport, 4), bits_.number(kErrorBytes, 32)); }
  // Routers may cut what they quote: its own word for its length is not asked, only where the error ends.
  z3::expr within(const z3::expr& offset, std::uint64_t size) { return spec_.before(offset, size, packet(PacketAt::end, 4)); }
  z3::expr bytes(unsigned from, unsigned size) { return machine_.packet_bytes(bits_.add(quotes(), bits_.number(from, 32)), size); }

  std::vector<Read> four(const z3::expr& when) {
    const z3::expr from = quotes(), words = bits_.bit_and(bits_.widen(spec_.byte(from, 0), 32), bits_.number(15, 32)), none = bits_.number(0, 64);
    const z3::expr later = !is(bits_.extract(spec_.big(from, 6), 12, 0), 0);
    const z3::expr valid = within(from, kIpv4Bytes) && is(bits_.extract(spec_.byte(from, 0), 7, 4), 4) && bits_.at_most(bits_.number(5, 32), words) && !later;
    const z3::expr transport = bits_.add(from, bits_.shift_left(words, bits_.number(2, 32)));
    return {{when && valid && within(transport, kQuotedBytes), transport, spec_.byte(from, 9), {bits_.widen(bytes(12, 4), 64), none}, {bits_.widen(bytes(16, 4), 64), none}, 4}};
  }

  std::vector<Read> six(const z3::expr& when) {
    const z3::expr from = quotes(), valid = when && within(from, kIpv6Bytes) && is(bits_.extract(spec_.byte(from, 0), 7, 4), 6);
    const Walks walks = spec_.walk(spec_.byte(from, 6), bits_.add(from, bits_.number(kIpv6Bytes, 32)), extensions());
    const auto asked = calls("np_extension");
    for (std::size_t k = 0; k < asked.size(); ++k) {
      const Call& call = *asked[k];
      if (k >= walks.asked.size()) {
        inquiry_.never(call.when, "reads more extension headers than there may be");
        continue;
      }
      exactly(call.when, valid && walks.asked[k].when, "reads an extension header where none is, or does not read one");
      points(call, 1, skb_, "context");
      points(call, 2, machine_.stack(), "packet");
      number_is(call, 3, bits_.widen(walks.asked[k].next, 32), "kind of header");
      number_is(call, 4, walks.asked[k].offset, "place");
      field_is(call, kQuoted + static_cast<int>(PacketAt::end), 4, packet(PacketAt::end, 4), bits_.yes(), "end");
    }
    std::vector<Read> out;
    for (const Walk& walk : walks.ends) {
      if (walk.outcome == NP_REASON_INVALID_EXTENSION && asked.size() < kMostExtensions) inquiry_.never(valid && walk.when, "reads fewer extension headers than there may be");
      if (walk.outcome != kJudge) continue;
      const z3::expr later = !is(bits_.bit_and(walk.fragment, bits_.number(0xfffffff8, 32)), 0);
      out.push_back({valid && walk.when && !later && within(walk.transport, kQuotedBytes), walk.transport, walk.protocol, {bytes(8, 8), bytes(16, 8)}, {bytes(24, 8), bytes(32, 8)}, 6});
    }
    return out;
  }

  // One after the other. As its own proof says: next header << 16 | length, or 0.
  std::vector<ExtensionRead> extensions() {
    std::vector<ExtensionRead> out;
    for (const Call* call : calls("np_extension")) {
      inquiry_.assume(is(bits_.extract(low(call->result), 31, 24), 0));
      const auto left = [&](unsigned at) { return machine_.bytes(call->after, kQuoted + static_cast<int>(at), 4); };
      out.push_back({low(call->result), left(PacketAt::fragment), left(PacketAt::fragment_id), left(PacketAt::fragment_protocol)});
    }
    return out;
  }

  bool is_of(const End& end, const Read& read) { return z3::eq(field(end, PacketAt::transport, 4), read.transport); }
  z3::expr field(const End& end, unsigned at, unsigned size) { return machine_.bytes(end.stack, kQuoted + static_cast<int>(at), size); }

  void compare(const End& end, const std::vector<Read>& reads) {
    z3::expr readable = bits_.no();
    for (const Read& read : reads) {
      if (!is_of(end, read)) continue;
      readable = readable || read.when;
      ++case_;
      const z3::expr here = end.when && read.when;
      const auto has = [&](unsigned at, unsigned size, const z3::expr& wanted, const char* what) {
        inquiry_.never(here && field(end, at, size) != wanted, std::string("reads another ") + what + " of what is quoted", case_);
      };
      const Transport ports = spec_.ports(read.protocol, read.transport);
      for (const unsigned half : {0U, 1U}) {
        has(PacketAt::source + 8 * half, 8, read.source[half], "source");
        has(PacketAt::destination + 8 * half, 8, read.destination[half], "destination");
      }
      has(PacketAt::family, 1, read.family == 4 ? bits_.number(4, 8) : packet(PacketAt::family, 1), "family");
      has(PacketAt::protocol, 1, read.protocol, "protocol");
      has(PacketAt::source_port, 2, ports.source_port, "source port");
      has(PacketAt::destination_port, 2, ports.destination_port, "destination port");
      has(PacketAt::query, 1, ports.query, "word about whether it asks or answers");
    }
    inquiry_.never(end.when && low(end.result) != z3::ite(readable, bits_.number(1, 32), bits_.number(0, 32)), "reads what cannot be read, or does not read what can");
  }

  z3::expr length_, given_, wanted_;
  std::size_t skb_, packet_;
  PacketSpec spec_;
  std::size_t case_ = 0;  // what is said of one is asked at once
};

}  // namespace

Part prove_parse_quoted(const Object& object, Effort effort) {
  return part("np_parse_quoted", [&](Part& out) { QuotedProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
