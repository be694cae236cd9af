#include "runtime-loader/xdp.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "runtime-loader/clock.h"
#include "runtime-loader/xdp_link.h"

namespace netpolc::loader {
namespace {

constexpr const char* kPinnedProgram = "outside";
constexpr std::array kPinned = {NP_MAP_OUTSIDE, NP_MAP_LOCAL4, NP_MAP_LOCAL6};

template <class Key, class Value>
Done put(int map, const Key& key, const Value& value, const char* name) {
  if (bpf_map_update_elem(map, &key, &value, BPF_ANY) != 0) return refused(std::string("writing ") + name, errno);
  return {};
}

// What the loader reads of a flow table: the far ends of flows that pods opened and that live.
template <class Bucket, class Visit>
Done each_sent_to(int map, std::uint32_t now, const Visit& visit) {
  const auto shape = map_shape(map);
  if (!shape) return tl::make_unexpected(shape.error());
  const std::size_t size = sizeof(Bucket) * shape->max_entries;
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_SHARED, map, 0);
  if (bytes == MAP_FAILED) return refused("mapping a flow table", errno);
  const auto* buckets = static_cast<const Bucket*>(bytes);
  for (std::size_t i = 0; i < shape->max_entries; ++i) {
    if (buckets[i].tags == 0) continue;
    for (const auto& flow : buckets[i].way)
      if (flow.track.state & NP_FLOW_OUT && static_cast<std::int32_t>(flow.track.expires - now) >= 0) visit(flow);
  }
  munmap(bytes, size);
  return {};
}

Address remote(const np_flow4& flow) {
  Address out;
  const auto address = static_cast<std::uint32_t>(flow.addresses >> 32);
  std::memcpy(out.bytes.data(), &address, sizeof address);
  return out;
}
Address remote(const np_flow6& flow) {
  Address out;
  out.v6 = true;
  std::memcpy(out.bytes.data(), flow.remote, sizeof flow.remote);
  return out;
}

// In place of what is pinned there; taken back that is there again.
Done pin_instead(int fd, const std::string& path, const std::shared_ptr<Fd>& former, Journal& journal) {
  if (Done done = pin_over(fd, path); !done) return done;
  journal.add([path, former] {
    if (*former)
      (void)pin_over(former->get(), path);
    else
      unpin(path);
  });
  return {};
}

Done pin_maps(const Installation& site, const Object& object, Journal& journal) {
  for (const char* name : kPinned) {
    const std::string path = site.map_path(name);
    if (Done done = pin_instead(object.map(name), path, std::make_shared<Fd>(open_pinned(path)), journal); !done) return done;
  }
  return {};
}

// Of the local addresses in this map those inside the prefix.
template <std::size_t Bytes>
Done forget_inside(const Fd& map, const Prefix& prefix) {
  if (!map) return {};
  std::vector<Address> gone;
  std::array<std::uint8_t, Bytes> key{};
  const void* from = nullptr;
  while (bpf_map_get_next_key(map.get(), from, key.data()) == 0) {
    from = key.data();
    Address address;
    address.v6 = Bytes == 16;
    std::copy(key.begin(), key.end(), address.bytes.begin());
    if (prefix.contains({address, Bytes * 8})) gone.push_back(address);
  }
  for (const Address& address : gone)
    if (bpf_map_delete_elem(map.get(), address.bytes.data()) != 0 && errno != ENOENT) return refused("forgetting a local address", errno);
  return {};
}

}  // namespace

Result<OutsideProgram> OutsideProgram::load(const Bundle& bundle, const AddressIdentities& addresses, OutsidePlan plan, SharedMaps& maps) {
  auto object = Object::load_outside(bundle.xdp.bytes, bundle.xdp.object, maps);
  if (!object) return tl::make_unexpected(object.error());
  OutsideProgram out(std::move(*object), bundle, addresses, std::move(plan), maps);
  if (const Done done = out.fill(); !done) return tl::make_unexpected(done.error());
  return out;
}

Done OutsideProgram::fill() const {
  for (std::size_t i = 0; i < plan_.classes.size(); ++i) {
    const auto number = static_cast<std::uint32_t>(i + 1);
    if (Done done = put(object_.map(NP_MAP_DENIED), number, denied_ports(plan_.classes[i]), NP_MAP_DENIED); !done) return done;
    for (const std::uint32_t identity : plan_.classes[i].identities)
      if (Done done = put(object_.map(NP_MAP_CLASSES), identity, number, NP_MAP_CLASSES); !done) return done;
  }
  for (const auto& [address, ifindex] : plan_.local) {
    const char* name = address.v6 ? NP_MAP_LOCAL6 : NP_MAP_LOCAL4;
    if (Done done = put(object_.map(name), address.bytes, ifindex, name); !done) return done;
  }
  return {};
}

