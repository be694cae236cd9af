#include "compiler/watcher.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "frontend/manifest_file.h"

namespace netpolc::compiler {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_ONLYDIR;
// One save is several events. Who writes all the time still gets an answer.
constexpr std::chrono::milliseconds kQuiet{5}, kLongest{50};
constexpr int kMostLinks = 40;

}  // namespace

Watcher::~Watcher() {
  if (queue_ >= 0) close(queue_);
}

// Null: it is not there, or is none of ours to look at; whoever names it watches the directory above.
Watcher::Directory* Watcher::watch(const fs::path& directory) {
  const int watch = inotify_add_watch(queue_, directory.c_str(), kEvents);
  if (watch >= 0) return &directories_[watch];
  if (errno == ENOSPC || errno == ENOMEM) refused_ = directory.string();
  return nullptr;
}

// Name by name, through links, as the kernel does: each could become something else.
void Watcher::follow(const fs::path& path) {
  std::deque<fs::path> rest(path.begin(), path.end());
  fs::path at = path.is_absolute() ? "/" : ".";
  for (int links = 0; !rest.empty();) {
    const fs::path name = rest.front();
    rest.pop_front();
    if (name.empty() || name == "." || name == "/") continue;
    const fs::path next = at / name;
    if (name != "..") {
      if (Directory* above = watch(at)) above->names.insert(name.string());
      std::error_code error;
      const fs::path target = fs::read_symlink(next, error);
      if (!error) {
        if (++links > kMostLinks) return;
        rest.insert(rest.begin(), target.begin(), target.end());
        if (target.is_absolute()) at = "/";
        continue;
      }
      if (!fs::is_directory(next, error)) return;
    }
    at = next;
  }
}

// As frontend/discover.h goes through it: links to directories are not followed.
void Watcher::look_below(const fs::path& top) {
  std::vector<fs::path> left{top};
  while (!left.empty()) {
    const fs::path directory = left.back();
    left.pop_back();
    Directory* watched = watch(directory);  // first, so that what is made while it is listed is an event
    if (watched != nullptr) watched->input = true;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code unknown;
      if (entry->is_symlink(unknown)) {
        if (frontend::is_manifest_file(entry->path().native())) follow(entry->path());
      } else if (entry->is_directory(unknown)) {
        left.push_back(entry->path());
      }
    }
  }
}

Result<bool> Watcher::look() {
  if (queue_ < 0) queue_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (queue_ < 0) return tl::unexpected(Failure{std::string("files cannot be watched: ") + std::strerror(errno)});
  const std::map<int, Directory> before = std::exchange(directories_, {});
  refused_.clear();
  for (const std::string& path : files_) follow(path);
  for (const std::string& path : inputs_) {
    follow(path);
    std::error_code error;
    if (fs::is_directory(path, error)) look_below(path);
  }
  for (const auto& [watch, directory] : before)
    if (directories_.count(watch) == 0) inotify_rm_watch(queue_, watch);
  if (refused_.empty()) return true;
  return tl::unexpected(Failure{refused_ + " cannot be watched: the system's limit is reached (fs.inotify.max_user_watches)"});
}

bool Watcher::concerns(const inotify_event& event) const {
  if ((event.mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0) return true;  // who knows what
  const auto found = directories_.find(event.wd);
  if (found == directories_.end() || (event.mask & IN_IGNORED) != 0) return false;
  if ((event.mask & IN_DELETE_SELF) != 0) return true;
  if (event.len == 0) return false;
  const std::string name = static_cast<const char*>(event.name);
  return found->second.names.count(name) != 0 || (found->second.input && ((event.mask & IN_ISDIR) != 0 || frontend::is_manifest_file(name)));
}

bool Watcher::read_events() {
  alignas(inotify_event) std::array<char, 65536> buffer;
  bool concerned = false;
  for (ssize_t size; (size = read(queue_, buffer.data(), buffer.size())) > 0;)
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      concerned |= concerns(*event);
      at += sizeof(inotify_event) + event->len;
    }
  return concerned;
}

Result<bool> Watcher::wait() {
  std::optional<Clock::time_point> since;
  for (;;) {
    std::array<pollfd, 2> files{{{queue_, POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
    const int ready = poll(files.data(), files.size(), since ? static_cast<int>(kQuiet.count()) : -1);
    if (ready < 0 && errno != EINTR) return tl::unexpected(Failure{std::string("files cannot be watched: ") + std::strerror(errno)});
    if (ready < 0) continue;
    if ((files[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return false;
    if (ready == 0) return true;
    if (read_events() && !since) since = Clock::now();
    if (since && Clock::now() - *since > kLongest) return true;
  }
}

}  // namespace netpolc::compiler
