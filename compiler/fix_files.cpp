#include "compiler/fix_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "frontend/archive/compressed.h"

namespace netpolc::compiler {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Failure> failure(const std::string& path, const std::string& why) { return tl::unexpected(Failure{path + ": " + why}); }

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Beside `path`, with its mode and, where that is allowed, its owner; then in its place.
Result<bool> replace(const std::string& path, const std::string& shown, const struct stat& before, std::string_view text) {
  std::string fresh = (fs::path(path).parent_path() / ("." + fs::path(path).filename().string() + ".XXXXXX")).string();
  const int file = mkstemp(fresh.data());
  if (file < 0) return failure(shown, std::string("no file can be made beside it: ") + std::strerror(errno));
  (void)!fchown(file, before.st_uid, before.st_gid);
  const bool good = fchmod(file, before.st_mode & 07777) == 0 && write_all(file, text) && fsync(file) == 0;
  const int why = errno;
  close(file);
  if (good && std::rename(fresh.c_str(), path.c_str()) == 0) return true;
  const int reason = good ? errno : why;
  unlink(fresh.c_str());
  return failure(shown, std::string("cannot be written: ") + std::strerror(reason));
}

// `shown`: as it was given.
Result<bool> write_one(const std::string& path, const std::string& shown, std::string_view read, const std::vector<FixIt>& edits) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return failure(shown, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return failure(shown, "is no regular file, and so cannot be fixed");
  std::ifstream in(path, std::ios::binary);
  const std::string now{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return failure(shown, "cannot be read again");
  if (now != read) return failure(shown, "has changed since it was read, and is left alone");
  return replace(path, shown, status, lint::with_edits(read, edits));
}

}  // namespace

bool can_be_fixed(const std::string& path) {
  if (frontend::is_compressed(path)) return false;
  for (fs::path above = fs::path(path).parent_path(); above.has_relative_path(); above = above.parent_path())
    if (std::error_code error; frontend::is_archive(above.string()) && !fs::is_directory(above, error)) return false;
  return true;
}

Result<std::size_t> write_fixes(const std::vector<lint::FixedFile>& fixed, const SourceManager& sources) {
  std::size_t findings = 0;
  std::set<std::string> done;  // a file may have been given twice
  for (const lint::FixedFile& one : fixed) {
    std::error_code error;
    const std::string path = fs::canonical(sources.path(one.file), error).string();
    if (error) return failure(sources.path(one.file), error.message());
    if (!done.insert(path).second) continue;
    const auto written = write_one(path, sources.path(one.file), sources.text(one.file), one.edits);
    if (!written) return tl::unexpected(written.error());
    findings += one.findings;
  }
  return findings;
}

}  // namespace netpolc::compiler
