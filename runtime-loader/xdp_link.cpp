#include "runtime-loader/xdp_link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <system_error>

#include "runtime-loader/link.h"
#include "runtime-loader/netns.h"

namespace netpolc::loader {
namespace {

constexpr std::string_view kSuffix = "_xdp";

// As the kernel has it now; `false` where it can't be told.
bool runs_natively(int ifindex) {
  bpf_xdp_query_opts options{};
  options.sz = sizeof options;
  return bpf_xdp_query(ifindex, 0, &options) == 0 && options.attach_mode == XDP_ATTACHED_DRV;
}

Result<bool> replace(const std::string& path, int program, const std::shared_ptr<Fd>& former, Journal& journal) {
  finish_pin(path);  // a device has room for one
  auto link = std::make_shared<Fd>(open_pinned(path));
  if (!*link) return false;
  if (bpf_link_update(link->get(), program, nullptr) != 0) {
    if (errno == ENOLINK) return false;
    return refused("replacing the program of an XDP link", errno);
  }
  journal.add([link, former, &journal] {
    if (!*former || bpf_link_update(link->get(), former->get(), nullptr) != 0) journal.fail();
  });
  return true;
}

int create(int program, int ifindex, std::uint32_t mode, Fd& link) {
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = mode;
  link = Fd{bpf_link_create(program, ifindex, BPF_XDP, &options)};
  return link ? 0 : errno;
}

Done taken(const ExternalDevice& device) {
  return refused("--xdp " + device.ifname + ": another XDP program is there; take it off (ip link set dev " + device.ifname +
                 " xdp off) or load without --xdp");
}

}  // namespace

std::string device_link(const ExternalDevice& device) { return std::to_string(device.netns) + "_" + std::to_string(device.ifindex) + std::string(kSuffix); }

bool is_device_link(const std::string& name) { return name.ends_with(kSuffix); }

Result<std::vector<ExternalDevice>> find_devices(const std::vector<std::string>& names, const std::string& option) {
  std::vector<ExternalDevice> out;
  for (const std::string& name : names) {
    const auto found = find_interface("", name);
    if (!found) return tl::make_unexpected(Failure{found.error().kind, option + " " + found.error().message});
    if (!found->ethernet) return bad_input(option + " " + name + ": the device has no Ethernet frames, which the program needs");
    if (std::any_of(out.begin(), out.end(), [&](const ExternalDevice& it) { return it.ifindex == found->index; })) return bad_input(option + " " + name + ": is given twice");
    out.push_back({name, found->index, found->netns, true, ""});
  }
  return out;
}

Done attach_device(const Installation& site, ExternalDevice& device, int program, std::shared_ptr<Fd> former, Journal& journal) {
  const std::string path = site.link_path(device_link(device));
  const auto replaced = replace(path, program, former, journal);
  if (!replaced) return tl::make_unexpected(replaced.error());
  if (*replaced) {
    device.native = runs_natively(device.ifindex);
    if (!device.native) device.why_generic = "as before";
    return {};
  }
  Fd link;
  int error = create(program, device.ifindex, XDP_FLAGS_DRV_MODE, link);
  if (error == EBUSY || error == EEXIST) return taken(device);
  if (error != 0) {
    device.native = false;
    device.why_generic = "the driver says: " + std::generic_category().message(error);
    error = create(program, device.ifindex, XDP_FLAGS_SKB_MODE, link);
  }
  if (error == EBUSY || error == EEXIST) return taken(device);
  if (error != 0) return refused("--xdp " + device.ifname + ": attaching the program", error);
  if (Done done = pin_over(link.get(), path); !done) return done;
  journal.add([path] { unpin(path); });
  return {};
}

std::vector<ExternalDevice> devices_in_force(const Installation& site) {
  std::vector<ExternalDevice> out;
  for (const std::string& name : site.pinned_links()) {
    if (!is_device_link(name)) continue;
    ExternalDevice device;
    std::from_chars(name.data(), name.data() + name.find('_'), device.netns);
    const Fd link = open_pinned(site.link_path(name));
    const auto info = link ? link_info(link.get()) : Result<LinkInfo>(LinkInfo{});
    if (!info || info->ifindex == 0) continue;  // the device is gone
    device.ifindex = static_cast<int>(info->ifindex);
    char text[IF_NAMESIZE] = "";
    if (if_indextoname(info->ifindex, text) != nullptr) device.ifname = text;
    device.native = runs_natively(device.ifindex);
    out.push_back(std::move(device));
  }
  return out;
}

}  // namespace netpolc::loader
