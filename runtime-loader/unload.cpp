#include "runtime-loader/unload.h"

#include <set>
#include <string>

#include "runtime-loader/attach.h"
#include "runtime-loader/expedite.h"
#include "runtime-loader/files.h"
#include "runtime-loader/state.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

Result<UnloadReport> unload(const std::string& root, const std::string& state) {
  const auto site = Installation::open(root, state);
  if (!site) return tl::make_unexpected(site.error());
  forget_set_aside(site->state_directory());
  return unload_locked(*site);
}

Result<UnloadReport> unload_locked(const Installation& site) {
  std::vector<Attachment> former;
  UnloadReport report;
  if (const auto known = read_state(site)) {
    former = known->state.attachments;
    former.insert(former.end(), known->state.pending.begin(), known->state.pending.end());
  } else {
    // Filters are found by the state alone, so it must say nothing for good, and not only now.
    const auto text = read_file(site.state_path(), kStateLimit);
    if (!text || parse_state(*text, site.state_path())) return tl::make_unexpected(known.error());
    report.left_over = known.error().message + "; filters that were attached with --attach-mode clsact may be left at interfaces: `tc filter show dev IFNAME ingress` and egress, handle 0x6e70";
  }
  std::set<std::pair<std::string, std::string>> interfaces;  // inode of the namespace, number
  for (const std::string& name : site.pinned_links()) {
    ++(is_device_link(name) ? report.external : report.links);
    const auto first = name.find('_'), second = name.find('_', first + 1);
    if (!is_device_link(name)) interfaces.emplace(name.substr(0, first), name.substr(first + 1, second - first - 1));
  }
  detach_other_devices(site, {});
  for (const Attachment& it : former)
    if (it.mode == AttachMode::Clsact) {
      const InForce there = in_force(site, it);
      report.links += (there.from_pod != 0) + (there.to_pod != 0);
      if (there.from_pod != 0 || there.to_pod != 0) interfaces.emplace(std::to_string(it.netns_inode), std::to_string(it.ifindex));
    }
  report.interfaces = interfaces.size();
  const Done detached = detach_others(site, former, {});
  // What could not be detached is still known to the next try.
  if (!detached) return tl::make_unexpected(detached.error());
  Expedite::clean_up(site);
  if (const Done done = site.remove_all(); !done) return tl::make_unexpected(done.error());
  return report;
}

}  // namespace netpolc::loader
