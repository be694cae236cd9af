// runtime-loader/installation.h — one installation of the loader on a node: its directory on
// bpffs, where maps and links are pinned, and its directory of state, where what people are
// shown is kept.
//
//   ROOT/maps/np_*            maps that outlive a generation: flows, counters, events
//   ROOT/rules/DIGEST         counters of a program, so that they outlive a load
//   ROOT/programs/{blocked_from,blocked_to,outside}   see blocked.h and xdp.h
//   ROOT/generations/N/maps/np_*                the maps that each load makes anew
//   ROOT/generations/N/programs/DIGEST_{from,to}
//   ROOT/generations/N/peers/DIGEST_{in,out}    a program's peers, for identities that come later
//   ROOT/links/NETNS_IFINDEX_{from,to}   tcx links: the truth about what is attached
//   ROOT/links/NETNS_IFINDEX_node_{from,to}   the same of the node's own programs; see host.h
//   ROOT/links/NETNS_IFINDEX_xdp   links of external devices; see xdp.h
//   STATE/state.json          attachments, addresses added at run time; see state.h
//   STATE/bundles/DIGEST/     the bundles of the generations that are kept
//   STATE/mounted             there if bpffs was mounted on ROOT by us
#pragma once
#include <cstdint>
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
  // Where it would be: nothing is made, looked for or locked.
  static Installation at(const std::string& root, const std::string& state);
  // For readers: no mounting, no lock; fails as input where nothing was ever loaded.
  static Result<Installation> find(const std::string& root, const std::string& state);

  std::string map_path(const std::string& name) const { return root_ + "/maps/" + name; }
  std::string rules_path(const std::string& digest) const { return root_ + "/rules/" + digest.substr(0, 64); }
  // Of the installation, not of a generation.
  std::string own_program_path(const std::string& name) const { return root_ + "/programs/" + name; }
  std::string generation_path(std::uint64_t generation) const { return root_ + "/generations/" + std::to_string(generation); }
  std::string generation_map_path(std::uint64_t generation, const std::string& name) const { return generation_path(generation) + "/maps/" + name; }
  // `side`: "from" or "to".
  std::string program_path(std::uint64_t generation, const std::string& digest, const std::string& side) const {
    return generation_path(generation) + "/programs/" + digest.substr(0, 64) + "_" + side;
  }
  // `direction`: "in" or "out".
  std::string peers_path(std::uint64_t generation, const std::string& digest, const std::string& direction) const {
    return generation_path(generation) + "/peers/" + digest.substr(0, 64) + "_" + direction;
  }
  std::string link_path(const std::string& name) const { return root_ + "/links/" + name; }
  std::string state_path() const { return state_ + "/state.json"; }
  std::string bundle_path(const std::string& digest) const { return state_ + "/bundles/" + digest.substr(0, 64); }
  const std::string& state_directory() const { return state_; }
  // Where its root is, or will be.
  bool has_bpffs() const;
  bool is_locked() const;  // somebody else changes it just now
  const std::string& root() const { return root_; }
  std::vector<std::string> pinned_links() const;
  std::vector<std::string> pinned_rules() const;
  // Digests of the programs that are loaded in a generation, sorted.
  std::vector<std::string> pinned_programs(std::uint64_t generation) const;
  // Whatever is below ROOT/generations, sorted.
  std::vector<std::uint64_t> generations() const;
  Done make_generation(std::uint64_t generation) const;
  void remove_generation(std::uint64_t generation) const;
  std::vector<std::string> kept_bundles() const;
  // Every pin and file of ours, then the directories.
  Done remove_all() const;
  // The directories, where nothing is pinned: what a failed first load leaves.
  void remove_if_unused() const;

 private:
  Done take_lock();

  std::string root_, state_;
  Fd lock_;
};

// Empty: nothing is pinned there. Fails as kernel where that can't be told.
Result<Fd> open_if_pinned(const std::string& path);
Fd open_pinned(const std::string& path);  // empty: absent or not ours to open
Done pin(int fd, const std::string& path);
// Puts `fd` where something else may be pinned, in one step.
Done pin_over(int fd, const std::string& path);
// Ends what pin_over began and a kill cut off, where nothing else is pinned there.
void finish_pin(const std::string& path);
void unpin(const std::string& path);

}  // namespace netpolc::loader
