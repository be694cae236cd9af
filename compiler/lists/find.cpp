#include "compiler/lists/find.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "compiler/label_selector.h"
#include "ir/eval/match.h"

namespace netpolc::compiler::lists {

bool is_number(const std::string& asked) { return !asked.empty() && std::all_of(asked.begin(), asked.end(), [](unsigned char c) { return c >= '0' && c <= '9'; }); }
bool is_selector(const std::string& asked) { return asked.find('=') != std::string::npos && asked.find('[') == std::string::npos; }

namespace {

Found by_number(const std::string& number, const ir::Identities& identities) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
  if (!is_number(number)) return tl::unexpected("`" + number + "` is no identity number");
  if (error != std::errc{} || identities.find(id) == nullptr) return tl::unexpected("no identity " + number + "; `netpolc identity list` shows all");
  return std::vector{id};
}

// It is no option here that is wrong: "-l: `a b` is none of …".
std::string without_option(const std::string& error) { return error.starts_with("-l: ") ? error.substr(4) : error; }

Found by_selector(const std::string& asked, const ir::Identities& identities) {
  const auto selector = label_selector(asked);
  if (!selector) return tl::unexpected(without_option(selector.error()));
  std::vector<std::uint32_t> out;
  for (const ir::Identity& identity : identities.all())
    if (ir::eval::matches(*selector, identity.labels)) out.push_back(identity.id);
  if (out.empty()) return tl::unexpected("no identity has the labels " + asked);
  return out;
}

// As others see it, none where that number is not known here.
std::optional<std::uint32_t> identity_of(const verify::End& end, const ir::Identities& identities) {
  switch (end.kind) {
    case verify::EndKind::Endpoint: return identities.of_endpoint(end.index);
    case verify::EndKind::Node: return identities.of_node(end.index);
    case verify::EndKind::Host: return 1;
    case verify::EndKind::Address: return identities.of_address(*end.address);
    case verify::EndKind::Reserved: break;
  }
  for (const ir::Identity& identity : identities.all())
    if (identity.labels == end.labels) return identity.id;
  return std::nullopt;
}

const char* what_it_is(verify::EndKind kind) {
  switch (kind) {
    case verify::EndKind::Node: return "a node, or in the network of one";
    case verify::EndKind::Host: return "the node of whoever is at the other end";
    case verify::EndKind::Address: return "an address outside of the cluster";
    case verify::EndKind::Endpoint: return "of another cluster, which has its policies";
    case verify::EndKind::Reserved: break;
  }
  return "an identity without pods here";
}

}  // namespace

Found find_identities(const std::string& asked, const ir::Identities& identities, const verify::Directory& directory) {
  if (is_number(asked)) return by_number(asked, identities);
  if (asked.starts_with("id:")) return by_number(asked.substr(3), identities);
  if (is_selector(asked)) return by_selector(asked, identities);
  const auto ends = directory.resolve(asked, std::nullopt);
  if (!ends) return tl::unexpected(ends.error().message);
  std::set<std::uint32_t> out;
  for (const verify::End& end : *ends)
    if (const auto id = identity_of(end, identities); id && identities.find(*id) != nullptr) out.insert(*id);
  if (out.empty()) return tl::unexpected("`" + asked + "` has no identity here");
  return std::vector(out.begin(), out.end());
}

Found find_endpoints(const std::string& asked, const verify::Directory& directory) {
  const auto ends = directory.resolve(asked, std::nullopt);
  if (!ends) return tl::unexpected(ends.error().message);
  std::set<std::uint32_t> out;
  for (const verify::End& end : *ends)
    if (end.kind == verify::EndKind::Endpoint && !directory.cluster().endpoints[end.index].remote) out.insert(end.index);
  if (!out.empty()) return std::vector(out.begin(), out.end());
  if (ends->empty()) return tl::unexpected("`" + asked + "` stands for nobody here");
  return tl::unexpected("`" + asked + "` is no endpoint: it is " + what_it_is(ends->front().kind));
}

}  // namespace netpolc::compiler::lists
