// `load`, and `recover`, which ends what a load began.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime-loader/command.h"
#include "runtime-loader/duration.h"
#include "runtime-loader/files.h"
#include "runtime-loader/generations.h"
#include "runtime-loader/load_flags.h"
#include "runtime-loader/privileges.h"
#include "runtime-loader/recover.h"
#include "runtime-loader/state.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kAttachFileLimit = 64u << 20;

struct Options : CommonOptions {
  std::vector<std::string> attach, attach_files, audit;
  LoadFlags flags;
  bool dry_run = false;
  std::string confirm;
};

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

std::size_t with_program_or_blocked(const std::vector<Attachment>& all) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const Attachment& it) { return it.wants_program(); }));
}
std::size_t left_open(const LoadReport& report) { return report.attachments.size() - with_program_or_blocked(report.attachments); }

std::string report_text(const LoadReport& report) {
  std::string text = "loaded bundle " + report.bundle.substr(0, 12);
  if (!report.former_bundle.empty())
    text += report.former_bundle == report.bundle ? " again" : " in place of " + report.former_bundle.substr(0, 12);
  text += report.node.empty() ? std::string() : " on node " + report.node;
  text += ": " + std::to_string(with_program_or_blocked(report.attachments)) + " interfaces, " + std::to_string(report.programs) +
          " programs, " + std::to_string(report.addresses) + " addresses\n";
  if (report.signer) text += "  signed by " + to_string(*report.signer) + "\n";
  TableRows rows;
  for (const Attachment& it : report.attachments)
    if (it.wants_program()) rows.push_back({it.endpoint, it.ifname, to_string(it.mode) + (it.blocked.empty() ? std::string() : ", blocked: " + it.blocked)});
  for (const ExternalDevice& it : report.external) rows.push_back({"from outside", it.ifname, it.native ? "xdp" : "xdp generic"});
  text += table_text(rows, "  ");
  if (const std::size_t open = left_open(report); open != 0) text += "  " + std::to_string(open) + " without policy left alone\n";
  return text;
}

// To mount bpffs, or to enter namespaces of pods that come, are here or may come back (privileges.h).
bool needs_admin(const Where& where, const std::vector<AttachRequest>& requests) {
  const auto elsewhere = [](const auto& all) { return std::any_of(all.begin(), all.end(), [](const auto& it) { return !it.netns.empty(); }); };
  const Installation site = Installation::at(where.root, where.state);
  if (elsewhere(requests) || !site.has_bpffs()) return true;
  const auto known = read_state(site);
  return !known || elsewhere(known->state.attachments) || elsewhere(known->state.pending) || (known->state.previous && elsewhere(known->state.previous->attachments));
}

Json report_json(const LoadReport& report) {
  Json attachments = Json::array();
  for (const Attachment& it : report.attachments) {
    if (!it.wants_program()) continue;
    Json& one = attachments.emplace_back(
        Json{{"endpoint", it.endpoint}, {"ifname", it.ifname}, {"netns", it.netns}, {"ifindex", it.ifindex}, {"mode", to_string(it.mode)}});
    if (!it.blocked.empty()) one["blocked"] = it.blocked;
  }
  Json external = Json::array();
  for (const ExternalDevice& it : report.external)
    external.push_back({{"ifname", it.ifname}, {"ifindex", it.ifindex}, {"mode", it.native ? "native" : "generic"}});
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return Json{{"bundle", report.bundle},       {"replaced", or_null(report.former_bundle)},
              {"signer", signer_json(report.signer)},
              {"node", or_null(report.node)},  {"programs", report.programs},
              {"addresses", report.addresses}, {"skipped", left_open(report)},
              {"attachments", std::move(attachments)}, {"external", std::move(external)},
              {"nothingAtHost", or_null(report.nothing_at_host)},
              {"nothingExternal", or_null(report.nothing_external)},
              {"forgotten", report.forgotten},
              {"gone", report.gone},
              {"generation", report.generation},
              {"formerGeneration", report.former_generation == 0 ? Json() : Json(report.former_generation)},
              {"switched", report.switched},
              {"switchMicroseconds", report.switch_ns / 1000}};
}


