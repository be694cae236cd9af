#include "runtime-loader/state.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "runtime-loader/files.h"
#include "runtime-loader/json_field.h"

namespace netpolc::loader {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t kVersion = 2;

Json address_texts(const std::vector<Address>& all) {
  Json out = Json::array();
  for (const Address& address : all) out.push_back(address.to_string());
  return out;
}

Json attachments(const std::vector<Attachment>& all) {
  Json out = Json::array();
  for (const Attachment& it : all) {
    Json& one = out.emplace_back(Json{{"endpoint", it.endpoint},
                   {"ifname", it.ifname},
                   {"netns", it.netns},
                   {"ifindex", it.ifindex},
                   {"netnsInode", it.netns_inode},
                   {"mode", to_string(it.mode)},
                   {"addresses", address_texts(it.addresses)},
                   {"audit", it.audit},
                   {"forNode", it.for_node}});
    if (it.bundle_endpoint != kNoEndpoint) one["bundleEndpoint"] = it.bundle_endpoint;
    if (!it.program.empty()) one["program"] = it.program;
    if (!it.blocked.empty()) one["blocked"] = it.blocked;
    if (!it.open.empty()) one["open"] = it.open;
    if (!it.labels.empty()) one["labels"] = it.labels;
    if (!it.origin.empty()) one["origin"] = it.origin;
  }
  return out;
}

std::vector<Address> addresses(const JsonField& field) {
  std::vector<Address> out;
  field.each([&](const JsonField& text) {
    const auto address = Address::parse(text.text());
    if (!address) text.fail("is no address");
    out.push_back(*address);
  });
  return out;
}

std::vector<Attachment> attachments(const JsonField& field) {
  std::vector<Attachment> out;
  field.each([&](const JsonField& item) {
    Attachment& it = out.emplace_back();
    it.endpoint = item.at("endpoint").text();
    it.ifname = item.at("ifname").text();
    it.netns = item.at("netns").text();
    it.ifindex = static_cast<int>(item.at("ifindex").number(INT32_MAX));
    it.netns_inode = item.at("netnsInode").number();
    const auto number = item.find("bundleEndpoint");
    it.bundle_endpoint = number ? number->number() : kNoEndpoint;
    if (const auto all = item.find("addresses")) it.addresses = addresses(*all);
    it.mode = item.at("mode").text() == "clsact" ? AttachMode::Clsact : AttachMode::Tcx;
    it.audit = item.at("audit").boolean();
    if (const auto node = item.find("forNode")) it.for_node = node->boolean();
    const auto text = [&](const char* name, std::string& into) {
      if (const auto given = item.find(name)) into = given->text();
    };
    text("program", it.program);
    text("blocked", it.blocked);
    text("open", it.open);
    text("origin", it.origin);
    if (const auto all = item.find("labels")) all->each([&](const JsonField& label) { it.labels.push_back(label.text()); });
  });
  return out;
}

Json label_texts(const ir::LabelSet& labels) {
  Json out = Json::array();
  for (const ir::Label& label : labels) out.push_back(label.to_string());
  return out;
}

ir::LabelSet labels(const JsonField& field) {
  ir::LabelSet out;
  field.each([&](const JsonField& item) {
    auto label = parse_label(item.text());
    if (!label) item.fail(label.error().message);
    out.push_back(std::move(*label));
  });
  ir::normalise(out);
  return out;
}

Json key_json(const IdentityKey& key) {
  Json out = {{"labels", label_texts(key.labels)}};
  for (const ir::NamedPort& port : key.ports) {
    const char* protocol = port.protocol == ir::Protocol::Udp ? "UDP" : port.protocol == ir::Protocol::Sctp ? "SCTP" : "TCP";
    out["ports"].push_back(Json::array({port.name, protocol, port.port}));
  }
  return out;
}

IdentityKey identity_key(const JsonField& field) {
  IdentityKey out{labels(field.at("labels")), {}};
  if (const auto ports = field.find("ports")) ports->each([&](const JsonField& port) { out.ports.push_back(named_port(port)); });
  return out;
}

// There may be a hundred thousand of them: what says nothing is left out.
Json external_json(const ExternalFacts& facts) {
  Json out = Json::object();
  if (!facts.names.empty()) out["names"] = facts.names;
  if (!facts.groups.empty()) out["groups"] = label_texts(facts.groups);
  if (facts.outside) out["outside"] = true;
  return out;
}

ExternalFacts external_facts(const JsonField& field) {
  ExternalFacts out;
  if (const auto names = field.find("names")) names->each([&](const JsonField& name) { out.names.insert(name.text()); });
  if (const auto groups = field.find("groups")) out.groups = labels(*groups);
  if (const auto outside = field.find("outside")) out.outside = outside->boolean();
  return out;
}

Json overrides(const GenerationState& state) {
  Json out = Json::object();
  for (const auto& [prefix, what] : state.overrides) {
    Json& entry = out[prefix.to_string()];
    if (what.identity)
      entry = *what.identity;
    else if (!what.endpoint.empty())
      entry = what.endpoint;
    else if (what.key)
      entry = key_json(*what.key);
    else if (what.external)
      entry = external_json(*what.external);
  }
  return out;
}

AddressOverride address_override(const JsonField& field) {
  AddressOverride out;
  if (field.is_text()) {
    out.endpoint = field.text();
  } else if (field.is_object() && field.find("labels")) {
    out.key = identity_key(field);
  } else if (field.is_object()) {
    out.external = external_facts(field);
  } else if (!field.is_null()) {
    out.identity = field.number32();
  }
  return out;
}

Json learned(const GenerationState& state) {
  Json out = Json::object();
  for (const auto& [id, key] : state.learned) out[std::to_string(id)] = key_json(key);
  return out;
}

std::uint32_t identity_number(const std::string& key, const JsonField& value) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error != std::errc{} || end != key.data() + key.size() || id == 0) value.fail("is of no identity");
  return id;
}

