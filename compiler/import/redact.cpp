#include "compiler/import/redact.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "ir/identity/cidr_label.h"

namespace netpolc::compiler::import {
namespace {

using frontend::KeptGroup;
using frontend::Node;

constexpr std::size_t kLongest = 63;  // of a label's value, a name, a part of a DNS name
constexpr std::size_t kLongestName = 254;  // of all parts of a DNS name or pattern, without the final dot that it may have
constexpr std::size_t kLongestPort = 15;
constexpr std::size_t kWordLength = 8;
constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_";  // of DNS names, in lower case

// Words that Kubernetes and Cilium bring along, and give meaning to.
const std::set<std::string>& known_words() {
  static const std::set<std::string> all{"kube", "system", "public", "node", "lease", "default", "kubernetes", "dns", "coredns", "cilium", "config", "hubble", "svc", "pod", "cluster", "local", "true", "false", "localhost"};
  return all;
}

// Values of these keys are no names: kinds, enumerations, what other software reads, patterns.
const std::set<std::string>& kept_keys() {
  static const std::set<std::string> all{"apiVersion", "kind",   "operator",    "protocol", "type", "phase",  "addressType", "method",  "mode",           "family", "fromEntities", "toEntities",
                                         "source",     "policyTypes", "action", "tier",     "apiKey", "role", "l7proto",     "completionTime", "path",   "host",         "headers", "mismatch", "icmps",
                                         "externalTrafficPolicy", "internalTrafficPolicy", "ipMode", "service.cilium.io/forwarding-mode", "service.cilium.io/src-ranges-policy"};
  return all;
}
bool is_expression(const std::string& key) { return key == "path" || key == "host" || key == "headers" || key == "method"; }
bool is_dns(const std::string& key) { return key == "matchName" || key == "matchPattern" || key == "serverNames" || key == "domainNames"; }
// "port" as the parent: of the backend of an Ingress.
bool is_port(const std::string& key, const std::string& parent) {
  return key == "port" || key == "targetPort" || key == "namedPort" || ((parent == "ports" || parent == "named-ports" || parent == "port") && key == "name");
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}
bool is_number(const std::string& text) { return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }); }
// What is no name of a port, Cilium reads in Go's notation of numbers: "0x1_0", and "0x50" with so many zeros that it is longer than a name.
bool is_port_number(const std::string& text) {
  if (is_number(text)) return true;
  const bool digits = std::isdigit(static_cast<unsigned char>(text.front())) != 0 && text.find_first_not_of("0123456789abcdefABCDEFxXoO_") == std::string::npos;
  return digits && (text.size() > kLongestPort || text.find('_') != std::string::npos);
}
// "NP033 NP034 the job is created at night": the codes.
std::string codes_of(const std::string& words) {
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find_first_of(" \t,:", at), words.size());
    const std::string word = words.substr(at, end - at);
    if (word.size() < 3 || !word.starts_with("NP") || !is_number(word.substr(2))) break;
    out += (out.empty() ? "" : " ") + word;
    at = std::min(words.find_first_not_of(" \t,:", end), words.size());
  }
  return out;
}
bool is_letter(unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; }

// Prefixes that stay what they are: private, shared, local, of groups, and where clouds keep their metadata (RFC 6890). What is
// behind them is renamed like the rest.
const std::vector<IpPrefix>& special_prefixes() {
  static const std::vector<IpPrefix> all = [] {
    std::vector<IpPrefix> out;
    for (const char* text : {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "169.254.169.254/32", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "::/128",
                             "64:ff9b::/96", "::ffff:0:0/96", "fc00::/7", "fe80::/10", "ff00::/8"})
      if (const auto prefix = IpPrefix::parse(text)) out.push_back(*prefix);
    return out;
  }();
  return all;
}

bool bit(const IpAddress& address, int at) { return (address.bytes[static_cast<std::size_t>(at / 8)] >> (7 - at % 8) & 1) != 0; }
void flip(IpAddress& address, int at) { address.bytes[static_cast<std::size_t>(at / 8)] ^= static_cast<std::uint8_t>(0x80U >> (at % 8)); }

IpAddress cut(IpAddress address, int bits) {
  for (int at = bits; at < address.bits(); ++at)
    if (bit(address, at)) flip(address, at);
  return address;
}

