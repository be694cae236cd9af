// gzip is inflated by zlib, as libarchive passes over its checksum, and gzread() over all that it cannot read after a first member; the rest by libarchive's raw format.
#include "frontend/archive/compressed.h"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>

namespace netpolc::frontend {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;

tl::unexpected<Failure> failure(const std::string& path, const std::string& why) { return tl::unexpected(Failure{path + ": " + why}); }

// Reads up to kBlock bytes into the buffer: how many, 0 at the end, less than 0 where it is damaged.
using ReadBlock = std::function<long(char*)>;

// False: there is more than `most`.
bool read_blocks(const ReadBlock& read, std::uint64_t most, std::string& text, long& last) {
  std::string block(kBlock, '\0');
  while ((last = read(block.data())) > 0) {
    text.append(block, 0, static_cast<std::size_t>(last));
    if (text.size() > most) return false;
  }
  return true;
}

Result<std::string> too_large(const std::string& path, std::uint64_t most) { return failure(path, "what it has is larger than " + std::to_string(most) + " bytes"); }

// Members, one after another to the end of the file; what is none is damage.
Result<std::string> read_gzip(const std::string& path, std::uint64_t most) {
  struct Close {
    void operator()(std::FILE* one) const { std::fclose(one); }
    void operator()(z_stream* one) const { inflateEnd(one); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) return failure(path, std::strerror(errno));
  constexpr int kGzip = 15 + 16;  // the largest window, and gzip's header alone
  z_stream state{};
  if (inflateInit2(&state, kGzip) != Z_OK) return failure(path, "there is no memory to read it");
  const std::unique_ptr<z_stream, Close> end(&state);
  std::string in(kBlock, '\0'), out(kBlock, '\0'), text;
  bool begun = false;
  for (std::size_t size; (size = std::fread(in.data(), 1, kBlock, file.get())) > 0;) {
    if (!begun && !in.starts_with("\x1f\x8b")) return failure(path, "it is not compressed with gzip");
    begun = true;
    state.next_in = reinterpret_cast<unsigned char*>(in.data());
    state.avail_in = static_cast<unsigned>(size);
    do {
      state.next_out = reinterpret_cast<unsigned char*>(out.data());
      state.avail_out = static_cast<unsigned>(kBlock);
      const int done = inflate(&state, Z_NO_FLUSH);
      text.append(out, 0, kBlock - state.avail_out);
      if (text.size() > most) return too_large(path, most);
      if (done == Z_STREAM_END) inflateReset(&state);
      else if (done != Z_OK && done != Z_BUF_ERROR) return failure(path, std::string("it is damaged: ") + (state.msg != nullptr ? state.msg : "it cannot be inflated"));
    } while (state.avail_in != 0 || state.avail_out == 0);
  }
  if (std::ferror(file.get()) != 0) return failure(path, std::strerror(errno));
  if (!begun) return failure(path, "it is not compressed with gzip");
  // A reset begins to count anew.
  return state.total_in == 0 ? Result<std::string>(std::move(text)) : failure(path, "it is cut short");
}

std::string said(archive* one) {
  const char* text = archive_error_string(one);
  return text != nullptr ? text : "it is damaged";
}

Result<std::string> read_raw(const std::string& path, std::uint64_t most) {
  struct Close {
    void operator()(archive* one) const { archive_read_free(one); }
  };
  const std::unique_ptr<archive, Close> from(archive_read_new());
  archive_read_support_format_raw(from.get());
  archive_read_support_format_empty(from.get());
  if (path.ends_with(".xz")) archive_read_support_filter_xz(from.get());
  else archive_read_support_filter_zstd(from.get());
  if (archive_read_open_filename(from.get(), path.c_str(), kBlock) != ARCHIVE_OK) return failure(path, said(from.get()));
  archive_entry* entry = nullptr;
  const int header = archive_read_next_header(from.get(), &entry);
  if (header != ARCHIVE_OK && header != ARCHIVE_WARN && header != ARCHIVE_EOF) return failure(path, said(from.get()));
  if (archive_filter_code(from.get(), 0) == ARCHIVE_FILTER_NONE) return failure(path, std::string("it is not compressed with ") + (path.ends_with(".xz") ? "xz" : "zstd"));
  std::string text;
  if (header == ARCHIVE_EOF) return text;
  long last = 0;
  if (!read_blocks([&](char* to) { return static_cast<long>(archive_read_data(from.get(), to, kBlock)); }, most, text, last)) return too_large(path, most);
  if (last < 0) return failure(path, said(from.get()));
  return text;
}

constexpr const char* kEndings[] = {".gz", ".zst", ".xz"};

}  // namespace

bool is_compressed(const std::string& path) {
  if (is_archive(path)) return false;
  for (const char* ending : kEndings)
    if (path.ends_with(ending)) return true;
  return false;
}

std::string uncompressed_name(const std::string& path) { return path.substr(0, path.rfind('.')); }

Result<std::string> read_compressed(const std::string& path, const ArchiveLimits& limits) {
  return path.ends_with(".gz") ? read_gzip(path, limits.member) : read_raw(path, limits.member);
}

}  // namespace netpolc::frontend
