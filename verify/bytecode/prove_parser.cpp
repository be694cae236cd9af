// The parser: np_extension, np_parse and np_parse_quoted say of a packet's bytes what RFC 791, 792, 8200 and 4443 say of them.
#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

// IPv6 extension headers (RFC 8200 4, RFC 4302).
constexpr std::uint64_t kFragmentHeader = 44, kAuthenticationHeader = 51;
constexpr std::uint64_t kExtensionBytes = 8;
constexpr std::uint64_t kMostBytes = 1u << 24;  // of a packet

// A function of a packet that it has and of a np_packet on its caller's stack.
class ParserProof : protected FunctionProof {
 public:
  ParserProof(const Object& object, const char* function, Effort effort, Part& out)
      : FunctionProof(object, function, effort, out), length_(symbol("length", 32)), given_(truth("a packet")), skb_(machine_.give("the context", ContextAt::size)) {
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
  z3::expr byte(const z3::expr& offset, unsigned more) { return machine_.packet_bytes(bits_.add(offset, bits_.number(more, 32)), 1); }
  // Do `size` bytes at `offset` lie before `end`, and are there so many at all?
  z3::expr there(const z3::expr& offset, std::uint64_t size, const z3::expr& end) {
    const z3::expr last = bits_.add(offset, bits_.number(size, 32)), wide = bits_.add(bits_.widen(offset, 64), bits_.number(size, 64));
    return bits_.both(bits_.at_most(last, end), bits_.at_most(wide, bits_.widen(length_, 64)));
  }

  z3::expr length_, given_;
  std::size_t skb_;
  Stack caller_;
};

class ExtensionProof : ParserProof {
 public:
  ExtensionProof(const Object& object, Effort effort, Part& out) : ParserProof(object, "np_extension", effort, out) {}

  void prove() {
    const z3::expr which = symbol("which", 32), offset = symbol("offset", 32);
    for (unsigned at = 0; at < PacketAt::size; at += 4) machine_.overwrite(caller_, kPacket + static_cast<int>(at), 4);
    run({machine_.pointer(skb_), packet_argument(), {bits_.widen(which, 64)}, {bits_.widen(offset, 64)}}, {.caller = caller_});
    const z3::expr read = given_ && there(offset, kExtensionBytes, before(PacketAt::end, 4));
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
    conclude();
  }
};

}  // namespace

Part prove_extension(const Object& object, Effort effort) {
  return part("np_extension", [&](Part& out) { ExtensionProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
