#include "runtime-loader/daemon/folder_watch.h"

#include <sys/inotify.h>

#include <array>
#include <cerrno>

namespace netpolc::loader::daemon {
namespace {

constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

}  // namespace

Result<FolderWatch> FolderWatch::open() {
  FolderWatch watch;
  watch.inotify_ = Fd{inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!watch.inotify_) return refused("watching directories", errno);
  return watch;
}

std::size_t FolderWatch::watch_only(const std::vector<std::string>& folders) {
  std::map<int, std::string> next;
  std::size_t failed = 0;
  for (const std::string& folder : folders) {
    // The same folder keeps its number; one made anew under the same name gets another.
    const int number = inotify_add_watch(inotify_.get(), folder.c_str(), kMask);
    if (number >= 0)
      next[number] = folder;
    else
      ++failed;
  }
  for (const auto& [number, folder] : folders_)
    if (!next.contains(number)) inotify_rm_watch(inotify_.get(), number);
  folders_ = std::move(next);
  return failed;
}

FolderWatch::Seen FolderWatch::drain() {
  Seen seen;
  alignas(inotify_event) std::array<char, 1 << 14> buffer;
  while (true) {
    const ssize_t got = read(inotify_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return seen;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) seen.lost = true;
      const auto folder = folders_.find(event->wd);
      if (folder == folders_.end() || (event->mask & IN_IGNORED) != 0) continue;  // no more of ours, or the echo of giving it up
      seen.changes.push_back({folder->second, event->len == 0 ? "" : event->name, (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0, (event->mask & IN_CREATE) != 0});
    }
  }
}

}  // namespace netpolc::loader::daemon
