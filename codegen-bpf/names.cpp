#include "codegen-bpf/names.h"

#include <set>

namespace netpolc::codegen_bpf {
namespace {

constexpr std::size_t kLongestName = 56;

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Words that say nothing to someone who reads a policy.
std::string without_noise(std::string text) {
  for (const std::string_view noise : {"k8s:io.kubernetes.pod.", "k8s:io.cilium.k8s.policy.", "k8s:io.cilium.k8s.", "any:", "k8s:", "io.kubernetes.pod.", " in ", " exists"})
    for (std::size_t at = text.find(noise); at != std::string::npos; at = text.find(noise, at)) text.replace(at, noise.size(), " ");
  return text;
}

std::string upper_snake(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (alphanumeric(c)) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    else if (!out.empty() && out.back() != '_') out += '_';
    if (out.size() >= kLongestName) break;
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

}  // namespace

std::vector<std::string> peer_names(const std::vector<ir::PeerBit>& bits, std::string_view prefix) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (std::size_t bit = 0; bit < bits.size(); ++bit) {
    std::string name = std::string(prefix) + "_" + (bit == 0 ? "EVERYONE" : upper_snake(without_noise(bits[bit].text)));
    if (name.back() == '_') name += "PEER";
    if (taken.count(name)) name += "_BIT" + std::to_string(bit);
    while (!taken.insert(name).second) name += "_";
    names.push_back(std::move(name));
  }
  return names;
}

std::string comment_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool printable = c >= ' ' && c != 0x7f;
    const bool closes = !out.empty() && ((out.back() == '*' && c == '/') || (out.back() == '/' && c == '*'));
    if (closes) out += ' ';
    out += printable ? c : '?';
  }
  if (!out.empty() && out.back() == '*') out += ' ';
  return out;
}

}  // namespace netpolc::codegen_bpf