// 0: it isn't pinned.
Result<std::uint32_t> pinned_map_id(const std::string& path) {
  const auto map = open_if_pinned(path);
  if (!map) return tl::make_unexpected(map.error());
  return *map ? map_id(map->get()) : Result<std::uint32_t>(0);
}

Json generation_json(const GenerationState& state) {
  Json out{{"number", state.number},
           {"node", state.node},
           {"nodeAddresses", address_texts(state.node_addresses)},
           {"loaded", state.loaded},
           {"bundle", state.bundle},
           {"attachments", attachments(state.attachments)},
           {"addresses", overrides(state)},
           {"identities", learned(state)},
           {"tags", state.tags},
           {"external", state.external},
           {"host", {{"devices", state.host.devices}, {"skip", state.host.skip}, {"audit", state.host.audit}}},
           {"newEndpoints", state.fresh == NewEndpoints::Deny ? "deny" : "allow"},
           {"skipUnenforced", state.skip_unenforced},
           {"exactNames", state.exact_names},
           {"signer", state.signer}};
  if (state.mode) out["mode"] = to_string(*state.mode);
  return out;
}

std::vector<std::string> texts(const JsonField& field) {
  std::vector<std::string> out;
  field.each([&](const JsonField& item) { out.push_back(item.text()); });
  return out;
}

AttachMode attach_mode(const JsonField& field) { return field.text() == "clsact" ? AttachMode::Clsact : AttachMode::Tcx; }

