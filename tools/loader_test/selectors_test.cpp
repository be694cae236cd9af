// What a bundle says of its own identities must be what its selectors say of their labels: then a
// label set that comes later is judged as if it had been there when the bundle was compiled.
//
// usage: loader_selectors_test NETPOLC TESTDATA
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "ir/identity/cidr_label.h"
#include "runtime-loader/identities.h"
#include "runtime-loader/plan.h"

namespace fs = std::filesystem;
using namespace netpolc;
using namespace netpolc::loader;

namespace {

std::string netpolc_path;

struct Home {
  std::string path = (fs::temp_directory_path() / "netpolc-selectors-XXXXXX").string();
  Home() {
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
  }
  ~Home() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

// False: the case isn't compiled (a conflict, an authentication).
bool compile(const std::string& from, const std::string& to, const std::string& more = "") {
  return std::system((netpolc_path + " compile -f '" + from + "' -o '" + to + "' --l7=drop --host-policies=skip " + more + " >/dev/null 2>&1").c_str()) == 0;
}

Bundle bundle_at(const std::string& directory) {
  auto bundle = read_bundle(directory);
  if (!bundle) throw std::runtime_error(bundle.error().message);
  return std::move(*bundle);
}

std::vector<std::uint64_t> peers_of(const BundleDirection& direction, std::uint32_t identity) {
  const auto found = direction.peers.find(identity);
  auto bits = found == direction.peers.end() ? std::vector<std::uint64_t>(direction.words) : found->second;
  bits[0] |= 1;
  return bits;
}

struct Count {
  std::size_t identities = 0, bits = 0, wrong = 0;
};

void compare(const std::string& name, const std::string& program, const std::vector<std::uint64_t>& worked_out, const std::vector<std::uint64_t>& compiled, Count& count) {
  for (std::size_t word = 0; word < compiled.size(); ++word) {
    count.bits += static_cast<std::size_t>(__builtin_popcountll(compiled[word]));
    if (worked_out[word] == compiled[word]) continue;
    if (++count.wrong < 10) std::printf("%s, program %s: bits 0x%llx are worked out, 0x%llx were compiled\n", name.c_str(), program.c_str(), static_cast<unsigned long long>(worked_out[word]), static_cast<unsigned long long>(compiled[word]));
  }
}

void check_own_identities(const std::string& name, const Bundle& bundle, Count& count) {
  static const std::vector<ir::NamedPort> none;
  for (const auto& [id, texts] : bundle.identities) {
    ir::LabelSet labels;
    for (const std::string& text : texts) labels.push_back(*parse_label(text));
    const auto ports = bundle.named_ports.find(id);
    const ir::ConditionSubject subject(labels, ports == bundle.named_ports.end() ? &none : &ports->second);
    ++count.identities;
    for (const BundleProgram& program : bundle.programs)
      for (const BundleDirection* direction : {&program.ingress, &program.egress})
        compare(name + ": identity " + std::to_string(id), program.digest.substr(0, 12), bits_of(direction->selectors, direction->words, subject), peers_of(*direction, id), count);
  }
}

// ---- a newcomer, once told of at run time and once compiled in ------------------------------------

using Random = std::mt19937;
const std::vector<std::string> kValues = {"a", "b", "c"};
const std::vector<std::string> kKeys = {"app", "tier", "track"};

std::string one_of(Random& random, const std::vector<std::string>& all) { return all[random() % all.size()]; }

std::string random_labels(Random& random) {
  std::string out;
  for (const std::string& key : kKeys)
    if (random() % 3 != 0) out += (out.empty() ? "" : ", ") + key + ": " + one_of(random, kValues);
  return "{" + out + "}";
}

std::string random_selector(Random& random) {
  std::string out = "{matchExpressions: [";
  for (int n = 1 + static_cast<int>(random() % 2); n > 0; --n) {
    const unsigned kind = random() % 8;
    const std::string key = kind == 0   ? "k8s:io.kubernetes.pod.namespace"
                            : kind == 1 ? "k8s:io.cilium.k8s.namespace.labels.team"
                            : kind == 2 ? "k8s:io.cilium.k8s.policy.serviceaccount"
                                        : one_of(random, kKeys);
    switch (random() % 4) {
      case 0: out += "{key: " + key + ", operator: Exists}"; break;
      case 1: out += "{key: " + key + ", operator: DoesNotExist}"; break;
      case 2: out += "{key: " + key + ", operator: NotIn, values: [a, b]}"; break;
      default: out += "{key: " + key + ", operator: In, values: [" + one_of(random, kValues) + ", one, red, robot]}";
    }
    out += n > 1 ? ", " : "";
  }
  return out + "]}";
}

std::string random_peers(Random& random, bool ingress) {
  const std::string side = ingress ? "from" : "to";
  switch (random() % (ingress ? 8 : 10)) {
    case 0: return side + "Entities: [" + one_of(random, {"cluster", "world", "host", "remote-node", "all", "health", "kube-apiserver", "unmanaged", "init", "ingress"}) + "]";
    case 1: return side + "CIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]";
    case 2: return side + "CIDR: [\"2001:db8::/32\", 10.1.2.0/24, 198.51.100.0/25]";
    case 3: return side + "CIDRSet: [{cidrGroupRef: partners, except: [198.51.100.64/26]}]";
    case 4: return side + "CIDRSet: [{cidr: " + one_of(random, {"0.0.0.0/0", "\"::/0\"", "198.51.0.0/16"}) + "}]";
    case 8: return "toFQDNs: [{matchName: api.example.com}]";
    case 9: return "toFQDNs: [{matchPattern: \"*.example.com\"}]";
    default: return side + "Endpoints: [" + random_selector(random) + ", " + random_selector(random) + "]";
  }
}

std::string policies(Random& random) {
  std::string out;
  for (int n = 0; n < 5; ++n) {
    const std::string ns = random() % 3 ? "one" : "two";
    out += "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p" + std::to_string(n) + ", namespace: " + ns + "}\nspec:\n  endpointSelector: {}\n";
    for (const bool ingress : {true, false}) {
      out += ingress ? "  ingress:\n" : "  egress:\n";
      for (int rule = 0; rule < 2; ++rule)
        out += "  - " + random_peers(random, ingress) + "\n    toPorts: [{ports: [{port: \"" + std::to_string(80 + rule) + "\", protocol: TCP}]}]\n";
    }
    out += "  ingressDeny:\n  - fromEndpoints: [" + random_selector(random) + "]\n";
  }
  return out;
}

// Of Kubernetes: namespaces by their labels, pods in them, blocks of addresses (which Cilium 1.19 refuses on ingress).
std::string network_policies(Random& random, bool blocks_on_ingress) {
  std::string out;
  for (int n = 0; n < 3; ++n) {
    const auto labels = [&](const char* key, const std::vector<std::string>& values) { return random() % 4 == 0 ? std::string("{}") : "{matchExpressions: [{key: " + std::string(key) + ", operator: " + one_of(random, {"In", "NotIn"}) + ", values: [" + one_of(random, values) + "]}]}"; };
    const auto peer = [&](bool blocks) -> std::string {
      if (blocks && random() % 3 == 0) return "{ipBlock: {cidr: 198.51.0.0/16, except: [198.51.100.0/25]}}";
      const std::string pods = "podSelector: " + labels("app", kValues), namespaces = "namespaceSelector: " + labels("team", {"red", "blue"});
      return "{" + (random() % 3 == 0 ? pods : random() % 2 ? namespaces : pods + ", " + namespaces) + "}";
    };
    out += "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: k" + std::to_string(n) + ", namespace: " + (random() % 2 ? "one" : "two") +
           "}\nspec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]\n  ingress: [{from: [" + peer(blocks_on_ingress) + ", " + peer(blocks_on_ingress) + "], ports: [{port: 90, protocol: TCP}]}]\n  egress: [{to: [" + peer(true) + "], ports: [{port: 91, protocol: UDP}]}]\n";
  }
  return out;
}

std::string cidr_group(const std::string& prefixes) {
  return "---\napiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {name: partners}\nspec: {externalCIDRs: [" + prefixes + "]}\n";
}

std::string node(const std::string& name, const std::string& address) {
  return "---\napiVersion: v1\nkind: Node\nmetadata: {name: " + name + "}\nstatus: {addresses: [{type: InternalIP, address: " + address + "}]}\n";
}

std::string pod(const std::string& name, const std::string& ns, const std::string& labels, const std::string& address) {
  return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: " + ns + ", labels: " + labels + "}\nspec: {nodeName: node-1, serviceAccountName: " + (name.back() % 3 == 0 ? "robot" : "default") + ", containers: [{name: c, image: example/c}]}\n" +
         "status: {phase: Running, podIPs: [{ip: " + address + "}]}\n";
}

const BundleProgram* program_of(const Bundle& bundle, const std::string& digest) {
  for (const BundleProgram& program : bundle.programs)
    if (program.digest == digest) return &program;
  return nullptr;
}

std::uint32_t identity_at(const Bundle& bundle, const Prefix& prefix) {
  std::uint32_t identity = prefix.address.v6 ? bundle.world6 : bundle.world4;
  std::uint8_t longest = 0;
  for (const auto& [outer, who] : bundle.addresses)
    if (outer.contains(prefix) && outer.length >= longest) longest = outer.length, identity = who;
  return identity;
}

void check_newcomers(unsigned seed, const std::string& home, Count& count, std::size_t& newcomers) {
  Random random(seed);
  const std::string version = std::to_string(16 + seed % 5);
  const bool dual = seed % 2 == 1;
  std::string cluster = std::string(dual ? "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {enable-ipv4: \"true\", enable-ipv6: \"true\"}\n---\n" : "") + "apiVersion: v1\nkind: Namespace\nmetadata: {name: one, labels: {team: red}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n" + policies(random) + network_policies(random, version != "19") + node("node-1", "192.168.0.1");
  for (int n = 0; n < 4; ++n) cluster += pod("old" + std::to_string(n), n % 2 ? "one" : "two", random_labels(random), "10.244.0." + std::to_string(10 + n));
  // Pods of namespaces that there were, and of one with labels that nobody knew; a node; more in a group of prefixes.
  std::string grown = cluster + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: three, labels: {team: blue, a.b/c: d}}\n" + node("node-2", "192.168.0.2") + cidr_group(std::string("192.0.2.0/28, 198.51.100.0/24") + (dual ? ", \"2001:db8:5::/48\"" : ""));
  cluster += cidr_group("192.0.2.0/28");
  for (int n = 0; n < 8; ++n) grown += pod("new" + std::to_string(n), one_of(random, {"one", "two", "three"}), random_labels(random), "10.244.1." + std::to_string(10 + n));
  fs::create_directories(home + "/before");
  fs::create_directories(home + "/after");
  std::ofstream(home + "/before/all.yaml") << cluster;
  std::ofstream(home + "/after/all.yaml") << grown;
  std::ofstream(home + "/names.json") << "{\"api.example.com\": [\"198.51.100.9\", \"203.0.113.8\"], \"www.example.com\": [\"203.0.113.8\"], \"other.example.net\": [\"203.0.113.9\"]}\n";
  const std::string options = "--cilium-version 1." + version;
  if (!compile(home + "/before", home + "/a", options) || !compile(home + "/after", home + "/b", options + " --resolutions '" + home + "/names.json'")) {
    ++count.wrong;
    std::printf("seed %u does not compile: %s compile -f %s/after --cilium-version 1.%s\n", seed, netpolc_path.c_str(), home.c_str(), version.c_str());
    return;
  }
  Bundle before = bundle_at(home + "/a");
  const Bundle after = bundle_at(home + "/b");
  std::map<Prefix, AddressOverride> said;
  for (const BundleEndpoint& endpoint : after.endpoints) {
    if (!endpoint.name.starts_with("new")) continue;
    IdentityKey key;
    for (const std::string& text : after.identities.at(endpoint.identity)) key.labels.push_back(*parse_label(text));
    const auto checked = checked_key(before, std::move(key));
    if (!checked) throw std::runtime_error(checked.error().message);
    AddressOverride what;
    what.key = *checked;
    said.emplace(*Prefix::parse(endpoint.pods.front().addresses.front().to_string()), what);
  }
  AddressOverride partner, neighbour;
  partner.external = ExternalFacts{{}, {ir::cidr_group_label("partners")}, false};
  said.emplace(*Prefix::parse("198.51.100.0/24"), partner);
  if (dual) said.emplace(*Prefix::parse("2001:db8:5::/48"), partner);
  for (const auto& [address, names] : std::map<std::string, std::set<std::string>>{
           {"198.51.100.9", {"api.example.com"}}, {"203.0.113.8", {"api.example.com", "www.example.com"}}, {"203.0.113.9", {"other.example.net"}}}) {
    AddressOverride resolved;
    resolved.external = ExternalFacts{names, {}, false};
    said.emplace(*Prefix::parse(address), resolved);
  }
  neighbour.key = IdentityKey{{*parse_label("reserved:remote-node")}, {}};
  said.emplace(*Prefix::parse("192.168.0.2"), neighbour);
  const auto plan = addresses(before, {}, {}, said);
  if (!plan) throw std::runtime_error(plan.error().message);
  std::set<std::size_t> programs;
  for (std::size_t i = 0; i < before.programs.size(); ++i) programs.insert(i);
  if (const Done done = add_peers(before, programs, plan->used()); !done) throw std::runtime_error(done.error().message);
  newcomers += plan->used().size();
  std::vector<Prefix> compared;  // beside what was said, what lies in it and what it lies in
  for (const auto& [prefix, what] : said) compared.push_back(prefix);
  for (const auto& [prefix, identity] : after.addresses)
    if (is_external(identity) && plan->addresses.contains(prefix) && !said.contains(prefix)) compared.push_back(prefix);
  for (const Prefix& prefix : compared)
    for (const BundleProgram& program : before.programs) {
      const BundleProgram* same = program_of(after, program.digest);
      if (same == nullptr) {
        ++count.wrong;
        std::printf("seed %u: program %s is another with newcomers\n", seed, program.digest.substr(0, 12).c_str());
        continue;
      }
      // A name that nothing asks for makes an address nobody in particular.
      const std::uint32_t told = plan->addresses.at(prefix), compiled = identity_at(after, prefix);
      const std::string name = "seed " + std::to_string(seed) + ": " + prefix.to_string();
      compare(name, program.digest.substr(0, 12), peers_of(program.ingress, told), peers_of(same->ingress, compiled), count);
      compare(name, program.digest.substr(0, 12), peers_of(program.egress, told), peers_of(same->egress, compiled), count);
      ++count.identities;
    }
}