// Whether a special prefix lies below: then the bit that follows stays, so that no other address gets into it.
bool leads_to_special(const IpAddress& prefix, int length) {
  return std::any_of(special_prefixes().begin(), special_prefixes().end(), [&](const IpPrefix& one) { return one.address.v6 == prefix.v6 && one.length > length && cut(one.address, length) == cut(prefix, length); });
}

// A name of many parts has few letters for each. How many there are is the same of a name and of what matches it, so that a part is
// renamed alike in both.
std::size_t most_of_part(const std::string& name) {
  std::size_t parts = 0;
  for (std::size_t at = 0; at < name.size(); ++at) parts += name[at] != '.' && (at == 0 || name[at - 1] == '.') ? 1 : 0;
  const std::size_t room = (kLongestName + 1) / std::max<std::size_t>(parts, 1);  // with the dot behind it
  return std::min(kLongest, std::max<std::size_t>(room, 1) - 1);
}

Node* find(Node& parent, const char* key) {
  for (auto& [name, value] : parent.entries)
    if (name.text == key) return &value;
  return nullptr;
}

}  // namespace

std::string random_key() {
  std::string out(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) != 1) out.clear();
  return out;
}

std::string Redactor::keyed(char kind, const std::string& bytes) const {
  const std::string input = kind + bytes;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

// "r" and seven of base 32: begins and ends like a name.
std::string Redactor::word(const std::string& word, char kind) {
  if (kind == 'w' && known_words().count(word) != 0) return word;
  const auto [entry, fresh] = words_.try_emplace(kind + word);
  if (!fresh) return entry->second;
  const std::string digest = keyed(kind, word);
  entry->second = "r";
  for (std::size_t i = 0; i + 1 < kWordLength; ++i) entry->second += "abcdefghijklmnopqrstuvwxyz234567"[static_cast<unsigned char>(digest[i]) % 32];
  const auto [other, alone] = back_.try_emplace(entry->second, kind + word);
  out_.collision = out_.collision || !alone;
  return entry->second;
}

// A permutation of all texts of one length, a Feistel network: no text grows, and no two become one.
std::string Redactor::permuted(std::string text) const {
  const auto number = [](char letter) { return kNameLetters.find(letter); };
  if (text.size() == 1) {
    std::vector<std::pair<std::string, char>> order;
    for (const char letter : kNameLetters) order.emplace_back(keyed('s', std::string(1, letter)), letter);
    std::sort(order.begin(), order.end());
    return std::string(1, order[number(text.front())].second);
  }
  const std::size_t half = text.size() / 2;
  for (int round = 0; round < 10; ++round) {
    const bool left = round % 2 == 0;
    const std::string digest = keyed('s', std::to_string(round) + "/" + std::to_string(text.size()) + "/" + (left ? text.substr(half) : text.substr(0, half)));
    for (std::size_t i = left ? 0 : half; i < (left ? half : text.size()); ++i) text[i] = kNameLetters[(number(text[i]) + static_cast<unsigned char>(digest[i])) % kNameLetters.size()];
  }
  return text;
}

std::string Redactor::of_no_more_letters(const std::string& text) {
  if (text.size() >= kWordLength || text.find_first_not_of(kNameLetters) != std::string::npos) return word(text, 'p');
  std::string out = permuted(text);
  out_.collision = out_.collision || known_words().count(out) != 0;
  return out;
}

// Between two dots. One that would be longer than `most` is one word, or several with `*` between them; where even these are too long,
// none is longer than it was.
std::string Redactor::part(const std::string& part, Form form, std::size_t most) {
  std::string out;
  bool named = part.find_first_not_of('*') == std::string::npos;
  for (std::size_t at = 0; at < part.size();) {
    std::size_t end = at;
    while (end < part.size() && is_letter(static_cast<unsigned char>(part[end]))) ++end;
    if (end == at) out += part[at++];
    else out += word(part.substr(at, end - at), 'w'), named = true;
    at = std::max(at, end);
  }
  const bool fits = form == Form::Name || out.size() <= most;
  // Of a DNS name, `-` alone is renamed as well: a short word may become one.
  if (fits && (form != Form::Dns || named)) return out;
  const auto between_stars = [&](auto&& rename) {
    std::string renamed;
    for (std::size_t at = 0; at <= part.size();) {
      const std::size_t end = std::min(part.find('*', at), part.size());
      renamed += (at == 0 ? "" : "*") + (end == at ? "" : rename(part.substr(at, end - at)));
      at = end + 1;
    }
    return renamed;
  };
  shortened_ = shortened_ || (!fits && most < kLongest);
  std::string words = between_stars([&](const std::string& text) { return word(text, 'p'); });
  return form != Form::Dns || words.size() <= most ? words : between_stars([&](const std::string& text) { return of_no_more_letters(text); });
}

std::string Redactor::text(const std::string& text, Form form) {
  if (const auto one = IpAddress::parse(text)) return address(*one, one->bits()).to_string();
  if (const auto prefix = IpPrefix::parse(text)) return this->prefix(*prefix).to_string();
  const std::size_t most = form == Form::Dns ? most_of_part(text) : kLongest;
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    out += (at == 0 ? "" : ".") + part(text.substr(at, end - at), form, most);
    at = end + 1;
  }
  return form == Form::Label && out.size() > kLongest && text.size() <= kLongest ? word(text, 't') : out;
}