void say_notes(const LoadReport& report) {
  if (report.node.empty())
    std::fprintf(stderr, "netpol-loader: no --node: this node's own addresses count as any node's\n");
  if (!report.nothing_at_host.empty())
    std::fprintf(stderr, "netpol-loader: --host-device: nothing is attached: %s\n", report.nothing_at_host.c_str());
  if (!report.nothing_external.empty())
    std::fprintf(stderr, "netpol-loader: --xdp: nothing is attached: %s\n", report.nothing_external.c_str());
  for (const std::string& address : report.forgotten)
    std::fprintf(stderr, "netpol-loader: an address that was told is the world's now: %s\n", address.c_str());
  for (const ExternalDevice& it : report.external)
    if (!it.native)
      std::fprintf(stderr, "netpol-loader: --xdp %s: not in the driver (%s), so packets cost more\n", it.ifname.c_str(), it.why_generic.c_str());
  for (const std::string& endpoint : report.gone) std::fprintf(stderr, "netpol-loader: left out: %s\n", endpoint.c_str());
  if (!report.left_over.empty())
    std::fprintf(stderr, "netpol-loader: loaded, but of the former bundle is left: %s\n", report.left_over.c_str());
}

std::string plan_text(const LoadPlan& plan) {
  std::string text = "would load bundle " + plan.report.bundle.substr(0, 12) + " as generation " + std::to_string(plan.report.generation);
  if (plan.report.former_generation != 0) text += " in place of " + std::to_string(plan.report.former_generation);
  text += "; nothing was changed\n";
  TableRows rows;
  for (const LoadPlan::Step& it : plan.steps)
    rows.push_back({to_string(it.action), it.endpoint, it.ifname, it.program.empty() ? it.reason : it.program.substr(0, 12)});
  text += table_text(rows, "  ");
  text += "programs: " + std::to_string(plan.report.programs) + " that the kernel takes, " + std::to_string(plan.programs_new) + " of them new here, " + std::to_string(plan.programs_gone) + " go\n";
  text += "addresses: " + std::to_string(plan.report.addresses) + " (" + std::to_string(plan.addresses_added) + " added, " + std::to_string(plan.addresses_removed) + " removed, " +
          std::to_string(plan.addresses_changed) + " with another identity)\n";
  return text + "memory of the kernel: " + std::to_string((plan.kernel_bytes + 1023) / 1024) + " KiB, beside what runs\n";
}

Json plan_json(const LoadPlan& plan) {
  Json steps = Json::array();
  for (const LoadPlan::Step& it : plan.steps) {
    Json& one = steps.emplace_back(Json{{"action", to_string(it.action)}, {"endpoint", it.endpoint}, {"ifname", it.ifname}, {"netns", it.netns}});
    if (!it.program.empty()) one["program"] = it.program;
    if (!it.reason.empty()) one["reason"] = it.reason;
  }
  Json out{{"dryRun", true},
           {"steps", std::move(steps)},
           {"addressDelta", {{"added", plan.addresses_added}, {"removed", plan.addresses_removed}, {"changed", plan.addresses_changed}}},
           {"programDelta", {{"new", plan.programs_new}, {"gone", plan.programs_gone}}},
           {"kernelBytes", plan.kernel_bytes}};
  const Json report = report_json(plan.report);
  for (const auto& [key, value] : report.items())
    if (key != "attachments" && key != "switched" && key != "switchMicroseconds") out[key] = value;
  return out;
}

int dry_run_command(const Options& o) {
  const auto plan = plan_load(o.flags.load);
  if (!plan) return complain(plan.error());
  print(o.json() ? plan_json(*plan).dump(1) + "\n" : plan_text(*plan));
  say_notes(plan->report);
  return kGood;
}

