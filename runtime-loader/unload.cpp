#include "runtime-loader/unload.h"

#include "runtime-loader/attach.h"
#include "runtime-loader/state.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {

Result<UnloadReport> unload(const std::string& root, const std::string& state) {
  const auto site = Installation::open(root, state);
  if (!site) return tl::make_unexpected(site.error());
  std::vector<Attachment> former;
  if (const auto known = read_state(*site)) {
    former = known->state.attachments;
    former.insert(former.end(), known->state.pending.begin(), known->state.pending.end());
  }
  UnloadReport report;
  for (const std::string& name : site->pinned_links()) ++(is_device_link(name) ? report.external : report.links);
  detach_other_devices(*site, {});
  for (const Attachment& it : former)
    if (it.mode == AttachMode::Clsact)
      report.links += (in_force(*site, it).from_pod != 0) + (in_force(*site, it).to_pod != 0);
  const Done detached = detach_others(*site, former, {});
  // What could not be detached is still known to the next try.
  if (!detached) return tl::make_unexpected(detached.error());
  if (const Done done = site->remove_all(); !done) return tl::make_unexpected(done.error());
  return report;
}

}  // namespace netpolc::loader