// One word, however many the name has: Cilium takes no more than 15 letters.
std::string Redactor::port(const std::string& name) {
  const bool single = std::all_of(name.begin(), name.end(), is_letter);
  return word(lower(name), single ? 'w' : 'n');
}

// Keys stay, but for those of labels that Cilium makes of addresses, DNS names and groups of prefixes.
std::string Redactor::key(const std::string& key) {
  const std::size_t begin = key.find(':') == std::string::npos ? 0 : key.find(':') + 1;
  const std::string source = key.substr(0, begin), rest = key.substr(begin);
  if (const auto prefix = ir::parse_cidr_key(rest)) return source + ir::cidr_key(this->prefix(*prefix));
  if (source == "fqdn:") return source + text(lower(rest), Form::Dns);
  if (rest.starts_with(ir::cidr_group_name_key)) return source + std::string(ir::cidr_group_name_key) + text(rest.substr(ir::cidr_group_name_key.size()));
  return key;
}

IpPrefix Redactor::prefix(const IpPrefix& prefix) { return {address(prefix.address, prefix.length), prefix.length}; }

bool Redactor::flips(const IpAddress& prefix, int length) {
  const IpAddress head = cut(prefix, length);
  const std::string key = std::string(head.v6 ? "6" : "4") + std::to_string(length) + "/" + head.to_string();
  const auto [entry, fresh] = flips_.try_emplace(key);
  if (fresh) entry->second = !leads_to_special(head, length) && (keyed('a', key).front() & 1) != 0;
  return entry->second;
}

IpAddress Redactor::address(IpAddress address, int bits) {
  const IpAddress before = address;
  for (int at = 0; at < bits; ++at)
    if (flips(before, at)) flip(address, at);
  return cut(address, bits);
}

// The names that become no label's value, and so may be long. A Job's becomes one: its pods have it as `job-name`.
bool Redactor::is_long_name(const Where& where) const {
  if (where.key != "name" && where.key != "generateName") return false;
  // "endpoints" of a CiliumEndpointSlice are pods.
  return ((where.parent == "metadata" || where.parent == "endpoints") && long_names_) || (where.parent == "ownerReferences" && !of_job_);
}

void Redactor::rename(Node& node, const std::string& now, const char* as) {
  const auto [entry, fresh] = out_.renamed.try_emplace(node.text, now);
  if (!fresh && entry->second != now) out_.renamed[node.text + " (" + as + ")"] = now;
  node.text = now;
}

void Redactor::scalar(Node& node, const Where& where) {
  if (!node.is_string() || node.text.empty()) return;
  const std::string before = node.text;
  if (where.key == "clusterIP" || where.key == "clusterIPs")
    if (before == "None") return;
  if (where.key == "netpolc.io/ignore") {
    node.text = codes_of(before) + " redacted";
  } else if (where.parent == "headerMatches" && (where.key == "name" || where.key == "value")) {
    ++expressions_;
    return;
  } else if (where.key == "key") {
    if (key(before) == before) return;
    rename(node, key(before), "key");
  } else if (where.key == "labels" && before.find('=') != std::string::npos) {  // "k8s:app=cart", of a CiliumEndpoint
    const auto equals = before.find('=');
    node.text = key(before.substr(0, equals)) + "=" + text(before.substr(equals + 1));
  } else if (where.key == "labels" && where.parent == "identity") {  // one without a value
    node.text = key(before);
  } else if (is_port(where.key, where.parent)) {
    if (is_port_number(before)) return;
    rename(node, port(before), "port");
  } else {
    if (is_dns(where.key)) rename(node, text(lower(before), Form::Dns), "DNS name");
    else if (is_long_name(where)) rename(node, text(before, Form::Name), "workload");
    else rename(node, text(before), "label");
  }
  node.plain = false;
  any_depth_ = any_depth_ || (is_dns(where.key) && (before.starts_with("**.") || (where.key == "domainNames" && before.starts_with("*."))));
  if (where.key == "matchPattern") patterns_ += before.find_first_not_of("*.") != std::string::npos && (before.find('*', 1) != std::string::npos || (before.front() == '*' && before.size() > 1 && before[1] != '.' && before[1] != '*')) ? 1 : 0;
}

