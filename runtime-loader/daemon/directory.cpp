#include "runtime-loader/daemon/directory.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime-loader/bundle.h"
#include "runtime-loader/bundle_limits.h"
#include "runtime-loader/files.h"
#include "runtime-loader/sha256.h"

namespace netpolc::loader::daemon {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostFolders = 512, kMostFiles = 200'000;

void watch(std::vector<std::string>& folders, const std::string& path) {
  if (folders.size() < kMostFolders && std::find(folders.begin(), folders.end(), path) == folders.end()) folders.push_back(path);
}

// What tells whether any file below `path` is another than before.
std::string content_of(const std::string& path, std::vector<std::string>& folders) {
  std::vector<std::string> lines;
  std::error_code error;
  watch(folders, path);
  for (fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, error), end; !error && it != end && lines.size() < kMostFiles; it.increment(error)) {
    struct stat info {};
    if (lstat(it->path().c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) watch(folders, it->path().string());
    std::ostringstream line;
    line << it->path().string() << ' ' << info.st_ino << ' ' << info.st_size << ' ' << info.st_mtim.tv_sec << '.' << info.st_mtim.tv_nsec << ' '
         << info.st_ctim.tv_sec << '.' << info.st_ctim.tv_nsec << '\n';
    lines.push_back(line.str());
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line;
  return sha256_hex(all);
}

// What the manifest says of itself. Of what may be megabytes the digest and the names of files alone are kept.
Result<std::string> digest_of(const std::string& path) {
  const auto text = read_beneath(path, "bundle.json", kManifestLimit);
  if (!text) return tl::make_unexpected(text.error());
  bool wanted = false;
  const auto keep = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth == 1 && event == Json::parse_event_t::key) return wanted = value == "digest" || value == "files";
    return depth == 0 || wanted;
  };
  const Json json = Json::parse(*text, keep, false);
  const bool whole = json.is_object() && json.contains("digest") && json["digest"].is_string() && json.contains("files") && json["files"].is_object();
  if (!whole || json["digest"].get_ref<const std::string&>().size() != 64) return bad_input(path + "/bundle.json is not complete");
  std::size_t missing = 0;
  for (const auto& [file, sum] : json["files"].items()) {
    if (!is_plain_path(file)) continue;  // the load will refuse it, and say so
    std::error_code error;
    missing += !fs::is_regular_file(fs::symlink_status(path + "/" + file, error));
  }
  if (missing != 0) return bad_input(path + ": " + std::to_string(missing) + " of " + std::to_string(json["files"].size()) + " files that bundle.json lists are not there");
  return json["digest"].get<std::string>();
}

BundleSeen see_bundle(const std::string& path, std::vector<std::string>& folders) {
  BundleSeen seen;
  seen.path = path;
  seen.content = content_of(path, folders);
  const auto digest = digest_of(path);
  if (digest)
    seen.digest = *digest;
  else
    seen.problem = digest.error().message;
  return seen;
}

BundleSeen see_current(const std::string& current, std::vector<std::string>& folders) {
  std::error_code error;
  const fs::path target = fs::canonical(current, error);
  if (error) return {"", "", "", current + " leads nowhere: " + error.message()};
  if (!fs::is_directory(target, error)) return {"", "", "", current + " is no directory"};
  return see_bundle(target.string(), folders);
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == 8) return out + " and " + std::to_string(names.size() - i) + " more";
    out += (i == 0 ? "" : ", ") + names[i];
  }
  return out;
}

}  // namespace

DirectorySeen look_at_directory(const std::string& directory) {
  DirectorySeen out;
  watch(out.folders, directory);
  std::error_code error;
  std::vector<std::string> bundles;
  fs::directory_iterator it(directory, error);
  for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name.starts_with(".") || name == "current" || !it->is_directory(ignored)) continue;
    watch(out.folders, it->path().string());
    if (fs::exists(it->path() / "bundle.json", ignored)) bundles.push_back(name);
  }
  std::sort(bundles.begin(), bundles.end());
  const std::string current = directory + "/current";
  std::error_code none;
  if (error)
    out.bundle.problem = directory + ": " + error.message();
  else if (fs::symlink_status(current, none).type() != fs::file_type::not_found)
    out.bundle = see_current(current, out.folders);
  else if (bundles.size() > 1)
    out.bundle.problem = directory + " holds several bundles (" + joined(bundles) + ") and no `current` that says which one is wanted";
  else if (bundles.size() == 1)
    out.bundle = see_bundle(directory + "/" + bundles.front(), out.folders);
  const fs::path list = fs::canonical(directory + "/" + kListName, none);
  if (!none) watch(out.folders, list.parent_path().string());
  return out;
}

Result<AttachRequest> parse_endpoint(const std::string& line, std::size_t& column) {
  column = 1;
  std::vector<std::string> labels;
  constexpr int kDepth = 4;
  bool nested = false;
  Json json;
  try {
    json = Json::parse(line, [&](int depth, Json::parse_event_t, Json&) { return !(nested = nested || depth > kDepth); });
  } catch (const Json::parse_error& error) {
    column = std::max<std::size_t>(error.byte, 1);
    return bad_input("no JSON");
  }
  if (nested) return bad_input("expected an object of strings, and lists of them");
  if (!json.is_object()) return bad_input("expected a JSON object");
  const auto at = [&](const std::string& key) { column = std::min(line.find("\"" + key + "\""), line.size() - 1) + 1; };
  if (const auto found = json.find("labels"); found != json.end()) {
    at("labels");
    if (!found->is_array()) return bad_input("`labels`: expected a list of strings");
    for (const Json& label : *found) {
      if (!label.is_string()) return bad_input("`labels`: expected a list of strings");
      labels.push_back(label.get<std::string>());
    }
    json.erase("labels");
  }
  auto request = parse_attach_lines(json.dump(), "");
  if (request && request->size() == 1) {
    request->front().labels = std::move(labels);
    return std::move(request->front());
  }
  std::string message = request ? "expected one endpoint" : request.error().message;
  if (message.starts_with(":1: ")) message = message.substr(4);
  // The field that the message speaks of is in backticks, or is what it begins with.
  column = 1;
  for (const char* key : {"ifname", "endpoint", "ipv4", "ipv6", "netns", "audit"})
    if (message.find("`" + std::string(key) + "`") != std::string::npos) at(key);
  if (message.starts_with("endpoint `") && json.contains("endpoint")) at("endpoint");
  if (message.ends_with("is no name of an interface") && json.contains("ifname")) at("ifname");
  if (message.starts_with("unknown field `")) at(message.substr(15, message.size() - 16));
  return bad_input(message);
}

Result<std::vector<AttachRequest>> parse_endpoint_list(const std::string& text, const std::string& name) {
  std::vector<AttachRequest> out;
  std::map<Place, std::size_t> lines;
  std::size_t number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    std::string line = text.substr(from, to - from);
    from = to + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::size_t column = 1;
    auto request = parse_endpoint(line, column);
    const auto place = [&] { return name + ":" + std::to_string(number) + ":" + std::to_string(column) + ": "; };
    if (!request) return bad_input(place() + request.error().message);
    const auto [other, fresh] = lines.emplace(place_of(*request), number);
    if (!fresh) return bad_input(place() + "line " + std::to_string(other->second) + " speaks of interface `" + request->ifname + "` already");
    request->origin = "list";
    out.push_back(std::move(*request));
  }
  return out;
}

}  // namespace netpolc::loader::daemon
