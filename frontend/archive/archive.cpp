#include "frontend/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <map>
#include <memory>

namespace netpolc::frontend {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;

struct Close {
  void operator()(archive* one) const { archive_read_free(one); }
};
using Archive = std::unique_ptr<archive, Close>;

tl::unexpected<Failure> failure(const std::string& path, const std::string& why) { return tl::unexpected(Failure{path + ": " + why}); }

std::string said(archive* one) {
  const char* text = archive_error_string(one);
  return text != nullptr ? text : "it is damaged";
}

Archive opened(const std::string& path, std::string& problem) {
  Archive out(archive_read_new());
  archive_read_support_format_zip(out.get());
  archive_read_support_format_tar(out.get());
  archive_read_support_filter_gzip(out.get());
  archive_read_support_filter_xz(out.get());
  archive_read_support_filter_zstd(out.get());
  if (archive_read_open_filename(out.get(), path.c_str(), kBlock) != ARCHIVE_OK) problem = said(out.get());
  return out;
}

// Nothing is written to disk, but a name is printed, and an archive with such names is nobody's sysdump.
bool leads_outside(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos) return true;
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; })) return true;
  for (std::size_t at = 0; at <= name.size();) {
    const auto slash = std::min(name.find('/', at), name.size());
    if (name.compare(at, slash - at, "..") == 0) return true;
    at = slash + 1;
  }
  return false;
}

class Reader {
 public:
  Reader(const std::string& path, const std::function<bool(const std::string&)>& wanted, const ArchiveLimits& limits) : path_(path), wanted_(wanted), limits_(limits) {}

  Result<std::vector<Member>> read() {
    std::string problem;
    const Archive archive = opened(path_, problem);
    if (!problem.empty()) return failure(path_, problem);
    for (std::size_t number = 0;; ++number) {
      archive_entry* entry = nullptr;
      const int result = archive_read_next_header(archive.get(), &entry);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return failure(path_, said(archive.get()));
      if (number >= limits_.members) return failure(path_, "it has more than " + std::to_string(limits_.members) + " members");
      if (!member(archive.get(), entry, problem)) return failure(path_, problem);
    }
    std::vector<Member> out;
    for (auto& [name, text] : texts_) out.push_back({name, std::move(text)});
    return out;
  }

 private:
  // Links and directories are nothing to read.
  bool member(archive* from, archive_entry* entry, std::string& problem) {
    const char* shown = archive_entry_pathname(entry);
    if (shown == nullptr) shown = archive_entry_pathname_utf8(entry);
    if (shown == nullptr) {
      problem = "a member's name cannot be read";
      return false;
    }
    const std::string name = shown;
    if (leads_outside(name)) {
      problem = "a member's name leads outside of the archive";
      return false;
    }
    const bool regular = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
    if (!regular || !wanted_(name)) return true;
    if (archive_entry_is_encrypted(entry) != 0) {
      problem = "`" + name + "` is encrypted";
      return false;
    }
    std::string text;
    if (!content(from, name, text, problem)) return false;
    texts_[name] = std::move(text);
    return true;
  }

  // What a header says of a size is not believed: what comes out is counted.
  bool content(archive* from, const std::string& name, std::string& text, std::string& problem) {
    std::string block(kBlock, '\0');
    for (;;) {
      const auto got = archive_read_data(from, block.data(), block.size());
      if (got == 0) return true;
      if (got < 0) {
        problem = "`" + name + "` cannot be read: " + said(from);
        return false;
      }
      text.append(block, 0, static_cast<std::size_t>(got));
      bytes_ += static_cast<std::uint64_t>(got);
      if (text.size() <= limits_.member && bytes_ <= limits_.bytes) continue;
      problem = text.size() > limits_.member ? "`" + name + "` is larger than " + std::to_string(limits_.member) + " bytes" : "what it has is larger than " + std::to_string(limits_.bytes) + " bytes";
      return false;
    }
  }

  const std::string& path_;
  const std::function<bool(const std::string&)>& wanted_;
  const ArchiveLimits& limits_;
  std::map<std::string, std::string> texts_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

bool is_archive(const std::string& path) {
  for (const char* ending : {".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst"})
    if (path.ends_with(ending)) return true;
  return false;
}

Result<std::vector<Member>> read_archive(const std::string& path, const std::function<bool(const std::string&)>& wanted, const ArchiveLimits& limits) { return Reader(path, wanted, limits).read(); }

}  // namespace netpolc::frontend
