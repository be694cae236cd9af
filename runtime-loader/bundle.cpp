#include "runtime-loader/bundle.h"

#include <algorithm>
#include <charconv>

#include "runtime-loader/bundle_fields.h"
#include "runtime-loader/bundle_limits.h"

namespace netpolc::loader {
namespace {

bool is_digest(const std::string& text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::uint64_t hex64(const JsonField& field) {
  const std::string& text = field.text();
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data() + std::min<std::size_t>(2, text.size()), text.data() + text.size(), number, 16);
  if (!text.starts_with("0x") || text.size() < 3 || error != std::errc{} || end != text.data() + text.size())
    field.fail("expected a number like 0x0000000000000001");
  return number;
}

std::vector<std::string> texts(const JsonField& field, std::size_t most = kValues) {
  field.at_most(most);
  std::vector<std::string> out;
  field.each([&](const JsonField& item) { out.push_back(item.text()); });
  return out;
}

void add_addresses(const JsonField& field, std::vector<Address>& out) {
  field.each([&](const JsonField& item) {
    const auto address = Address::parse(item.text());
    if (!address) item.fail("`" + item.text() + "` is no address");
    out.push_back(*address);
  });
}

PeerBits peers(const JsonField& field, std::size_t words) {
  PeerBits out;
  field.each([&](const JsonField& item) {
    std::vector<std::uint64_t> bits;
    item.at("words").each([&](const JsonField& word) { bits.push_back(hex64(word)); });
    if (bits.size() != words)
      item.fail("has " + std::to_string(bits.size()) + " words where the program has " + std::to_string(words));
    if (!out.emplace(item.at("identity").number32(), std::move(bits)).second)
      item.fail("is a second entry for its identity");
  });
  return out;
}

// Numbers in the bundle's list.
Selectors selectors_of(const JsonField& field, const Selectors& all) {
  Selectors out;
  field.each([&](const JsonField& number) {
    if (number.number() >= all.size()) number.fail("is no place in the bundle's `selectors`");
    out.push_back(all[number.number()]);
  });
  return out;
}

BundleDirection direction(const JsonField& program, const char* name, const Selectors& all) {
  BundleDirection out;
  out.enforcement = program.at("enforcement").at(name).text();
  out.rule_texts = texts(program.at("ruleTexts").at(name), kRules);
  if (out.rule_texts.size() != program.at("ruleCount").at(name).number())
    program.at("ruleTexts").at(name).fail("has another number of rules than `ruleCount`");
  out.words = program.at("words").at(name).number(kWords);
  out.peers = peers(program.at("peers").at(name), out.words);
  if (const auto numbers = program.find("selectors")) out.selectors = selectors_of(numbers->at(name), all);
  if (out.selectors.size() > out.words * 64) program.at("selectors").at(name).fail("has more bits than `words` hold");
  return out;
}

ir::DeniedRange denied_range(const JsonField& field) {
  std::vector<JsonField> parts;
  field.each([&](const JsonField& part) { parts.push_back(part); });
  if (parts.size() != 4) field.fail("expected a protocol, two numbers, and `rule` or `default`");
  static const std::map<std::string, ir::Protocol> protocols = {
      {"TCP", ir::Protocol::Tcp}, {"UDP", ir::Protocol::Udp}, {"SCTP", ir::Protocol::Sctp}, {"ICMP", ir::Protocol::Icmp}, {"ICMPv6", ir::Protocol::Icmpv6}};
  const auto protocol = protocols.find(parts[0].text());
  if (protocol == protocols.end()) parts[0].fail("expected TCP, UDP, SCTP, ICMP or ICMPv6");
  ir::DeniedRange out{protocol->second, static_cast<std::uint16_t>(parts[1].number(65535)), static_cast<std::uint16_t>(parts[2].number(65535)),
                      parts[3].text() == "rule"};
  if (out.first > out.last || (!out.by_rule && parts[3].text() != "default")) field.fail("is no range of a protocol's numbers");
  return out;
}

// A few bytes of text stand for many identities: `room` is for those of all programs.
ir::DeniedOutside denied_outside(const JsonField& field, std::size_t& room) {
  ir::DeniedOutside out;
  field.each([&](const JsonField& item) {
    ir::DeniedGroup& group = out.emplace_back();
    item.at("identities").each([&](const JsonField& run) {
      std::vector<std::uint32_t> ends;
      run.each([&](const JsonField& end) { ends.push_back(end.number32()); });
      if (ends.size() != 2 || ends[0] > ends[1]) run.fail("expected the first and the last of identities in a row");
      if (ends[1] - ends[0] >= room) run.fail("makes more than " + std::to_string(kOutsideIdentities) + " identities in all");
      room -= ends[1] - ends[0] + 1;
      for (std::uint64_t identity = ends[0]; identity <= ends[1]; ++identity) group.identities.push_back(static_cast<std::uint32_t>(identity));
    });
    item.at("denied").each([&](const JsonField& range) { group.ranges.push_back(denied_range(range)); });
    group.egress_denied = item.at("egressDenied").boolean();
  });
  return out;
}

BundleXdp xdp(const JsonField& field) {
  BundleXdp out;
  out.object = field.at("object").text();
  out.services = field.at("services").boolean();
  add_addresses(field.at("behindServices"), out.behind_services);
  if (const auto certificate = field.find("certificate")) out.certificate_path = certificate->text();
  return out;
}

BundleProgram program(const JsonField& field, const Selectors& all, std::size_t& room) {
  BundleProgram out;
  out.digest = digest_of(field.at("digest"));
  out.tag = hex64(field.at("tag"));
  out.object = field.at("object").text();
  if (const auto source = field.find("source")) out.source_path = source->text();
  if (const auto map = field.find("sourceMap")) out.source_map_path = map->text();
  if (const auto certificate = field.find("certificate")) out.certificate_path = certificate->text();
  out.ingress = direction(field, "ingress", all);
  out.egress = direction(field, "egress", all);
  if (const auto outside = field.find("outside")) out.outside = denied_outside(*outside, room);
  return out;
}

std::optional<RuleOrigin> origin(const JsonField& field) {
  if (field.is_null()) return std::nullopt;
  RuleOrigin out;
  out.kind = field.at("kind").text();
  out.ns = field.at("namespace").text();
  out.name = field.at("name").text();
  out.rule = field.at("rule").text();
  out.file = field.at("file").text();
  out.line = field.at("line").number32();
  out.column = field.at("column").number32();
  return out;
}

std::vector<std::optional<RuleOrigin>> origins(const JsonField& field, std::size_t count) {
  std::vector<std::optional<RuleOrigin>> out;
  field.each([&](const JsonField& item) { out.push_back(origin(item)); });
  if (out.size() != count)
    field.fail("has " + std::to_string(out.size()) + " rules where the endpoint's program has " +
               std::to_string(count));
  return out;
}

void add_program(const JsonField& field, const Bundle& bundle, const std::map<std::string, std::size_t>& programs, BundleEndpoint& out) {
  const auto found = programs.find(field.at("program").text());
  if (found == programs.end()) field.at("program").fail("is no digest of `programs`");
  out.program = found->second;
  const BundleProgram& own = bundle.programs[out.program];
  out.ingress_rules = origins(field.at("rules").at("ingress"), own.ingress.rule_texts.size());
  out.egress_rules = origins(field.at("rules").at("egress"), own.egress.rule_texts.size());
}

BundleEndpoint endpoint(const JsonField& field, const Bundle& bundle,
                        const std::map<std::string, std::size_t>& programs) {
  BundleEndpoint out;
  out.ns = field.at("namespace").text();
  out.name = field.at("name").text();
  out.kind = field.at("kind").text();
  out.identity = field.at("identity").number32();
  field.at("pods").each([&](const JsonField& pod) {
    BundlePod& added = out.pods.emplace_back();
    added.name = pod.at("name").text();
    added.node = pod.at("node").text();
    add_addresses(pod.at("ipv4"), added.addresses);
    add_addresses(pod.at("ipv6"), added.addresses);
  });
  add_program(field, bundle, programs, out);
  return out;
}

BundleEndpoint host(const JsonField& field, const Bundle& bundle, const std::map<std::string, std::size_t>& programs) {
  BundleEndpoint out;
  out.name = field.at("node").text();
  out.kind = "Node";
  out.is_node = true;
  out.identity = kHostIdentity;
  add_program(field, bundle, programs, out);
  return out;
}

BundleNode node(const JsonField& field) {
  BundleNode out;
  out.name = field.at("name").text();
  out.identity = field.at("identity").number32();
  add_addresses(field.at("addresses"), out.addresses);
  if (const auto labels = field.find("host")) {
    out.host.emplace();
    labels->each([&](const JsonField& label) { out.host->push_back(label.text()); });
  }
  return out;
}

BundlePolicing policing(const JsonField& field) {
  BundlePolicing out;
  out.namespaces = texts(field.at("namespaces"));
  out.everywhere = field.at("everywhere").boolean();
  if (const auto except = field.find("except")) out.except = texts(*except);
  std::sort(out.namespaces.begin(), out.namespaces.end());
  std::sort(out.except.begin(), out.except.end());
  return out;
}

BundlePolicing policing_of(const Bundle& bundle) {
  BundlePolicing out;
  for (const BundleEndpoint& one : bundle.endpoints)
    if (!one.is_node && bundle.programs[one.program].is_enforced()) out.namespaces.push_back(one.ns);
  std::sort(out.namespaces.begin(), out.namespaces.end());
  out.namespaces.erase(std::unique(out.namespaces.begin(), out.namespaces.end()), out.namespaces.end());
  return out;
}

}  // namespace

std::string digest_of(const JsonField& field) {
  if (!is_digest(field.text())) field.fail("expected a SHA-256 in 64 lower-case hexadecimal digits");
  return field.text();
}

void check_bundle_kind(const JsonField& root) {
  if (root.at("apiVersion").text() != "netpolc.dev/v1")
    root.at("apiVersion").fail("is `" + root.at("apiVersion").text() + "`; this loader reads netpolc.dev/v1");
  if (root.at("kind").text() != "Bundle") root.at("kind").fail("expected Bundle");
}

void fill_bundle(Bundle& bundle, const JsonField& root) {
  bundle.digest = digest_of(root.at("digest"));
  if (const auto generator = root.find("generator")) bundle.generator = generator->text();
  bundle.world4 = root.at("config").at("world4").number32();
  bundle.world6 = root.at("config").at("world6").number32();
  bundle.tunnel_port = static_cast<std::uint16_t>(root.at("config").at("tunnelPort").number(65535));
  if (const auto version = root.at("config").find("ciliumVersion")) bundle.cilium_version = static_cast<int>(version->number(99));
  if (const auto nodes = root.at("config").find("cidrMatchesNodes")) bundle.cidr_matches_nodes = nodes->boolean();
  if (const auto policy = root.find("policyDigest")) bundle.policy_digest = digest_of(*policy);
  if (const auto live = root.find("liveDigest")) bundle.live_digest = digest_of(*live);
  const auto listed = root.find("selectors");
  if (listed) listed->at_most(kSelectors);
  const Selectors all = listed ? selectors(*listed) : Selectors();
  std::map<std::string, std::size_t> programs;
  std::size_t room = kOutsideIdentities;
  root.at("programs").at_most(kPrograms);
  root.at("programs").each([&](const JsonField& item) {
    bundle.programs.push_back(program(item, all, room));
    if (!programs.emplace(bundle.programs.back().digest, bundle.programs.size() - 1).second)
      item.fail("is a second program of its digest");
  });
  root.at("endpoints").at_most(kEndpoints);
  root.at("endpoints").each([&](const JsonField& item) {
    bundle.endpoints.push_back(endpoint(item, bundle, programs));
  });
  if (const auto hosts = root.find("hosts")) {
    hosts->at_most(kNodes);
    hosts->each([&](const JsonField& item) { bundle.endpoints.push_back(host(item, bundle, programs)); });
  }
  root.at("nodes").at_most(kNodes);
  root.at("nodes").each([&](const JsonField& item) { bundle.nodes.push_back(node(item)); });
  root.at("identities").at_most(kIdentities);
  root.at("identities").each([&](const JsonField& item) {
    const std::uint32_t id = item.at("id").number32();
    if (!bundle.identities.emplace(id, texts(item.at("labels"))).second) item.fail("is a second entry for its identity");
    if (const auto ports = item.find("namedPorts"))
      ports->each([&](const JsonField& port) { bundle.named_ports[id].push_back(named_port(port)); });
  });
  root.at("addresses").at_most(kAddresses);
  root.at("addresses").each([&](const JsonField& item) {
    const auto prefix = Prefix::parse(item.at("prefix").text());
    if (!prefix) item.at("prefix").fail("`" + item.at("prefix").text() + "` is no prefix");
    if (!bundle.addresses.emplace(*prefix, item.at("identity").number32()).second) item.fail("is a second entry for its prefix");
  });
  if (const auto external = root.find("xdp")) bundle.xdp = xdp(*external);
  root.at("files").at_most(kFiles);
  root.at("files").each_member([&](const std::string& path, const JsonField& sum) { bundle.files.emplace(path, digest_of(sum)); });
  const auto policed = root.find("policed");
  bundle.policing = policed ? policing(*policed) : policing_of(bundle);
}

bool BundlePolicing::covers(const std::string& ns) const {
  return std::binary_search(namespaces.begin(), namespaces.end(), ns) || (everywhere && !std::binary_search(except.begin(), except.end(), ns));
}

Result<std::size_t> find_endpoint(const Bundle& bundle, const std::string& name) {
  std::vector<std::size_t> by_pod, by_workload;
  for (std::size_t i = 0; i < bundle.endpoints.size(); ++i) {
    const BundleEndpoint& endpoint = bundle.endpoints[i];
    if (endpoint.is_node || !name.starts_with(endpoint.ns + "/")) continue;
    const std::string own = name.substr(endpoint.ns.size() + 1);
    if (endpoint.name == own) by_workload.push_back(i);
    if (std::any_of(endpoint.pods.begin(), endpoint.pods.end(), [&](const BundlePod& pod) { return pod.name == own; }))
      by_pod.push_back(i);
  }
  const auto& found = by_pod.empty() ? by_workload : by_pod;
  if (found.empty())
    return bad_input("endpoint `" + name +
                     "` is not in the bundle: neither a pod nor a workload of that name was compiled");
  if (found.size() == 1) return found.front();
  std::string kinds;
  for (const std::size_t i : found) kinds += (kinds.empty() ? "" : ", ") + bundle.endpoints[i].kind;
  return bad_input("endpoint `" + name + "` is ambiguous: the bundle has a " + kinds +
                   " of that name; give the name of a pod");
}

}  // namespace netpolc::loader