// The classes that a pod has sent to and may get an answer from, though by now it may not send there.
Result<std::vector<bool>> OutsideProgram::sent_to() const {
  std::vector<bool> out(plan_.classes.size() + 1);
  const auto visit = [&](const auto& flow) { out[plan_.class_of(identity_of(*bundle_, *addresses_, remote(flow)))] = true; };
  const auto now = current_tick();
  if (!now) return tl::make_unexpected(now.error());
  Done done = each_sent_to<np_bucket4>(maps_->by_name.at(NP_MAP_FLOWS4).get(), *now, visit);
  if (done) done = each_sent_to<np_bucket6>(maps_->by_name.at(NP_MAP_FLOWS6).get(), *now, visit);
  if (!done) return tl::make_unexpected(done.error());
  return out;
}

Done OutsideProgram::start() const {
  const auto config = read_config(maps_->by_name.at(NP_MAP_CONFIG).get());
  if (!config) return tl::make_unexpected(config.error());
  const auto sent = sent_to();
  if (!sent) return tl::make_unexpected(sent.error());
  for (std::size_t i = 0; i < plan_.classes.size(); ++i) {
    np_denied denied = denied_ports(plan_.classes[i]);
    denied.nothing_sent = plan_.classes[i].egress_denied && !(*sent)[i + 1];
    if (Done done = put(object_.map(NP_MAP_DENIED), static_cast<std::uint32_t>(i + 1), denied, NP_MAP_DENIED); !done) return done;
  }
  np_outside outside{};
  outside.ready = 1;
  outside.generation = config->generation;
  outside.world4 = plan_.class_of(bundle_->world4);
  outside.world6 = plan_.class_of(bundle_->world6);
  outside.flags = (plan_.services ? NP_OUTSIDE_SERVICES : 0) | (plan_.prefixes ? NP_OUTSIDE_PREFIXES : 0);
  return put(object_.map(NP_MAP_OUTSIDE), std::uint32_t{0}, outside, NP_MAP_OUTSIDE);
}

Done OutsideProgram::attach(const Installation& site, std::vector<ExternalDevice>& devices, Journal& journal) {
  if (Done done = pin_maps(site, object_, journal); !done) return done;
  const std::string path = site.own_program_path(kPinnedProgram);
  const auto former = std::make_shared<Fd>(open_pinned(path));
  for (ExternalDevice& device : devices)
    if (Done done = attach_device(site, device, program(), former, journal); !done) return done;
  if (Done done = pin_instead(program(), path, former, journal); !done) return done;
  return start();
}

Done pause_outside(const Installation& site, Journal& journal) {
  auto former = std::make_shared<Fd>(open_pinned(site.map_path(NP_MAP_OUTSIDE)));
  const std::uint32_t zero = 0;
  np_outside outside{};
  if (!*former || bpf_map_lookup_elem(former->get(), &zero, &outside) != 0) return {};
  if (Done done = put(former->get(), zero, np_outside{}, NP_MAP_OUTSIDE); !done) return done;
  journal.add([former, outside] { (void)put(former->get(), std::uint32_t{0}, outside, NP_MAP_OUTSIDE); });
  return {};
}

void detach_other_devices(const Installation& site, const std::vector<ExternalDevice>& keep) {
  std::vector<std::string> kept;
  for (const ExternalDevice& device : keep) kept.push_back(device_link(device));
  for (const std::string& name : site.pinned_links())
    if (is_device_link(name) && std::find(kept.begin(), kept.end(), name) == kept.end()) unpin(site.link_path(name));
  if (!keep.empty()) return;
  for (const char* name : kPinned) unpin(site.map_path(name));
  unpin(site.own_program_path(kPinnedProgram));
}

Done forget_local(const Installation& site, const Prefix& prefix) {
  if (prefix.address.v6) return forget_inside<16>(open_pinned(site.map_path(NP_MAP_LOCAL6)), prefix);
  return forget_inside<4>(open_pinned(site.map_path(NP_MAP_LOCAL4)), prefix);
}

}  // namespace netpolc::loader
