#include "runtime-loader/test_run.h"

#include <bpf/bpf.h>

#include <cerrno>

#include "runtime-loader/events.h"

namespace netpolc::loader {
namespace {

// linux/pkt_cls.h's TC_ACT_*, whose header wants half of tc along.
constexpr std::uint32_t kTcUnspec = ~0u, kTcShot = 2;

Done absent(const std::string& what) { return refused(what + ": no object was loaded with these maps yet"); }

}  // namespace

Result<TcVerdict> test_run(const Object& object, Side side, const Bytes& frame, bool from_node) {
  const char* name = side == Side::FromPod ? NP_PROGRAM_FROM_POD : NP_PROGRAM_TO_POD;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  __sk_buff context{};
  context.ingress_ifindex = from_node ? 0 : 1;
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  options.repeat = 1;
  if (const int error = bpf_prog_test_run_opts(object.program(name), &options); error != 0)
    return refused(std::string("running ") + name + " on a packet of " + std::to_string(frame.size()) + " bytes",
                   -error);
  if (options.retval == kTcUnspec) return TcVerdict::Pass;
  if (options.retval == kTcShot) return TcVerdict::Drop;
  return refused(std::string(name) + " returned " + std::to_string(options.retval) +
                 ", which is neither pass nor drop");
}

TestMaps::TestMaps() {
  shared.max_entries = {{NP_MAP_FLOWS4, 512},       {NP_MAP_FLOWS6, 512},    {NP_MAP_FRAGMENTS, 512}, {NP_MAP_ADDRESSES4, 16384},
                        {NP_MAP_ADDRESSES6, 16384}, {NP_MAP_ROWS, 1024},     {NP_MAP_INTERFACES, 64}, {NP_MAP_EVENTS, 1u << 16}};
  shared.row_capacity = 512;
}

int TestMaps::map(const char* name) const {
  const auto found = shared.by_name.find(name);
  return found == shared.by_name.end() ? -1 : found->second.get();
}

AddressMaps TestMaps::address_maps() const {
  return {map(NP_MAP_ADDRESSES4), map(NP_MAP_ADDRESSES6), map(NP_MAP_IPCACHE4), map(NP_MAP_IPCACHE6), map(NP_MAP_NEAR4)};
}

Done TestMaps::set_addresses(const AddressIdentities& addresses, np_config config) {
  const AddressMaps maps = address_maps();
  if (maps.addresses4 < 0) return absent("filling the ipcache");
  const auto former = read_addresses(maps);
  if (!former) return tl::make_unexpected(former.error());
  for (const auto& [prefix, identity] : *former)
    if (const auto removed = remove_address(maps, prefix); !removed) return tl::make_unexpected(removed.error());
  if (Done done = fill_addresses(maps, addresses, shared.rows); !done) return done;
  const auto flows4 = map_shape(map(NP_MAP_FLOWS4)), flows6 = map_shape(map(NP_MAP_FLOWS6));
  if (!flows4 || !flows6) return absent("reading the size of the flow tables");
  config.buckets4 = flows4->max_entries;
  config.buckets6 = flows6->max_entries;
  config.event_limit = ~0u;
  config.host = {kHostIdentity, shared.rows.row(kHostIdentity)};
  if (has_cluster_prefixes(addresses)) config.flags |= NP_CONFIG_PREFIXES;
  return set_config(map(NP_MAP_CONFIG), config);
}

Done TestMaps::forget_connections() {
  if (map(NP_MAP_FLOWS4) < 0) return absent("forgetting connections");
  return forget_flows(map(NP_MAP_FLOWS4), map(NP_MAP_FLOWS6), map(NP_MAP_FRAGMENTS));
}

Result<std::vector<np_counter>> TestMaps::drops() const { return read_counters(map(NP_MAP_DROPS)); }

Result<std::vector<np_event>> TestMaps::take_events() {
  auto reader = EventReader::open(map(NP_MAP_EVENTS));
  if (!reader) return tl::make_unexpected(reader.error());
  std::vector<np_event> events;
  if (const Done done = reader->read([&](const np_event& event) { events.push_back(event); }); !done)
    return tl::make_unexpected(done.error());
  return events;
}

}  // namespace netpolc::loader
