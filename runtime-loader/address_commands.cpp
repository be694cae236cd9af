// The commands that tell a running installation who is where.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime-loader/address_lines.h"
#include "runtime-loader/command.h"
#include "runtime-loader/node_addresses.h"
#include "runtime-loader/table.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;

struct Options : CommonOptions {
  std::string address;
  AddressText said;
};

Json number_or_null(std::optional<std::uint32_t> identity) { return identity ? Json(*identity) : Json(); }

std::string words(std::optional<std::uint32_t> identity) {
  return identity ? "identity " + std::to_string(*identity) : std::string("not in the table");
}

int show(const Options& o, const Result<AddressReport>& report) {
  if (!report) return complain(report.error());
  for (const std::string& note : report->notes) std::fprintf(stderr, "netpol-loader: %s\n", note.c_str());
  const bool many = o.address == "-";
  std::string text;
  std::size_t changed = 0;
  for (const AddressChange& it : report->changes) {
    changed += it.former != it.now;
    if (o.json())
      text += Json{{"prefix", it.prefix.to_string()}, {"former", number_or_null(it.former)}, {"now", number_or_null(it.now)}}.dump() + "\n";
    else if (!many)
      text += it.prefix.to_string() + ": " + words(it.now) + " (was " + (it.former == it.now ? "so already" : words(it.former)) + ")\n";
  }
  if (many && !o.json()) text = std::to_string(report->changes.size()) + " addresses, " + std::to_string(changed) + " of them changed\n";
  print(text);
  return kGood;
}

int change_command(const Options& o, bool add) {
  if (o.address == "-") {
    if (!o.said.empty()) return complain({FailureKind::Input, "with `-` each line of standard input says whose its address is: give no other option"});
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const auto all = parse_address_lines(text, "standard input", add);
    return all ? show(o, change_addresses(o.where(), *all)) : complain(all.error());
  }
  const auto word = address_word(o.address, o.said, add);
  return word ? show(o, change_addresses(o.where(), {*word})) : complain(word.error());
}

std::string joined(const std::vector<std::string>& labels) {
  std::string out;
  for (const std::string& label : labels) out += (out.empty() ? "" : " ") + label;
  return out;
}

int list_addresses_command(const Options& o) {
  const auto known = known_peers(o.where());
  if (!known) return complain(known.error());
  Json json = Json::array();
  TableRows rows{{"PREFIX", "IDENTITY", "LABELS"}};
  for (const auto& [prefix, identity] : known->addresses) {
    const auto& labels = known->identities.at(identity).labels;
    if (o.json())
      json.push_back({{"prefix", prefix.to_string()}, {"identity", identity}, {"labels", labels}});
    else
      rows.push_back({prefix.to_string(), std::to_string(identity), joined(labels)});
  }
  print(o.json() ? json.dump(1) + "\n" : table_text(rows));
  return kGood;
}

int list_identities_command(const Options& o) {
  const auto known = known_peers(o.where());
  if (!known) return complain(known.error());
  Json json = Json::array();
  TableRows rows{{"IDENTITY", "FROM", "ADDRESSES", "LABELS"}};
  for (const auto& [id, identity] : known->identities) {
    if (o.json())
      json.push_back({{"id", id}, {"labels", identity.labels}, {"learned", identity.learned}, {"addresses", identity.addresses}});
    else
      rows.push_back({std::to_string(id), identity.learned ? "run time" : "bundle", std::to_string(identity.addresses), joined(identity.labels)});
  }
  print(o.json() ? json.dump(1) + "\n" : table_text(rows));
  return kGood;
}

void add_add(CLI::App& address, const std::shared_ptr<Options>& o, CommandAction& chosen) {
  CLI::App& add = *address.add_subcommand("add", "say who has an address, or a prefix, from now on");
  add.add_option("ADDRESS", o->address, "192.0.2.1, 2001:db8::1 or a prefix; - reads JSON lines from standard input (docs/loader.md)")->required();
  add.add_option("--endpoint", o->said.endpoint, "NAMESPACE/NAME of a pod or workload of the bundle");
  add.add_option("--labels", o->said.labels, "identity labels, as in k8s:app=web,k8s:io.kubernetes.pod.namespace=prod,... (repeatable)")->delimiter(',')->take_all();
  add.add_option("--named-port", o->said.ports, "NAME=NUMBER/PROTOCOL that the pod's containers declare; from Cilium 1.20 on (repeatable)")->delimiter(',')->take_all();
  add.add_option("--fqdn", o->said.names, "a name that resolves to this address outside the cluster (repeatable)")->take_all();
  add.add_option("--cidr-group", o->said.groups, "a CiliumCIDRGroup that the prefix belongs to, or cidrgroup:KEY=VALUE, a label of its (repeatable)")->take_all();
  add.add_flag("--external", o->said.external, "outside the cluster, whatever the bundle says");
  add.add_option("--identity", o->said.identity, "its number instead");
  add_common(add, *o);
  add.callback([o, &chosen] { chosen = [o] { return change_command(*o, true); }; });
}

void add_remove(CLI::App& address, const std::shared_ptr<Options>& o, CommandAction& chosen) {
  CLI::App& remove = *address.add_subcommand("remove", "an address belongs to nobody from now on");
  remove.add_option("ADDRESS", o->address, "as it was added; - reads JSON lines from standard input")->required();
  remove.add_option("--fqdn", o->said.names, "only that this name resolves to it (repeatable)")->take_all();
  add_common(remove, *o);
  remove.callback([o, &chosen] { chosen = [o] { return change_command(*o, false); }; });
}

}  // namespace

void add_address_commands(CLI::App& app, CommandAction& chosen) {
  const auto o = std::make_shared<Options>();
  CLI::App& address = *app.add_subcommand("address", "tell the loaded programs whose an address is");
  address.require_subcommand(1);
  add_add(address, o, chosen);
  add_remove(address, o, chosen);
  CLI::App& list = *address.add_subcommand("list", "the table that the programs use");
  add_common(list, *o);
  list.callback([o, &chosen] { chosen = [o] { return list_addresses_command(*o); }; });
  CLI::App& identity = *app.add_subcommand("identity", "who the loaded programs know");
  identity.require_subcommand(1);
  CLI::App& all = *identity.add_subcommand("list", "identities of the bundle, and those learned at run time");
  add_common(all, *o);
  all.callback([o, &chosen] { chosen = [o] { return list_identities_command(*o); }; });
}

}  // namespace netpolc::loader