int load_command(Options& o) {
  auto all = requests(o);
  if (!all) return complain(all.error());
  LoadOptions& options = o.flags.load;
  options.requests = std::move(*all);
  options.root = o.root;
  options.state = o.state;
  if (const Done done = o.flags.finish(); !done) return complain(done.error());
  if (!o.confirm.empty()) {
    const auto seconds = parse_duration(o.confirm);
    if (!seconds) return complain({FailureKind::Input, "--confirm " + seconds.error().message});
    options.confirm_seconds = *seconds;
  }
  if (!needs_admin(o.where(), options.requests))
    if (const Done done = give_up_admin(); !done) return complain(done.error());
  if (o.dry_run) return dry_run_command(o);
  const auto report = load(options);
  if (!report) return complain(report.error());
  print(o.json() ? report_json(*report).dump(1) + "\n" : report_text(*report));
  say_notes(*report);
  if (options.confirm_seconds == 0) return kGood;
  if (report->former_generation == 0)
    std::fprintf(stderr, "netpol-loader: --confirm: there is no former generation to go back to, so all is taken away unless `netpol-loader commit` is given within %s\n", o.confirm.c_str());
  else
    std::fprintf(stderr, "netpol-loader: goes back to generation %llu unless `netpol-loader commit` is given within %s\n", static_cast<unsigned long long>(report->former_generation), o.confirm.c_str());
  const Done done = watch_confirmation(o.where());
  return done ? kGood : complain(done.error());
}

int recover_command(const CommonOptions& o) {
  const auto report = recover(o.where());
  if (!report) return complain(report.error());
  if (o.json()) {
    print(Json{{"installed", report->installed}, {"generation", report->generation}, {"bundle", report->bundle}, {"wentBack", report->went_back}, {"repaired", report->repaired}, {"gone", report->gone}}.dump(1) + "\n");
    return kGood;
  }
  std::string text = !report->installed ? "nothing is loaded\n" : "generation " + std::to_string(report->generation) + " is in force, bundle " + report->bundle.substr(0, 12) + "\n";
  for (const std::string& it : report->repaired) text += "  repaired: " + it + "\n";
  for (const std::string& it : report->gone) text += "  forgotten, since its interface is gone: " + it + "\n";
  if (report->went_back) text += "  went back: nobody confirmed in time\n";
  print(text);
  return kGood;
}

void add_load(CLI::App& app, CommandAction& chosen) {
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  CLI::App& command = *app.add_subcommand("load", "put a bundle into force, all of it or nothing; replaces what was loaded without a gap");
  command.add_option("BUNDLE", o.flags.load.bundle, "directory that `netpolc compile` wrote")->required();
  command.add_option("--attach", o.attach, "NAMESPACE/POD=IFNAME: the host's end of the pod's veth (repeatable)")
      ->take_all();
  command
      .add_option("--attach-file", o.attach_files,
                  "JSON lines {\"endpoint\",\"ifname\",\"netns\",\"ipv4\",\"ipv6\",\"audit\"}; - is standard input (repeatable)")
      ->take_all();
  command.add_flag("--dry-run", o.dry_run, "let the kernel check programs and maps, say what would change, and change nothing");
  command.add_option("--confirm", o.confirm, "go back by itself after this time (60s, 5m) unless `netpol-loader commit` is given");
  add_load_flags(command, o.flags);
  command
      .add_option("--audit", o.audit,
                  "NAMESPACE/POD as attached: what its policy denies passes, and is counted and reported (repeatable)")
      ->take_all();
  add_common(command, o);
  command.callback([options, &chosen] { chosen = [options] { return load_command(*options); }; });
}

}  // namespace

void add_load_commands(CLI::App& app, CommandAction& chosen) {
  add_load(app, chosen);
  const auto o = std::make_shared<CommonOptions>();
  CLI::App& recover = *app.add_subcommand("recover", "end what a loader that was killed began, and put right what is not as it was loaded");
  add_common(recover, *o);
  recover.callback([o, &chosen] { chosen = [o] { return recover_command(*o); }; });
}

}  // namespace netpolc::loader
