// runtime-loader/test_run.h — judging packets by a program in the kernel without any interface:
// BPF_PROG_TEST_RUN. For tests; needs CAP_BPF and CAP_NET_ADMIN like loading does.
//
//   TestMaps maps;                                 // once, or once a cluster
//   auto object = Object::load(bytes, name, maps.shared, peers_in, peers_out);
//   maps.set_addresses({{prefix, identity}, …}, config);   // after the first object: it makes the maps
//   auto verdict = test_run(*object, Side::ToPod, build_packet({…}));
//
// Connections are tracked as in production: a packet that was allowed makes its replies pass,
// and itself again. `forget_connections` between packets that shall not know of each other.
#pragma once
#include <vector>

#include "runtime-loader/link.h"
#include "runtime-loader/object.h"
#include "runtime-loader/packet.h"

namespace netpolc::loader {

enum class TcVerdict : std::uint8_t { Pass, Drop };

// `frame` has at least an Ethernet header, or the kernel refuses to run it. `from_node`: the node
// itself made it; else it came through a device.
Result<TcVerdict> test_run(const Object& object, Side side, const Bytes& frame, bool from_node = false);

// Shared maps that no installation knows: small, not pinned, gone with this value.
struct TestMaps {
  SharedMaps shared;

  TestMaps();
  // These four work once an object was loaded with `shared`.
  // Replaces the whole ipcache, then writes `config`, of which what the maps decide (the sizes of
  // the flow tables, whether prefixes are asked for) is set here; events are not limited.
  Done set_addresses(const AddressIdentities& addresses, np_config config);
  Done forget_connections();
  // Packets dropped so far, by reason: 256 of them.
  Result<std::vector<np_counter>> drops() const;
  // Events since the last call: every drop, and with NP_CONFIG_REPORT_ALLOWED every new
  // allowed connection, each with its rule.
  Result<std::vector<np_event>> take_events();

  int map(const char* name) const;  // -1 until it exists
  AddressMaps address_maps() const;
};

}  // namespace netpolc::loader
