#include "runtime-loader/node_addresses.h"

#include "runtime-loader/state.h"

namespace netpolc::loader {
namespace {

struct Opened {
  Installation site;
  State state;
  Fd map4, map6;
};

Result<Opened> open(const Where& where, bool to_write) {
  // Looking first: opening would make the directories of an installation that isn't there.
  auto site = Installation::find(where.root, where.state);
  if (site && to_write) site = Installation::open(where.root, where.state);
  if (!site) return tl::make_unexpected(site.error());
  auto known = read_state(*site);
  if (!known) return tl::make_unexpected(known.error());
  Fd map4 = open_pinned(site->map_path(NP_MAP_IPCACHE4)), map6 = open_pinned(site->map_path(NP_MAP_IPCACHE6));
  if (!known->current || !map4 || !map6) return bad_input("nothing is loaded under " + site->root());
  return Opened{std::move(*site), std::move(known->state), std::move(map4), std::move(map6)};
}

Result<std::optional<std::uint32_t>> entry(const Opened& opened, const Prefix& prefix) {
  const auto all = read_ipcache(opened.map4.get(), opened.map6.get());
  if (!all) return tl::make_unexpected(all.error());
  const auto found = all->find(prefix);
  return found == all->end() ? std::nullopt : std::optional(found->second);
}

Done put(const Opened& opened, const Prefix& prefix, std::optional<std::uint32_t> identity) {
  if (identity) return set_address(opened.map4.get(), opened.map6.get(), prefix, *identity);
  const auto removed = remove_address(opened.map4.get(), opened.map6.get(), prefix);
  return removed ? Done() : tl::make_unexpected(removed.error());
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
  return read_ipcache(opened->map4.get(), opened->map6.get());
}

}  // namespace netpolc::loader
