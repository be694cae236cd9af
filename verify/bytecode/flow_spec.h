// verify/bytecode/flow_spec.h — what a flow is, where it is kept and how long it lives, as terms: written from ir/map_layout.h and
// docs/datapath.md, for proofs of what finds, opens and changes flows. Whoever includes this links Z3.
//
// Keys have hashes, so the terms must have been made with Bits::abstract_products.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "ir/map_layout.h"
#include "verify/bytecode/machine.h"

namespace netpolc::verify::bytecode {

// Of np_packet what a flow's key is made of. Addresses as np_packet has them: those of IPv4 in the lower half of the first word.
struct FlowPacket {
  std::array<z3::expr, 2> source, destination;  // 64 bits each
  z3::expr source_port, destination_port;       // 16 bits
  z3::expr protocol, family, query;             // 8 bits
};
inline constexpr int kRequest = 1, kAnswer = 2;  // of `query`

// A flow, as the pod at a site sees it.
struct FlowKey {
  z3::expr ipv4;                           // which table it is in
  z3::expr addresses;                      // of IPv4: local in the lower half, remote in the upper
  std::array<z3::expr, 2> local, remote;   // of IPv6
  z3::expr ports, protocol, hash;          // 64, 8, 64 bits
};
// `egress`: the pod sends the packet.
FlowKey flow_key(Bits& bits, const FlowPacket& of, const z3::expr& site, const z3::expr& egress, const z3::expr& seed);
// Are both the same flow? Hashes aside.
z3::expr same_flow(const FlowKey& a, const FlowKey& b);

// What is in one place of a table: np_track's fields.
struct FlowWay {
  z3::expr when;               // it is the one that is meant
  std::size_t region = 0;      // the bucket
  std::uint64_t number = 0, at = 0, track = 0;  // which way; offsets of its flow and of that one's np_track
};
struct FoundFlow {
  z3::expr when;
  z3::expr state, expires, generation;  // 64, 32, 32 bits
  // By table and number; the conditions exclude each other.
  std::vector<FlowWay> ways;
  // To be assumed: a way that has this flow has its tag (np_remember's proof).
  z3::expr tagged;
};

class FlowSpec {
 public:
  // `config`: a region that is np_config's.
  FlowSpec(Machine& machine, std::size_t config) : machine_(machine), bits_(machine.bits()), config_(config) {}

  // With the configuration's seed.
  FlowKey key(const FlowPacket& of, const z3::expr& site, const z3::expr& egress) { return flow_key(bits_, of, site, egress, config(offsetof(np_config, seed), 8)); }
  // A key that lies in memory, where that is so: np_key's fields read by `word` (offset, bytes).
  FlowKey key_in_memory(const std::function<z3::expr(std::uint64_t, unsigned)>& word);

  // The bucket of a flow, in its family's table.
  Lookup bucket(const FlowKey& key, bool ipv4);
  // The flow's first way that is alive (tick `now`, 32 bits), if it has one.
  FoundFlow find(const FlowKey& key, const z3::expr& now);

  // The flags (32 bits) after a packet.
  z3::expr advance(const z3::expr& flags, const z3::expr& protocol, const z3::expr& tcp_flags, const z3::expr& egress);
  // Ticks (32 bits) that a flow lives after a packet.
  z3::expr lifetime(const z3::expr& protocol, const z3::expr& flags);
  // Of which of a configuration's eight, 32 bits each, from an offset on.
  z3::expr by_sort(std::uint64_t offset, const z3::expr& protocol, const z3::expr& flags);
  z3::expr expired(const z3::expr& expires, const z3::expr& now);
  // The byte of `tags` that a flow has.
  z3::expr tag(const FlowKey& key);

  // Which way of a bucket a new flow takes, by number: one that is free or has expired, else that of a flow which had no answer,
  // else of one that had; of several the one that would be forgotten first, and the first of these. None that is being
  // written, and none that had an answer and was used just now.
  struct Choice {
    std::vector<z3::expr> takes;  // exclude each other
    z3::expr live;                // it is that of a live flow
    // Each way's price, and the least of the ways so far, as numbers of 64 bits with the way in the lower three: no number, but one
    // from kDear to kDearest, where there is none to be had.
    struct Price {
      z3::expr price, way;  // 33 and 3 bits
      z3::expr none, number;
      z3::expr busy;        // being written
    };
    std::vector<Price> prices, least;
    // Prices are symbols: each is this. Where that is too long, that what is being written is not to be had is what follows.
    std::vector<z3::expr> priced;
    z3::expr takeable;
  };
  static constexpr std::uint64_t kDear = std::uint64_t{1} << 43, kDearest = std::uint64_t{1} << 46;
  Choice cheapest(const Lookup& bucket, bool ipv4, const z3::expr& now);

  static constexpr std::uint64_t way_at(bool ipv4, std::uint64_t number) {
    return ipv4 ? offsetof(np_bucket4, way) + number * sizeof(np_flow4) : offsetof(np_bucket6, way) + number * sizeof(np_flow6);
  }
  static constexpr std::uint64_t track_at(bool ipv4, std::uint64_t number) {
    return way_at(ipv4, number) + (ipv4 ? offsetof(np_flow4, track) : offsetof(np_flow6, track));
  }

 private:
  z3::expr config(std::uint64_t offset, unsigned size) { return machine_.initial(config_, offset, size); }
  z3::expr price(const Lookup& bucket, std::uint64_t track, const z3::expr& now);
  z3::expr holds(const FlowKey& key, const Lookup& bucket, bool ipv4, std::uint64_t number);

  Machine& machine_;
  Bits& bits_;
  std::size_t config_;
};

}  // namespace netpolc::verify::bytecode
