#include "compiler/import/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "frontend/archive/compressed.h"
#include "frontend/discover.h"
#include "frontend/yaml/write.h"

namespace netpolc::compiler::import {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Failure> failure(const std::string& path, const std::string& why) { return tl::unexpected(Failure{path + ": " + why}); }

void append(std::string& to, const frontend::KeptObject& object) {
  if (!to.empty()) to += "---\n";
  to += object.text ? *object.text : frontend::to_yaml(object.node);
}

}  // namespace

std::map<std::string, std::string> as_files(const frontend::Kept& kept) {
  std::map<std::string, std::string> out;
  for (const frontend::KeptObject& object : kept.objects) append(out[frontend::file_of(object.group)], object);
  return out;
}

std::string as_one_file(const frontend::Kept& kept) {
  std::string out;
  for (const frontend::KeptObject& object : kept.objects) append(out, object);
  return out;
}

bool is_file_name(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

Result<bool> write_file(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return failure(path, errno != 0 ? std::strerror(errno) : "it cannot be written");
  return true;
}

Result<bool> write_secret_file(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return failure(path, std::strerror(errno));
  struct stat status{};
  const bool good = fstat(file, &status) == 0 && (!S_ISREG(status.st_mode) || fchmod(file, S_IRUSR | S_IWUSR) == 0);
  const int why = errno;
  ::close(file);
  return good ? write_file(path, text) : failure(path, std::strerror(why));
}

Result<bool> write_directory(const std::string& path, const std::map<std::string, std::string>& files) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failure(path, error.message());
  fs::recursive_directory_iterator entry(path, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    const std::string name = fs::relative(entry->path(), path).string();
    const std::string& found = entry->path().native();
    if (frontend::is_manifest(frontend::is_compressed(found) ? frontend::uncompressed_name(found) : found) && files.count(name) == 0)
      return failure(path, "`" + name + "` is in it, which would be read along with what is imported; give a directory of its own");
  }
  if (error) return failure(path, error.message());
  for (const auto& [name, text] : files)
    if (auto written = write_file((fs::path(path) / name).string(), text); !written) return written;
  return true;
}

}  // namespace netpolc::compiler::import