void Redactor::mapping(Node& node, const Where& where) {
  const bool map = where.key == "matchLabels" || where.key == "labels" || where.key == "selector" || where.key == "security-labels";
  const bool labels = map && std::all_of(node.entries.begin(), node.entries.end(), [](const auto& entry) { return entry.second.is_scalar() || entry.second.is_null(); });
  // Own words of a policy. Labels may be called like these, and like any other field.
  if (where.key == "spec" || where.key == "specs") std::erase_if(node.entries, [](const auto& entry) { return entry.first.text == "description" || entry.first.text == "log"; });
  if (where.key == "ownerReferences") {
    const Node* kind = find(node, "kind");
    of_job_ = kind != nullptr && kind->text == "Job";
  }
  for (auto& [key, value] : node.entries) {
    if (labels) {
      if (const std::string now = this->key(key.text); now != key.text) rename(key, now, "key"), key.plain = false;
    } else if (kept_keys().count(key.text) != 0) {
      expressions_ += is_expression(key.text) ? 1 : 0;
      continue;
    }
    this->node(value, {labels ? "label" : key.text, where.key});
  }
}

void Redactor::node(Node& node, const Where& where) {
  if (node.is_scalar()) return scalar(node, where);
  if (node.is_mapping()) return mapping(node, where);
  // An item of a list of labels has fields, which are no labels.
  for (Node& item : node.items) this->node(item, where.key == "labels" && item.is_mapping() ? Where{"item", "labels"} : where);
}

Redaction Redactor::redact(frontend::Kept& kept) {
  const std::size_t tests = static_cast<std::size_t>(std::count_if(kept.objects.begin(), kept.objects.end(), [](const auto& one) { return one.group == KeptGroup::Tests; }));
  std::erase_if(kept.objects, [](const auto& one) { return one.group == KeptGroup::Tests; });
  bool patterns_of_labels = false;
  for (frontend::KeptObject& object : kept.objects) {
    object.text.reset();
    Node* metadata = find(object.node, "metadata");
    if (object.group == KeptGroup::Config) {
      if (metadata != nullptr) node(*metadata, {"metadata", ""});
      Node* data = find(object.node, "data");
      Node* name = data == nullptr ? nullptr : find(*data, "cluster-name");
      if (name != nullptr) scalar(*name, {"cluster-name", "data"});
      patterns_of_labels = patterns_of_labels || (data != nullptr && find(*data, "labels") != nullptr);
      continue;
    }
    // The name of a CiliumIdentity is its number.
    Node* name = metadata == nullptr ? nullptr : find(*metadata, "name");
    const std::string number = object.kind == "CiliumIdentity" && name != nullptr ? name->text : "";
    const bool of_pods = object.group == KeptGroup::Pods || object.group == KeptGroup::CiliumEndpoints || object.group == KeptGroup::Workloads;
    long_names_ = of_pods && object.kind != "Job";
    node(object.node, {});
    if (number.empty()) continue;
    name->text = number;
    out_.renamed.erase(number);
  }
  const auto warn = [&](bool when, const std::string& text) {
    if (when) out_.warnings.push_back(text);
  };
  warn(expressions_ != 0, std::to_string(expressions_) + " methods, paths, hosts and headers are left as they are: they are regular expressions, or matched by some");
  warn(patterns_ != 0, std::to_string(patterns_) + " patterns of names have `*` beside other letters or within: what they match may differ");
  warn(shortened_ && any_depth_, "DNS names of many parts had to be shortened: patterns for names of any number of parts may no longer match them");
  warn(patterns_of_labels, "the option `labels` is left as it is: it has patterns of the keys of labels");
  warn(tests != 0, std::to_string(tests) + " ReachabilityTests are left out");
  return std::move(out_);
}

}  // namespace netpolc::compiler::import
