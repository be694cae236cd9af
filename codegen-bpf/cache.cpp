#include "codegen-bpf/cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace netpolc::codegen_bpf {
namespace {

namespace fs = std::filesystem;

// An entry is a line with the checksum of all that follows. That of an object has a line with the numbers of
// instructions, and the object.
constexpr std::string_view kFormat = "netpolc object 1 ";
constexpr std::size_t kChecksum = 64;

tl::unexpected<Failure> refused(const std::string& directory, const std::string& why) {
  return tl::make_unexpected(Failure{"the cache " + directory + ": " + why});
}

std::string name_of(const Emitted& emitted) {
  static const std::string maker = sha256_hex(translator() + "\n" + sha256_hex(runtime_object()));
  return sha256_hex(maker + "\n" + emitted.c);
}

// The name belongs to it: an entry that was renamed does not fit.
std::string checksum(const std::string& name, std::string_view content) { return sha256_hex(name + "\n" + sha256_hex(content)); }

std::optional<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return std::nullopt;
  std::string out(static_cast<std::size_t>(std::max<std::streamoff>(0, in.tellg())), '\0');
  in.seekg(0).read(out.data(), static_cast<std::streamsize>(out.size()));
  if (!in) return std::nullopt;
  return out;
}

std::optional<Instructions> read_instructions(std::string_view line) {
  Instructions out;
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, out.programs);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, out.subprograms);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return out;
}

}  // namespace

Result<ObjectCache> ObjectCache::open(const std::string& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) {
    fs::create_directories(fs::path(directory).parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return refused(directory, std::strerror(errno));
  }
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return refused(directory, std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return refused(directory, "it is no directory");
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused(directory, "others may write to it, and what lies in it becomes programs in the kernel; give a directory that only you may write to (chmod go-w)");
  return ObjectCache(directory);
}

std::string ObjectCache::path_of(const Emitted& emitted) const { return path_of(name_of(emitted)); }

std::optional<std::string> ObjectCache::find(const std::string& name) const {
  const auto entry = read_file(path_of(name));
  if (!entry || !entry->starts_with(kFormat) || entry->size() <= kFormat.size() + kChecksum) return std::nullopt;
  const std::string_view rest = std::string_view(*entry).substr(kFormat.size());
  const std::string_view content = rest.substr(kChecksum + 1);
  if (rest.substr(0, kChecksum) != checksum(name, content)) return std::nullopt;
  return std::string(content);
}

void ObjectCache::keep(const std::string& name, const std::string& content) const {
  static std::atomic<unsigned> number = 0;
  const fs::path path = path_of(name);
  const fs::path temporary = path.string() + ".writing-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
  std::error_code error;
  fs::create_directory(path.parent_path(), error);
  std::ofstream out(temporary, std::ios::binary);
  out << kFormat << checksum(name, content) << "\n" << content;
  out.close();
  if (out) fs::rename(temporary, path, error);
  if (!out || error) fs::remove(temporary, error);
}

std::optional<Object> ObjectCache::find(const Emitted& emitted) const {
  const auto content = find(name_of(emitted));
  const std::size_t line = content ? content->find('\n') : std::string::npos;
  if (line == std::string::npos) return std::nullopt;
  const auto instructions = read_instructions(std::string_view(*content).substr(0, line));
  if (!instructions) return std::nullopt;
  return Object{content->substr(line + 1), *instructions};
}

void ObjectCache::keep(const Emitted& emitted, const Object& object) const {
  keep(name_of(emitted), std::to_string(object.instructions.programs) + " " + std::to_string(object.instructions.subprograms) + "\n" + object.bytes);
}

}  // namespace netpolc::codegen_bpf
