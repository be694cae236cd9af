#include "runtime-loader/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>

#include "runtime-loader/fd.h"

namespace netpolc::loader {
namespace {

// `limit` is in bytes.
Done read_pieces(const Fd& fd, const std::string& name, std::size_t limit, const TakePiece& take) {
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return bad_input(name + ": " + std::generic_category().message(errno));
  if (!S_ISREG(info.st_mode)) return bad_input(name + ": no regular file");
  std::size_t size = 0;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return bad_input(name + ": " + std::generic_category().message(errno));
    if (got == 0) return {};
    size += static_cast<std::size_t>(got);
    if (size > limit) return bad_input(name + ": larger than " + std::to_string(limit) + " bytes");
    take({buffer, static_cast<std::size_t>(got)});
  }
}

Result<std::string> whole(const std::function<Done(const TakePiece&)>& read) {
  std::string content;
  const Done done = read([&](std::string_view piece) { content.append(piece); });
  if (!done) return tl::make_unexpected(done.error());
  return content;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) return bad_input(path + ": " + std::generic_category().message(errno));
  return whole([&](const TakePiece& take) { return read_pieces(fd, path, limit, take); });
}

Result<std::string> read_beneath(const std::string& directory, const std::string& relative, std::size_t limit) {
  return whole([&](const TakePiece& take) { return read_beneath(directory, relative, limit, take); });
}

Done read_beneath(const std::string& directory, const std::string& relative, std::size_t limit, const TakePiece& take) {
  const std::string name = directory + "/" + relative;
  if (relative.empty() || relative.find('\0') != std::string::npos)
    return bad_input("a path in `" + directory + "` is empty or has a zero byte");
  const Fd base{open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!base) return bad_input(directory + ": " + std::generic_category().message(errno));
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const Fd fd{static_cast<int>(syscall(SYS_openat2, base.get(), relative.c_str(), &how, sizeof how))};
  if (!fd && (errno == EXDEV || errno == ELOOP))
    return bad_input(name + ": leads out of the bundle, or is a symbolic link");
  if (!fd) return bad_input(name + ": " + std::generic_category().message(errno));
  return read_pieces(fd, name, limit, take);
}

namespace {

Done write_new(const std::string& temporary, const std::string& path, const std::string& content) {
  const Fd fd{open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return refused("creating " + temporary, errno);
  for (std::size_t written = 0; written < content.size();) {
    const ssize_t step = write(fd.get(), content.data() + written, content.size() - written);
    if (step < 0) return refused("writing " + temporary, errno);
    written += static_cast<std::size_t>(step);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return refused("renaming " + temporary, errno);
  return {};
}

}  // namespace

Done write_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  const Done done = write_new(temporary, path, content);
  if (!done) unlink(temporary.c_str());
  return done;
}

}  // namespace netpolc::loader
