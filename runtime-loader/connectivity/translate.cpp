#include "runtime-loader/connectivity/translate.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>

namespace netpolc::loader::connectivity {
namespace {

struct Rules {
  std::set<std::string> v4, v6;
};

std::string rule(const Action& action) {
  const bool v6 = action.destination.v6;
  const std::string port = std::to_string(action.port), to = action.destination.to_string();
  return std::string(v6 ? "ip6" : "ip") + " daddr " + action.service->address.to_string() + (ip_protocol(action.speech, v6) == 6 ? " tcp" : " udp") + " dport " + port + " dnat to " +
         (v6 ? "[" + to + "]" : to) + ":" + port + "\n";
}

std::string table(const char* family, const char* hook, const std::set<std::string>& rules) {
  if (rules.empty()) return {};
  std::string out = "table " + std::string(family) + " connectivity {\nchain services {\ntype nat hook " + hook + " priority -100; policy accept;\n";
  for (const std::string& one : rules) out += one;
  return out + "}\n}\n";
}

// Ends with us, however we end. Its words go nowhere: why it fails is that the kernel has no such translation.
std::string run_nft(const Namespace& where, const std::string& rules) {
  const Fd input{memfd_create("rules", MFD_CLOEXEC)};
  if (!input || write(input.get(), rules.data(), rules.size()) != static_cast<ssize_t>(rules.size()) || lseek(input.get(), 0, SEEK_SET) != 0) return "no memory for rules";
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return "no process for nft";
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || setns(where.fd(), CLONE_NEWNET) != 0 || dup2(input.get(), STDIN_FILENO) < 0) _exit(126);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    execlp("nft", "nft", "-f", "-", nullptr);
    _exit(errno == ENOENT ? 127 : 126);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return "nft was lost";
  if (!WIFEXITED(status)) return "nft was ended";
  if (WEXITSTATUS(status) == 127) return "no translation of addresses available: there is no `nft`";
  if (WEXITSTATUS(status) != 0) return "no translation of addresses available: `nft` could not make it";
  return {};
}

}  // namespace

std::string translate(World& world, const std::vector<Test>& tests) {
  std::map<std::pair<const Host*, bool>, Rules> all;  // at which host, by who sends or by who forwards
  for (const Test& test : tests)
    for (const Phase& phase : test.phases)
      for (const Action& action : phase.actions) {
        if (!action.service) continue;
        const Host* host = world.find(action.from);
        if (host == nullptr) return "nobody is called " + action.from;
        if (action.service->at_node) host = &world.hosts()[world.nodes()[host->node].host];
        Rules& rules = all[{host, action.service->at_node}];
        (action.destination.v6 ? rules.v6 : rules.v4).insert(rule(action));
      }
  for (const auto& [where, rules] : all) {
    const char* hook = where.second ? "prerouting" : "output";
    if (std::string why = run_nft(where.first->ns, table("ip", hook, rules.v4) + table("ip6", hook, rules.v6)); !why.empty()) return why;
  }
  return {};
}

}  // namespace netpolc::loader::connectivity
