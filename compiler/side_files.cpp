#include "compiler/side_files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

namespace netpolc::compiler {
namespace {

using nlohmann::json;

tl::unexpected<Failure> failure(const std::string& path, const std::string& why) {
  return tl::unexpected(Failure{path + ": " + why});
}

std::string folded(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

Result<std::string> read_text(const std::string& path) {
  // A directory can be opened, and only reading fails: by an exception, or as if it were empty.
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return failure(path, std::strerror(EISDIR));
  std::ifstream in(path, std::ios::binary);
  if (!in) return failure(path, std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return failure(path, std::strerror(errno));
  return text;
}

Result<ir::Resolutions> read_resolutions(const std::string& path) {
  const auto whole = read_text(path);
  if (!whole) return tl::unexpected(whole.error());
  const json document = json::parse(*whole, nullptr, false);
  if (!document.is_object()) return failure(path, "expected a JSON object of names and lists of addresses");
  ir::Resolutions out;
  for (const auto& [name, addresses] : document.items()) {
    if (!addresses.is_array()) return failure(path, "`" + name + "` is no list of addresses");
    auto& known = out[folded(name)];
    for (const auto& text : addresses) {
      const auto address = text.is_string() ? IpAddress::parse(text.get<std::string>()) : std::nullopt;
      if (!address) return failure(path, "`" + name + "` resolves to " + text.dump() + ", which is no IP address");
      known.push_back(*address);
    }
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
  }
  return out;
}

Result<ir::IdentityLock> read_identity_lock(const std::string& path) {
  ir::IdentityLock lock;
  if (!std::filesystem::exists(path)) return lock;
  auto text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  std::istringstream in(std::move(*text));
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    const auto space = line.find(' ');
    std::uint32_t id = 0;
    const char* end = line.data() + std::min(space, line.size());
    const auto [stop, error] = std::from_chars(line.data(), end, id);
    if (space == std::string::npos || error != std::errc{} || stop != end)
      return failure(path + ":" + std::to_string(number), "expected a number, a space and labels");
    lock[line.substr(space + 1)] = id;
  }
  return lock;
}

Result<void> write_identity_lock(const std::string& path, const ir::IdentityLock& lock) {
  std::vector<std::pair<std::uint32_t, std::string>> lines;
  for (const auto& [labels, id] : lock) lines.emplace_back(id, labels);
  std::sort(lines.begin(), lines.end());
  const std::string fresh = path + ".new";
  {
    std::ofstream out(fresh);
    out << "# identity numbers: kept so that they stay the same; one identity a line\n";
    for (const auto& [id, labels] : lines) out << id << ' ' << labels << '\n';
    out.flush();
    if (!out) return failure(fresh, std::strerror(errno));
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return failure(path, std::strerror(errno));
  return {};
}

}  // namespace netpolc::compiler
