// `endpoint`: who is attached on this node, and pods that come and go without a daemon.
#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime-loader/command.h"
#include "runtime-loader/endpoint_list.h"
#include "runtime-loader/endpoints.h"
#include "runtime-loader/policy_output.h"
#include "runtime-loader/status.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

// ---- list, get -------------------------------------------------------------------------------------

struct ListOptions : CommonOptions {
  std::string endpoint;  // get
  bool no_headers = false;
};

int show(const ListOptions& o, bool one) {
  const auto found = status(o.root, o.state);
  if (!found) return complain(found.error());
  if (!found->installed) return complain({FailureKind::Input, "nothing is loaded under " + found->root});
  std::vector<EndpointLine> lines = endpoint_lines(*found);
  if (one) {
    std::erase_if(lines, [&](const EndpointLine& it) { return it.name != o.endpoint && it.interface != o.endpoint; });
    if (lines.empty()) return complain({FailureKind::Input, "no endpoint `" + o.endpoint + "` on this node; `netpol-loader endpoint list` shows them"});
  }
  print(o.json() ? endpoints_json(lines) : endpoints_text(lines, !o.no_headers, o.format == "wide"));
  return kGood;
}

void add_shown(CLI::App& command, const std::shared_ptr<ListOptions>& o, bool one, CommandAction& chosen) {
  command.add_flag("--no-headers", o->no_headers, "rows alone");
  add_where(command, *o);
  command.add_option("-o,--output", o->format, "text, wide or json")->check(CLI::IsMember({"text", "wide", "json"}))->capture_default_str();
  command.callback([o, one, &chosen] { chosen = [o, one] { return show(*o, one); }; });
}

// ---- add, remove -----------------------------------------------------------------------------------

struct ChangeOptions : CommonOptions {
  std::vector<std::string> endpoints, labels, addresses;
  std::string netns, mode, fresh;
  bool audit = false;
};

Result<std::vector<AttachRequest>> requests(const ChangeOptions& o) {
  std::vector<AttachRequest> out;
  if (o.endpoints == std::vector<std::string>{"-"}) {
    if (!o.labels.empty() || !o.addresses.empty() || !o.netns.empty() || o.audit) return bad_input("with `-` each line of standard input says all of its endpoint: give none of --netns, --address, --labels and --audit");
    return parse_attach_lines({std::istreambuf_iterator<char>(std::cin), {}}, "standard input");
  }
  if (o.endpoints.size() != 1 && (!o.labels.empty() || !o.addresses.empty())) return bad_input("--address and --labels are of one endpoint: name one");
  for (const std::string& text : o.endpoints) {
    auto request = parse_attach_option(text);
    if (!request) return tl::make_unexpected(request.error());
    request->netns = o.netns;
    request->labels = o.labels;
    request->audit = o.audit;
    for (const std::string& address : o.addresses) {
      const auto parsed = Address::parse(address);
      if (!parsed) return bad_input("--address " + address + " is no address");
      request->addresses.push_back(*parsed);
    }
    out.push_back(std::move(*request));
  }
  return out;
}

// What isn't said is as the load was told.
Result<EndpointOptions> endpoint_options(const ChangeOptions& o) {
  EndpointOptions out;
  if (o.fresh.empty() || o.mode.empty()) {
    const auto site = Installation::find(o.root, o.state);
    if (!site) return tl::make_unexpected(site.error());
    const auto known = read_state(*site);
    if (!known) return tl::make_unexpected(known.error());
    out = {known->state.fresh, known->state.mode};
  }
  if (!o.fresh.empty()) out.fresh = o.fresh == "allow" ? NewEndpoints::Allow : NewEndpoints::Deny;
  if (o.mode == "auto") out.mode.reset();
  else if (!o.mode.empty()) out.mode = o.mode == "tcx" ? AttachMode::Tcx : AttachMode::Clsact;
  return out;
}

int add_command(const ChangeOptions& o) {
  const auto all = requests(o);
  if (!all) return complain(all.error());
  const auto options = endpoint_options(o);
  if (!options) return complain(options.error());
  const auto outcomes = add_endpoints(o.where(), *all, *options);
  if (!outcomes) return complain(outcomes.error());
  std::string text;
  bool good = true;
  for (const EndpointOutcome& it : *outcomes) {
    good = good && it.state != EndpointState::Failed && it.state != EndpointState::Blocked;
    if (o.json())
      text += Json{{"endpoint", it.endpoint}, {"ifname", it.ifname}, {"netns", it.netns}, {"state", to_string(it.state)},
                   {"reason", it.reason.empty() ? Json() : Json(it.reason)}, {"identity", it.identity == 0 ? Json() : Json(it.identity)},
                   {"program", it.program.empty() ? Json() : Json(it.program)}}.dump() + "\n";
    else
      text += it.endpoint + " at " + it.ifname + (it.netns.empty() ? "" : " in " + it.netns) + ": " + to_string(it.state) + (it.reason.empty() ? "" : ": " + it.reason) + "\n";
  }
  print(text);
  return good ? kGood : kNegative;
}

