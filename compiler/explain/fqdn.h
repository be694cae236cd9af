// compiler/explain/fqdn.h — how Cilium reads a name or a pattern of names (semantics reference 7.3), and why a name matches one
// or doesn't. Whether it does is the interpreter's word (ir/eval/fqdn.h); this says so in words.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/explain/why.h"

namespace netpolc::explain {

// "" where the text is a name or a pattern, else what is expected.
std::string bad_name(std::string_view text);
// A text with a `*` is a pattern, any other a name.
ir::FqdnPeer selector_of(const std::string& text);
const std::string& text_of(const ir::FqdnPeer& selector);
const char* field_of(const ir::FqdnPeer& selector);  // "matchName"

// The regular expression that Cilium matches lower-case names with, which have their final dot. Of `toFQDNs`, or of `rules.dns`.
enum class NamesOf : std::uint8_t { ToFqdns, DnsRule };
std::string regex_of(const ir::FqdnPeer& selector, ir::CiliumVersion version, NamesOf what = NamesOf::ToFqdns);

// Why the name does not match; "" where it does.
std::string why_not(const ir::FqdnPeer& selector, const std::string& name, ir::CiliumVersion version);

struct NameExample {
  std::string name, why_not;  // "": it matches
};
// Names that match, and near misses; at most a handful of each, the ones that match first.
std::vector<NameExample> examples(const ir::FqdnPeer& selector, ir::CiliumVersion version);

struct VersionSpan {
  ir::CiliumVersion first = 16, last = 20;
  std::string regex;
};
std::vector<VersionSpan> versions(const ir::FqdnPeer& selector);

}  // namespace netpolc::explain
