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

Result<TcVerdict> test_run(const Object& object, Side side, const Bytes& frame) {
  const char* name = side == Side::FromPod ? NP_PROGRAM_FROM_POD : NP_PROGRAM_TO_POD;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.repeat = 1;
  if (const int error = bpf_prog_test_run_opts(object.program(name), &options); error != 0)
    return refused(std::string("running ") + name + " on a packet of " + std::to_string(frame.size()) + " bytes",
                   -error);
  if (options.retval == kTcUnspec) return TcVerdict::Pass;
  if (options.retval == kTcShot) return TcVerdict::Drop;
  return refused(std::string(name) + " returned " + std::to_string(options.retval) +
                 ", which is neither pass nor drop");
}

TestMaps::TestMaps() { shared.max_entries = {{NP_MAP_CONNTRACK, 8192}, {NP_MAP_EVENTS, 1u << 16}}; }

int TestMaps::map(const char* name) const {
  const auto found = shared.by_name.find(name);
  return found == shared.by_name.end() ? -1 : found->second.get();
}

Done TestMaps::set_addresses(const AddressIdentities& addresses, const np_config& config) {
  const int map4 = map(NP_MAP_IPCACHE4), map6 = map(NP_MAP_IPCACHE6);
  if (map4 < 0 || map6 < 0) return absent("filling the ipcache");
  const auto former = read_ipcache(map4, map6);
  if (!former) return tl::make_unexpected(former.error());
  for (const auto& [prefix, identity] : *former)
    if (const auto removed = remove_address(map4, map6, prefix); !removed) return tl::make_unexpected(removed.error());
  if (Done done = fill_ipcache(map4, map6, addresses); !done) return done;
  return set_config(map(NP_MAP_CONFIG), config);
}

Done TestMaps::forget_connections() {
  const int conntrack = map(NP_MAP_CONNTRACK);
  if (conntrack < 0) return absent("forgetting connections");
  np_ct_key key{};
  while (bpf_map_get_next_key(conntrack, nullptr, &key) == 0)
    if (bpf_map_delete_elem(conntrack, &key) != 0 && errno != ENOENT) return refused("forgetting a connection", errno);
  if (errno != ENOENT) return refused("reading " NP_MAP_CONNTRACK, errno);
  return {};
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
