#include "runtime-loader/daemon/feed_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "runtime-loader/files.h"
#include "runtime-loader/json_field.h"

namespace netpolc::loader::daemon {
namespace {

constexpr std::size_t kLimit = 64u << 20;

std::string line_of(const FeedEndpoint& it, const std::string& boot) {
  nlohmann::ordered_json json{{"boot", boot},
                              {"ifindex", it.link.ifindex},
                              {"netnsInode", it.link.netns_inode},
                              {"endpoint", it.request.endpoint},
                              {"ifname", it.request.ifname},
                              {"netns", it.request.netns},
                              {"audit", it.request.audit},
                              {"labels", it.request.labels},
                              {"addresses", nlohmann::ordered_json::array()}};
  for (const Address& address : it.request.addresses) json["addresses"].push_back(address.to_string());
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

FeedEndpoint endpoint_of(const JsonField& json) {
  FeedEndpoint it;
  it.link = {static_cast<int>(json.at("ifindex").number(INT32_MAX)), json.at("netnsInode").number()};
  it.request.endpoint = json.at("endpoint").text();
  it.request.ifname = json.at("ifname").text();
  it.request.netns = json.at("netns").text();
  it.request.audit = json.at("audit").boolean();
  it.request.origin = "feed";
  json.at("labels").each([&](const JsonField& label) { it.request.labels.push_back(label.text()); });
  json.at("addresses").each([&](const JsonField& text) {
    const auto address = Address::parse(text.text());
    if (!address) text.fail("is no address");
    it.request.addresses.push_back(*address);
  });
  return it;
}

}  // namespace

std::string feed_path(const std::string& state_directory) { return state_directory + "/feed.jsonl"; }

Result<FeedRead> read_feed(const std::string& path, const std::string& boot) {
  FeedRead out;
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return out;
  const auto text = read_file(path, kLimit);
  if (!text) return tl::make_unexpected(text.error());
  for (std::size_t from = 0, number = 1; from < text->size(); ++number) {
    const std::size_t to = std::min(text->find('\n', from), text->size());
    const std::string line = text->substr(from, to - from);
    from = to + 1;
    try {
      const auto json = nlohmann::json::parse(line);
      const JsonField root(json);
      if (root.at("boot").text() != boot) continue;
      FeedEndpoint it = endpoint_of(root);
      out.endpoints[place_of(it.request)] = std::move(it);
    } catch (const std::exception& error) {
      out.bad.push_back(path + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return out;
}

Done write_feed(const std::string& path, const FeedEndpoints& endpoints, const std::string& boot) {
  std::string text;
  for (const auto& [place, it] : endpoints) text += line_of(it, boot);
  return write_file(path, text);
}

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 256);
  if (!text) return "unknown";
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *text;
}

}  // namespace netpolc::loader::daemon
