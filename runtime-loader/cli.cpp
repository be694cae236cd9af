#include "runtime-loader/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime-loader/command.h"
#include "runtime-loader/files.h"
#include "runtime-loader/interrupt.h"
#include "runtime-loader/load.h"
#include "runtime-loader/status.h"
#include "runtime-loader/table.h"
#include "runtime-loader/unload.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;
using Action = CommandAction;

constexpr std::size_t kAttachFileLimit = 64u << 20;

struct Options : CommonOptions {
  std::vector<std::string> attach, attach_files, audit;
  LoadOptions load;
  std::string mode = "auto";
};

// ---- load ----------------------------------------------------------------------------------------

Result<std::vector<AttachRequest>> from_file(const std::string& path) {
  if (path == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    return parse_attach_lines(text, "standard input");
  }
  const auto text = read_file(path, kAttachFileLimit);
  if (!text) return tl::make_unexpected(text.error());
  return parse_attach_lines(*text, path);
}

Result<std::vector<AttachRequest>> requests(const Options& o) {
  if (o.attach.empty() && o.attach_files.empty())
    return bad_input("nothing to attach to: give --attach or --attach-file");
  std::vector<AttachRequest> all;
  for (const std::string& text : o.attach) {
    auto request = parse_attach_option(text);
    if (!request) return bad_input("--attach " + request.error().message);
    all.push_back(std::move(*request));
  }
  for (const std::string& path : o.attach_files) {
    auto some = from_file(path);
    if (!some) return some;
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
  for (const std::string& endpoint : o.audit) {
    bool found = false;
    for (AttachRequest& request : all) {
      if (request.endpoint != endpoint) continue;
      request.audit = found = true;
    }
    if (!found) return bad_input("--audit " + endpoint + ": no such endpoint is attached");
  }
  return all;
}

std::string report_text(const LoadReport& report) {
  std::string text = "loaded bundle " + report.bundle.substr(0, 12);
  if (!report.former_bundle.empty())
    text += report.former_bundle == report.bundle ? " again" : " in place of " + report.former_bundle.substr(0, 12);
  text += report.node.empty() ? std::string() : " on node " + report.node;
  text += ": " + std::to_string(report.attachments.size()) + " interfaces, " + std::to_string(report.programs) +
          " programs, " + std::to_string(report.addresses) + " addresses\n";
  TableRows rows;
  for (const Attachment& it : report.attachments) rows.push_back({it.endpoint, it.ifname, to_string(it.mode)});
  for (const ExternalDevice& it : report.external) rows.push_back({"from outside", it.ifname, it.native ? "xdp" : "xdp generic"});
  text += table_text(rows, "  ");
  if (report.skipped != 0) text += "  " + std::to_string(report.skipped) + " without policy left alone\n";
  return text;
}

std::string report_json(const LoadReport& report) {
  Json attachments = Json::array();
  for (const Attachment& it : report.attachments)
    attachments.push_back({{"endpoint", it.endpoint},
                           {"ifname", it.ifname},
                           {"netns", it.netns},
                           {"ifindex", it.ifindex},
                           {"mode", to_string(it.mode)}});
  Json external = Json::array();
  for (const ExternalDevice& it : report.external)
    external.push_back({{"ifname", it.ifname}, {"ifindex", it.ifindex}, {"mode", it.native ? "native" : "generic"}});
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return Json{{"bundle", report.bundle},       {"replaced", or_null(report.former_bundle)},
              {"node", or_null(report.node)},  {"programs", report.programs},
              {"addresses", report.addresses}, {"skipped", report.skipped},
              {"attachments", std::move(attachments)}, {"external", std::move(external)},
              {"nothingAtHost", or_null(report.nothing_at_host)},
              {"nothingExternal", or_null(report.nothing_external)},
              {"forgotten", report.forgotten}}
             .dump(1) +
         "\n";
}

int load_command(Options& o) {
  auto all = requests(o);
  if (!all) return complain(all.error());
  o.load.requests = std::move(*all);
  o.load.root = o.root;
  o.load.state = o.state;
  if (o.mode != "auto") o.load.mode = o.mode == "tcx" ? AttachMode::Tcx : AttachMode::Clsact;
  const auto report = load(o.load);
  if (!report) return complain(report.error());
  print(o.json() ? report_json(*report) : report_text(*report));
  if (report->node.empty())
    std::fprintf(stderr, "netpol-loader: no --node: this node's own addresses count as any node's\n");
  if (!report->nothing_at_host.empty())
    std::fprintf(stderr, "netpol-loader: --host-device: nothing is attached: %s\n", report->nothing_at_host.c_str());
  if (!report->nothing_external.empty())
    std::fprintf(stderr, "netpol-loader: --xdp: nothing is attached: %s\n", report->nothing_external.c_str());
  for (const std::string& address : report->forgotten)
    std::fprintf(stderr, "netpol-loader: an address that was told is the world's now: %s\n", address.c_str());
  for (const ExternalDevice& it : report->external)
    if (!it.native)
      std::fprintf(stderr, "netpol-loader: --xdp %s: not in the driver (%s), so packets cost more\n", it.ifname.c_str(), it.why_generic.c_str());
  if (!report->left_over.empty())
    std::fprintf(stderr, "netpol-loader: loaded, but of the former bundle is left: %s\n", report->left_over.c_str());
  return kGood;
}

void add_load(CLI::App& app, Options& o, Action& chosen) {
  CLI::App& command = *app.add_subcommand(
      "load", "put a bundle into force, all of it or nothing; replaces what was loaded without a gap");
  command.add_option("BUNDLE", o.load.bundle, "directory that `netpolc compile` wrote")->required();
  command.add_option("--attach", o.attach, "NAMESPACE/POD=IFNAME: the host's end of the pod's veth (repeatable)")
      ->take_all();
  command
      .add_option("--attach-file", o.attach_files,
                  "JSON lines {\"endpoint\",\"ifname\",\"netns\",\"ipv4\",\"ipv6\",\"audit\"}; - is standard input (repeatable)")
      ->take_all();
  command.add_option("--node", o.load.node,
                     "the bundle's node that this is (default: the host's name, if the bundle has it)");
  command.add_flag("--require-proof", o.load.require_proof,
                   "refuse a bundle unless each of its programs has a certificate that it was proved (`netpolc compile --prove`)");
  command.add_option("--attach-mode", o.mode, "auto is tcx where the kernel has it, else clsact")
      ->check(CLI::IsMember({"auto", "tcx", "clsact"}))
      ->capture_default_str();
  command
      .add_option("--xdp", o.load.external,
                  "a device that leads out of the node: what every pod's policy denies from outside is dropped there (repeatable)")
      ->take_all();
  command
      .add_option("--host-device", o.load.host.devices,
                  "a device that leads out of the node: the node's own policy (host firewall) is enforced there and at the pods' interfaces (repeatable)")
      ->take_all();
  command.add_flag("--skip-host-policies", o.load.host.skip, "leave the policies of nodes alone");
  command.add_flag("--audit-host", o.load.host.audit, "what the node's own policy denies passes, and is counted and reported");
  command.add_flag("--skip-unenforced", o.load.skip_unenforced,
                   "no program for endpoints that no policy selects: not even their source address is checked, and the first "
                   "policy that selects one will not know its connections");
  command.add_flag("--report-allowed", o.load.report_allowed, "events for new allowed connections too");
  command
      .add_option("--audit", o.audit,
                  "NAMESPACE/POD as attached: what its policy denies passes, and is counted and reported (repeatable)")
      ->take_all();
  command.add_option("--event-limit", o.load.event_limit, "events a processor, reason and second; the others are only counted")
      ->capture_default_str();
  const auto lifetime = [&](const char* name, std::uint32_t& seconds, const char* what) {
    command.add_option(name, seconds, what)->check(CLI::Range(1u, 1u << 30))->capture_default_str();
  };
  lifetime("--ct-timeout-regular-tcp", o.load.lifetimes.tcp, "seconds that a TCP connection is remembered");
  lifetime("--ct-timeout-regular-tcp-syn", o.load.lifetimes.tcp_new, "... before its handshake is over");
  lifetime("--ct-timeout-regular-tcp-fin", o.load.lifetimes.tcp_closed, "... after it was closed both ways");
  lifetime("--ct-timeout-regular-any", o.load.lifetimes.other, "seconds that a UDP, SCTP or ICMP flow is remembered");
  add_common(command, o);
  command.callback([&] { chosen = [&] { return load_command(o); }; });
}

// ---- status, unload ---------------------------------------------------------------------

int status_command(const Options& o) {
  const auto found = status(o.root, o.state);
  if (!found) return complain(found.error());
  print(o.json() ? status_json(*found) : status_text(*found));
  return found->good() ? kGood : kNegative;
}

int unload_command(const Options& o) {
  const auto report = unload(o.root, o.state);
  if (!report) return complain(report.error());
  if (o.json())
    print(Json{{"detached", report->links}, {"external", report->external}}.dump() + "\n");
  else
    print("unloaded: " + std::to_string(report->links) + " programs detached from " +
          std::to_string(report->interfaces) + " interfaces" +
          (report->external == 0 ? "" : ", and from " + std::to_string(report->external) + " external devices") + "\n");
  return kGood;
}

void add_simple(CLI::App& app, Options& o, Action& chosen) {
  CLI::App& status = *app.add_subcommand(
      "status", "what is loaded, whether it is in force (else exit 1), and the counters of every rule");
  add_common(status, o);
  status.callback([&] { chosen = [&] { return status_command(o); }; });

  CLI::App& unload = *app.add_subcommand("unload", "take everything away: programs, maps, pins and state");
  add_common(unload, o);
  unload.callback([&] { chosen = [&] { return unload_command(o); }; });
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app{"netpol-loader puts bundles of compiled network policies into force on a node.", "netpol-loader"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "netpol-loader " NETPOLC_VERSION);
  app.get_formatter()->column_width(34);
  Options options;
  Action chosen;
  add_load(app, options, chosen);
  add_simple(app, options, chosen);
  add_monitor_command(app, chosen);
  add_address_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kNoAnswer;
  }
  catch_interrupts();
  return chosen();
}

}  // namespace

int complain(const Failure& failure) {
  if (interrupted()) {
    std::fprintf(stderr, "netpol-loader: interrupted\n");
    return kInterrupted;
  }
  std::fprintf(stderr, "netpol-loader: %s\n", failure.message.c_str());
  return failure.kind == FailureKind::Input ? kNoAnswer : kInternal;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void add_common(CLI::App& command, CommonOptions& o) {
  command.add_option("--root", o.root, "where maps and links are pinned; each root is an installation of its own")
      ->capture_default_str();
  command.add_option("--state", o.state, "where names for people are kept (default: /run/netpolc/HASH-OF-ROOT)");
  command.add_option("-o,--output", o.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

int run(int argc, const char* const* argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netpol-loader: internal error: %s\n", error.what());
    return kInternal;
  }
}

}  // namespace netpolc::loader