void read_generation(const JsonField& root, GenerationState& state) {
  state.number = root.at("number").number();
  state.node = root.at("node").text();
  state.node_addresses = addresses(root.at("nodeAddresses"));
  state.loaded = root.at("loaded").text();
  state.bundle = root.at("bundle").text();
  state.attachments = attachments(root.at("attachments"));
  root.at("addresses").each_member([&](const std::string& key, const JsonField& value) {
    const auto prefix = Prefix::parse(key);
    if (!prefix) value.fail("is no prefix");
    state.overrides[*prefix] = address_override(value);
  });
  root.at("identities").each_member([&](const std::string& key, const JsonField& value) { state.learned.emplace(identity_number(key, value), identity_key(value)); });
  root.at("tags").each_member([&](const std::string& key, const JsonField& value) { state.tags.emplace(key, value.number()); });
  state.external = texts(root.at("external"));
  const JsonField host = root.at("host");
  state.host = {texts(host.at("devices")), host.at("skip").boolean(), host.at("audit").boolean()};
  state.fresh = root.at("newEndpoints").text() == "allow" ? NewEndpoints::Allow : NewEndpoints::Deny;
  state.skip_unenforced = root.at("skipUnenforced").boolean();
  state.exact_names = root.at("exactNames").boolean();
  state.signer = root.at("signer").text();
  if (const auto mode = root.find("mode")) state.mode = attach_mode(*mode);
}

State only_filters(const State& stale) {
  State out;
  for (const auto* all : {&stale.attachments, &stale.pending})
    std::copy_if(all->begin(), all->end(), std::back_inserter(out.pending),
                 [](const Attachment& it) { return it.mode == AttachMode::Clsact; });
  return out;
}

}  // namespace

const char* to_string(AttachMode mode) {
  switch (mode) {
    case AttachMode::Tcx:
      return "tcx";
    case AttachMode::Clsact:
      return "clsact";
  }
  return "";
}

std::string to_json(const State& state) {
  Json out{{"version", kVersion},
           {"conntrack", state.conntrack},
           {"current", generation_json(state)},
           {"pending", attachments(state.pending)},
           {"setAside", state.set_aside},
           {"unfinished", state.unfinished}};
  if (state.previous) out["previous"] = generation_json(*state.previous);
  if (state.confirm) out["confirm"] = {{"boot", state.confirm->boot}, {"deadline", state.confirm->deadline}};
  return out.dump() + "\n";
}

Result<State> parse_state(const std::string& text, const std::string& name) {
  State state;
  try {
    const auto json = Json::parse(text);
    const JsonField root(json);
    if (root.at("version").number() != kVersion) root.at("version").fail("is of another loader");
    state.conntrack = root.at("conntrack").number32();
    read_generation(root.at("current"), state);
    state.pending = attachments(root.at("pending"));
    state.set_aside = root.at("setAside").text();
    state.unfinished = root.at("unfinished").boolean();
    if (const auto previous = root.find("previous")) read_generation(*previous, state.previous.emplace());
    if (const auto confirm = root.find("confirm")) state.confirm = Confirmation{confirm->at("boot").text(), confirm->at("deadline").number()};
  } catch (const std::exception& error) {
    return refused(name + " is damaged (" + error.what() + "); `netpol-loader unload` removes what is installed");
  }
  return state;
}

Result<KnownState> read_state(const Installation& site) {
  std::error_code error;
  const bool there = fs::exists(site.state_path(), error);
  if (error) return refused("looking for " + site.state_path() + ": " + error.message());
  if (!there) return KnownState{};
  const auto text = read_file(site.state_path(), kStateLimit);
  if (!text) return tl::make_unexpected(text.error());
  auto state = parse_state(*text, site.state_path());
  if (!state) return tl::make_unexpected(state.error());
  const auto pinned = pinned_map_id(site.map_path(NP_MAP_FLOWS4));
  if (!pinned) return tl::make_unexpected(pinned.error());
  if (*pinned == 0 || *pinned != state->conntrack) return KnownState{only_filters(*state), false};
  return KnownState{std::move(*state), true};
}

namespace {
std::string set_aside_path(const std::string& state_directory) { return state_directory + "/set-aside"; }
}  // namespace

std::string read_set_aside(const std::string& state_directory) { return read_file(set_aside_path(state_directory), 128).value_or(""); }
Done write_set_aside(const std::string& state_directory, const std::string& bundle) { return write_file(set_aside_path(state_directory), bundle); }
void forget_set_aside(const std::string& state_directory) { unlink(set_aside_path(state_directory).c_str()); }

Done write_state(const Installation& site, const State& state) { return write_file(site.state_path(), to_json(state)); }

}  // namespace netpolc::loader
