// runtime-loader/installation.h — one installation of the loader on a node: its directory on
// bpffs, where maps and links are pinned, and its directory of state, where what people are
// shown is kept.
//
//   ROOT/maps/np_*            the shared maps in use
//   ROOT/rules/DIGEST         counters of a program, so that they outlive a load
//   ROOT/peers/DIGEST_{in,out}   a program's peers, for identities that come later
//   ROOT/links/NETNS_IFINDEX_{from,to}   tcx links: the truth about what is attached
//   ROOT/links/NETNS_IFINDEX_node_{from,to}   the same of the node's own programs; see host.h
//   ROOT/links/NETNS_IFINDEX_xdp   links of external devices; see xdp.h
//   STATE/state.json          attachments, addresses added at run time; see state.h
//   STATE/mounted             there if bpffs was mounted on ROOT by us
#pragma once
#include <string>
#include <vector>

#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

inline constexpr const char* kDefaultRoot = "/sys/fs/bpf/netpolc";

class Installation {
 public:
  // Mounts bpffs where the root needs it, makes the directories, and takes the lock (waiting
  // for another loader to finish). `state` "": /run/netpolc/HASH-OF-ROOT.
  static Result<Installation> open(const std::string& root, const std::string& state);
  // For readers: no mounting, no lock; fails as input where nothing was ever loaded.
  static Result<Installation> find(const std::string& root, const std::string& state);

  std::string map_path(const std::string& name) const { return root_ + "/maps/" + name; }
  std::string rules_path(const std::string& digest) const { return root_ + "/rules/" + digest.substr(0, 64); }
  // `direction`: "in" or "out".
  std::string peers_path(const std::string& digest, const std::string& direction) const {
    return root_ + "/peers/" + digest.substr(0, 64) + "_" + direction;
  }
  std::string link_path(const std::string& name) const { return root_ + "/links/" + name; }
  std::string state_path() const { return state_ + "/state.json"; }
  const std::string& state_directory() const { return state_; }
  const std::string& root() const { return root_; }
  std::vector<std::string> pinned_links() const;
  std::vector<std::string> pinned_rules() const;
  std::vector<std::string> pinned_peers() const;
  // Every pin and file of ours, then the directories.
  Done remove_all() const;
  // The directories, where nothing is pinned: what a failed first load leaves.
  void remove_if_unused() const;

 private:
  Done take_lock();

  std::string root_, state_;
  Fd lock_;
};

Fd open_pinned(const std::string& path);  // empty: absent or not ours to open
Done pin(int fd, const std::string& path);
// Puts `fd` where something else may be pinned, in one step.
Done pin_over(int fd, const std::string& path);
void unpin(const std::string& path);

}  // namespace netpolc::loader
