// netpol-cni: what a container runtime starts. Everything that it does is in runtime-loader/cni.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "runtime-loader/cni/plugin.h"

namespace {

constexpr std::size_t kLongestInput = 4u << 20;
constexpr const char* kHelp =
    "netpol-cni: a chained CNI plugin that tells the daemon of netpol-loader of pods as they come and go\n"
    "\n"
    "A container runtime starts it, with CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS in its\n"
    "environment and a configuration on standard input:\n"
    "\n"
    "  {\"type\": \"netpol-cni\", \"socket\": \"/run/netpolc/feed.sock\", \"onMissingDaemon\": \"fail\", \"timeoutMs\": 5000}\n"
    "\n"
    "It comes after the plugin that makes the interface. Versions of CNI: 0.3.1, 0.4.0, 1.0.0, 1.1.0.\n";

// More than a configuration has is cut, and is no JSON then.
std::string standard_input() {
  std::string out;
  char some[16384];
  while (out.size() <= kLongestInput) {
    const ssize_t got = read(STDIN_FILENO, some, sizeof some);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.append(some, static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    const bool asked = argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0);
    const bool version = argc == 2 && std::strcmp(argv[1], "--version") == 0;
    if (version) std::cout << "netpol-cni " NETPOLC_VERSION "\n";
    else (asked ? std::cout : std::cerr) << kHelp;
    return asked || version ? 0 : 2;
  }
  const auto environment = [](const char* name) -> const char* { return std::getenv(name); };
  if (std::getenv("CNI_COMMAND") == nullptr) std::cerr << kHelp;
  const std::string input = std::getenv("CNI_COMMAND") == nullptr ? "" : standard_input();
  const int code = netpolc::cni::run(environment, input, std::cout, std::cerr);
  std::cout.flush();
  return std::cout ? code : 1;
}