int run(const std::string& testdata) {
  Count own, told;
  std::size_t bundles = 0, newcomers = 0;
  for (const char* part : {"/policies", "/suites"})
    for (const auto& entry : fs::directory_iterator(testdata + part)) {
      if (!entry.is_directory()) continue;
      for (const char* more : {"", "--cilium-version 1.20"}) {
        const Home home;
        if (!compile(entry.path().string(), home.path + "/b", more)) continue;
        ++bundles;
        check_own_identities(entry.path().filename().string(), bundle_at(home.path + "/b"), own);
      }
    }
  const char* asked = std::getenv("NETPOLC_SELECTORS_SEEDS");
  const unsigned seeds = asked == nullptr ? 15 : static_cast<unsigned>(std::atoi(asked));
  for (unsigned seed = 0; seed < seeds; ++seed) {
    const Home home;
    check_newcomers(seed, home.path, told, newcomers);
  }
  std::printf("selectors: %zu bundles, %zu identities, %zu bits; %zu label sets told of, %zu times judged, %zu bits; %zu words wrong\n", bundles, own.identities, own.bits, newcomers,
              told.identities, told.bits, own.wrong + told.wrong);
  const bool enough = bundles >= 10 && own.bits > 200 && (newcomers > 100 || seeds < 15) && told.bits > 1000;
  if (!enough) std::printf("too little was compared\n");
  return own.wrong + told.wrong == 0 && enough ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: loader_selectors_test NETPOLC TESTDATA\n");
    return 2;
  }
  netpolc_path = argv[1];
  try {
    return run(argv[2]);
  } catch (const std::exception& error) {
    std::printf("selectors: %s\n", error.what());
    return 1;
  }
}
