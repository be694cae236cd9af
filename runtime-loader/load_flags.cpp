#include "runtime-loader/load_flags.h"

#include <CLI/CLI.hpp>

#include "runtime-loader/command.h"

namespace netpolc::loader {

Done LoadFlags::finish() {
  if (mode != "auto") load.mode = mode == "tcx" ? AttachMode::Tcx : AttachMode::Clsact;
  load.fresh = fresh == "allow" ? NewEndpoints::Allow : NewEndpoints::Deny;
  return {};
}

void add_load_flags(CLI::App& command, LoadFlags& flags) {
  command.add_option("--node", flags.load.node,
                     "the bundle's node that this is (default: the host's name, if the bundle has it)");
  command.add_flag("--require-proof", flags.load.require_proof,
                   "refuse a bundle unless each of its programs has a certificate that it was proved (`netpolc compile --prove`)");
  add_trust_options(command, flags.load.trust);
  command.add_option("--attach-mode", flags.mode, "auto is tcx where the kernel has it, else clsact")
      ->check(CLI::IsMember({"auto", "tcx", "clsact"}))
      ->capture_default_str();
  command
      .add_option("--xdp", flags.load.external,
                  "a device that leads out of the node: what every pod's policy denies from outside is dropped there (repeatable)")
      ->take_all();
  command
      .add_option("--host-device", flags.load.host.devices,
                  "a device that leads out of the node: the node's own policy (host firewall) is enforced there and at the pods' interfaces (repeatable)")
      ->take_all();
  command.add_flag("--skip-host-policies", flags.load.host.skip, "leave the policies of nodes alone");
  command.add_flag("--audit-host", flags.load.host.audit, "what the node's own policy denies passes, and is counted and reported");
  command.add_flag("--skip-unenforced", flags.load.skip_unenforced,
                   "no program for endpoints that no policy selects: not even their source address is checked, and the first "
                   "policy that selects one will not know its connections");
  command.add_flag("--report-allowed", flags.load.report_allowed, "events for new allowed connections too");
  command.add_option("--event-limit", flags.load.event_limit, "events a processor, reason and second; the others are only counted")
      ->capture_default_str();
  const auto lifetime = [&](const char* name, std::uint32_t& seconds, const char* what) {
    command.add_option(name, seconds, what)->check(CLI::Range(1u, 1u << 30))->capture_default_str();
  };
  lifetime("--ct-timeout-regular-tcp", flags.load.lifetimes.tcp, "seconds that a TCP connection is remembered");
  lifetime("--ct-timeout-regular-tcp-syn", flags.load.lifetimes.tcp_new, "... before its handshake is over");
  lifetime("--ct-timeout-regular-tcp-fin", flags.load.lifetimes.tcp_closed, "... after it was closed both ways");
  lifetime("--ct-timeout-regular-any", flags.load.lifetimes.other, "seconds that a UDP, SCTP or ICMP flow is remembered");
  command.add_option("--new-endpoints", flags.fresh, "pods that the bundle doesn't know: deny once a policy selects pods of their namespace, or allow")
      ->check(CLI::IsMember({"deny", "allow"}))
      ->capture_default_str();
  command.add_flag("--exact-pod-names", flags.load.exact_names, "don't take a pod for a workload's by the name that Kubernetes' controllers give to pods");
}

}  // namespace netpolc::loader
