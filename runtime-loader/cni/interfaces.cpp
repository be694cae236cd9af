#include "runtime-loader/cni/interfaces.h"

#include <algorithm>
#include <arpa/inet.h>

namespace netpolc::cni {
namespace {

using Json = nlohmann::ordered_json;

std::string member(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& list(const Json& result, const char* key) {
  static const Json none = Json::array();
  const auto found = result.find(key);
  return found != result.end() && found->is_array() ? *found : none;
}

// Place of the container's interface in the list, or its size.
std::size_t place_of(const Json& interfaces, const std::string& netns, const std::string& ifname) {
  std::vector<std::size_t> same_name;
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    const std::string sandbox = member(interfaces[i], "sandbox");
    if (sandbox.empty() || member(interfaces[i], "name") != ifname) continue;
    if (sandbox == netns) return i;
    same_name.push_back(i);
  }
  return same_name.size() == 1 ? same_name.front() : interfaces.size();  // a path may have two names
}

tl::expected<void, Error> add_addresses(const Json& ips, std::size_t place, PodInterface& out) {
  for (const Json& ip : ips) {
    const auto of = ip.is_object() ? ip.find("interface") : ip.end();
    if (of != ip.end() && of->is_number_integer() && (of->get<std::int64_t>() < 0 || static_cast<std::size_t>(of->get<std::int64_t>()) != place)) continue;
    const std::string prefix = member(ip, "address"), address = prefix.substr(0, prefix.find('/'));
    unsigned char bytes[16];
    if (inet_pton(AF_INET, address.c_str(), bytes) == 1) out.ipv4.push_back(address);
    else if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) out.ipv6.push_back(address);
    else return fail(Code::InvalidConfig, "`prevResult.ips` has an address `" + prefix + "`");
  }
  return {};
}

}  // namespace

Result<PodInterface> pod_interface(const Json& result, const std::string& netns, const std::string& ifname, const PeerOf& peer) {
  const Json& interfaces = list(result, "interfaces");
  const std::size_t place = place_of(interfaces, netns, ifname);
  if (place == interfaces.size())
    return fail(Code::InvalidConfig, "`prevResult.interfaces` has no `" + ifname + "` in the container", "the plugin before must say which interface it made: one with `sandbox` " + netns);
  auto found = peer(netns, ifname);
  if (!found) return tl::make_unexpected(found.error());
  PodInterface out;
  out.host_end = std::move(*found);
  std::string listed;
  bool is_listed = false;
  for (const Json& one : interfaces) {
    if (!member(one, "sandbox").empty()) continue;
    const std::string name = member(one, "name");
    is_listed |= name == out.host_end;
    listed += (listed.empty() ? "" : ", ") + name;
  }
  if (!listed.empty() && !is_listed)
    return fail(Code::InvalidConfig, "the other end of `" + ifname + "` is `" + out.host_end + "`, which `prevResult.interfaces` does not list", "interfaces of the host there: " + listed);
  if (const auto added = add_addresses(list(result, "ips"), place, out); !added) return tl::make_unexpected(added.error());
  return out;
}

}  // namespace netpolc::cni