int remove_command(const ChangeOptions& o) {
  std::vector<EndpointKey> keys;
  for (const std::string& text : o.endpoints) {
    const std::size_t sign = text.find('=');
    EndpointKey key{text.substr(0, sign), sign == text.npos ? "" : text.substr(sign + 1), o.netns};
    if (key.endpoint.empty() && key.ifname.empty()) return complain({FailureKind::Input, "`" + text + "`: expected NAMESPACE/POD, NAMESPACE/POD=IFNAME or =IFNAME"});
    keys.push_back(std::move(key));
  }
  const auto counts = remove_endpoints(o.where(), keys);
  if (!counts) return complain(counts.error());
  std::string text;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::size_t count = counts->at(i);
    if (o.json()) text += Json{{"endpoint", keys[i].endpoint.empty() ? Json() : Json(keys[i].endpoint)}, {"ifname", keys[i].ifname.empty() ? Json() : Json(keys[i].ifname)}, {"removed", count}}.dump() + "\n";
    else text += o.endpoints[i] + ": " + (count == 0 ? "was not attached" : "removed from " + std::to_string(count) + (count == 1 ? " interface" : " interfaces")) + "\n";
  }
  print(text);
  return kGood;
}

void add_changes(CLI::App& endpoint, CommandAction& chosen) {
  const auto o = std::make_shared<ChangeOptions>();
  CLI::App& add = *endpoint.add_subcommand("add", "a pod came: its program at its interface, or nothing passes until there is one (then exit 1)");
  add.add_option("ENDPOINT", o->endpoints, "NAMESPACE/POD=IFNAME ...; - reads JSON lines from standard input, as `load --attach-file`")->required();
  add.add_option("--netns", o->netns, "where the interfaces are, a name or a path (default: where the loader runs)");
  add.add_option("--address", o->addresses, "of this pod, where it isn't what the bundle says (repeatable)")->take_all();
  add.add_option("--labels", o->labels, "identity labels of a pod that the bundle doesn't know, as in k8s:app=web,... (repeatable)")->delimiter(',')->take_all();
  add.add_flag("--audit", o->audit, "what its policy denies passes, and is counted and reported");
  add.add_option("--new-endpoints", o->fresh, "pods that the bundle doesn't know, once a policy selects their namespace: deny blocks them (default: as the load was told)")
      ->check(CLI::IsMember({"deny", "allow"}));
  add.add_option("--attach-mode", o->mode, "auto is tcx where the kernel has it, else clsact (default: as the load was told)")->check(CLI::IsMember({"auto", "tcx", "clsact"}));
  add_common(add, *o);
  add.callback([o, &chosen] { chosen = [o] { return add_command(*o); }; });

  CLI::App& remove = *endpoint.add_subcommand("remove", "a pod went: nothing of ours stays at its interface");
  remove.add_option("ENDPOINT", o->endpoints, "NAMESPACE/POD, NAMESPACE/POD=IFNAME or =IFNAME ...")->required();
  remove.add_option("--netns", o->netns, "where the interfaces are");
  add_common(remove, *o);
  remove.callback([o, &chosen] { chosen = [o] { return remove_command(*o); }; });
}

}  // namespace

void add_endpoint_commands(CLI::App& app, CommandAction& chosen) {
  CLI::App& endpoint = *app.add_subcommand("endpoint", "the endpoints of this node");
  endpoint.require_subcommand(1);
  const auto o = std::make_shared<ListOptions>();
  add_shown(*endpoint.add_subcommand("list", "who is here, and whether policy is in force for it"), o, false, chosen);
  CLI::App& get = *endpoint.add_subcommand("get", "one of them");
  get.add_option("ENDPOINT", o->endpoint, "NAMESPACE/POD as attached, or an interface")->required();
  add_shown(get, o, true, chosen);
  add_changes(endpoint, chosen);
}

}  // namespace netpolc::loader
