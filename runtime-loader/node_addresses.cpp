#include "runtime-loader/node_addresses.h"

#include "runtime-loader/state.h"

namespace netpolc::loader {
namespace {

struct Opened {
  Installation site;
  State state;
  std::map<std::string, Fd> maps;
  int map(const char* name) const { return maps.at(name).get(); }
  AddressMaps addresses() const {
    return {map(NP_MAP_ADDRESSES4), map(NP_MAP_ADDRESSES6), map(NP_MAP_IPCACHE4), map(NP_MAP_IPCACHE6)};
  }
};

Result<Opened> open(const Where& where, bool to_write) {
  // Looking first: opening would make the directories of an installation that isn't there.
  auto site = Installation::find(where.root, where.state);
  if (site && to_write) site = Installation::open(where.root, where.state);
  if (!site) return tl::make_unexpected(site.error());
  auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  std::map<std::string, Fd> maps;
  for (const char* name : {NP_MAP_ADDRESSES4, NP_MAP_ADDRESSES6, NP_MAP_IPCACHE4, NP_MAP_IPCACHE6, NP_MAP_ROWS, NP_MAP_CONFIG}) {
    Fd map = open_pinned(site->map_path(name));
    if (!known->current || !map) return bad_input("nothing is loaded under " + site->root());
    maps.emplace(name, std::move(map));
  }
  return Opened{std::move(*site), std::move(known->state), std::move(maps)};
}

Result<std::optional<std::uint32_t>> entry(const Opened& opened, const Prefix& prefix) {
  const auto all = read_addresses(opened.addresses());
  if (!all) return tl::make_unexpected(all.error());
  const auto found = all->find(prefix);
  return found == all->end() ? std::nullopt : std::optional(found->second);
}

// Flows that live are judged anew once the change is there.
Done publish(const Opened& opened, const Prefix& prefix, std::optional<std::uint32_t> identity) {
  const int map = opened.map(NP_MAP_CONFIG);
  auto config = read_config(map);
  if (!config) return tl::make_unexpected(config.error());
  if (identity && has_cluster_prefixes({{prefix, *identity}}) && !(config->flags & NP_CONFIG_PREFIXES)) {
    config->flags |= NP_CONFIG_PREFIXES;
    if (const Done done = set_config(map, *config); !done) return done;
  }
  return new_generation(map);
}

Done put(const Opened& opened, const Prefix& prefix, std::optional<std::uint32_t> identity) {
  if (identity) {
    const auto rows = read_rows(opened.map(NP_MAP_ROWS));
    if (!rows) return tl::make_unexpected(rows.error());
    if (const Done done = fill_addresses(opened.addresses(), {{prefix, *identity}}, *rows); !done) return done;
  } else if (const auto removed = remove_address(opened.addresses(), prefix); !removed) {
    return tl::make_unexpected(removed.error());
  }
  return publish(opened, prefix, identity);
}

Result<AddressChange> change(Opened& opened, const Prefix& prefix, std::optional<std::uint32_t> identity,
                             AddressOverride said) {
  const auto former = entry(opened, prefix);
  if (!former) return tl::make_unexpected(former.error());
  if (const Done done = put(opened, prefix, identity); !done) return tl::make_unexpected(done.error());
  opened.state.overrides[prefix] = std::move(said);
  if (const Done done = write_state(opened.site, opened.state); !done) {
    (void)put(opened, prefix, *former);
    return tl::make_unexpected(done.error());
  }
  return AddressChange{prefix, *former, identity};
}

}  // namespace

Result<AddressChange> add_address(const Where& where, const Prefix& prefix, const std::string& endpoint,
                                  std::optional<std::uint32_t> identity) {
  auto opened = open(where, true);
  if (!opened) return tl::make_unexpected(opened.error());
  if (!endpoint.empty()) {
    const auto bundle = kept_manifest(opened->site, opened->state);
    if (!bundle) return tl::make_unexpected(bundle.error());
    const auto found = find_endpoint(*bundle, endpoint);
    if (!found) return tl::make_unexpected(found.error());
    identity = bundle->endpoints[*found].identity;
  }
  return change(*opened, prefix, identity,
                endpoint.empty() ? AddressOverride{"", identity} : AddressOverride{endpoint, std::nullopt});
}

Result<AddressChange> remove_address(const Where& where, const Prefix& prefix) {
  auto opened = open(where, true);
  if (!opened) return tl::make_unexpected(opened.error());
  return change(*opened, prefix, std::nullopt, {});
}

Result<AddressIdentities> list_addresses(const Where& where) {
  const auto opened = open(where, false);
  if (!opened) return tl::make_unexpected(opened.error());
  return read_addresses(opened->addresses());
}

}  // namespace netpolc::loader
