#include "runtime-loader/maps.h"

#include <bpf/bpf.h>
#include <doctest/doctest.h>
#include <unistd.h>

using namespace netpolc::loader;

// Whoever lies in both would be the outer one's for a moment, if that came first.
TEST_CASE("of prefixes the inner ones are written before those around them") {
  if (geteuid() != 0) {
    MESSAGE("not tried: making maps needs root");
    return;
  }
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.map_flags = BPF_F_NO_PREALLOC;
  const Fd trie{bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "np_order", sizeof(np_lpm4), sizeof(np_address), 1, &options)};
  if (!trie) {
    MESSAGE("not tried: the kernel gives no map");
    return;
  }
  AddressMaps maps;
  maps.ipcache4 = trie.get();
  // There is room for one of them: the first.
  CHECK_FALSE(fill_addresses(maps, {{*Prefix::parse("10.0.0.0/8"), 300}, {*Prefix::parse("10.0.0.0/16"), 302}, {*Prefix::parse("10.0.7.0/24"), 301}}, {}));
  np_lpm4 key{};
  REQUIRE(bpf_map_get_next_key(trie.get(), nullptr, &key) == 0);
  CHECK(key.prefixlen == 24);
}
