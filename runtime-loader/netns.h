// runtime-loader/netns.h — doing something inside a network namespace. A thread of its own enters
// it, so that the caller's namespace never changes.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "runtime-loader/result.h"

namespace netpolc::loader {

// `netns`: "" is the caller's own, a name is looked up in /run/netns, a path is opened as it is.
Done in_netns(const std::string& netns, const std::function<Done()>& action);

struct Interface {
  int index = 0;
  std::uint64_t netns = 0;  // inode of the namespace: with the index, unique on this node
  bool ethernet = false;    // its frames begin with an Ethernet header
};
Result<Interface> find_interface(const std::string& netns, const std::string& name);

// Is an interface still the one that it was? Unknown: the kernel said nothing, for want of memory, descriptors or privileges.
enum class Presence : std::uint8_t { Same, Anew, Gone, Unknown };
Presence presence(const std::string& netns, const std::string& name, int index, std::uint64_t inode);

// In the namespace, if it is still the one with this inode and has an interface of this number,
// whatever that is called by now. Fails as input if not.
Done at_interface(const std::string& netns, std::uint64_t inode, int index, const std::function<Done()>& action);

}  // namespace netpolc::loader
