#include "runtime-loader/netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

#include "runtime-loader/fd.h"

namespace netpolc::loader {

Done in_netns(const std::string& netns, const std::function<Done()>& action) {
  if (netns.empty()) return action();
  const std::string path = netns.find('/') == std::string::npos ? "/run/netns/" + netns : netns;
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return bad_input("network namespace `" + netns + "`: " + std::generic_category().message(errno));
  Done done;
  std::thread([&] {
    if (setns(fd.get(), CLONE_NEWNET) != 0) {
      done = errno == EINVAL ? Done(bad_input("`" + netns + "` is no network namespace"))
                             : Done(refused("entering network namespace `" + netns + "`", errno));
      return;
    }
    done = action();
  }).join();
  return done;
}

Result<Interface> find_interface(const std::string& netns, const std::string& name) {
  Interface found;
  const Done done = in_netns(netns, [&]() -> Done {
    found.index = static_cast<int>(if_nametoindex(name.c_str()));
    if (found.index == 0)
      return bad_input("interface `" + name + "`" + (netns.empty() ? "" : " in `" + netns + "`") + ": " +
                       std::generic_category().message(errno));
    struct stat info {};
    if (stat("/proc/thread-self/ns/net", &info) != 0) return refused("reading /proc/thread-self/ns/net", errno);
    found.netns = info.st_ino;
    return {};
  });
  if (!done) return tl::make_unexpected(done.error());
  return found;
}

}  // namespace netpolc::loader
