// compiler/watcher.h — tells when files of an input may have changed, by inotify.
//
// What is looked at is names: each file and directory that was named, every link and directory on the way to it, all directories
// below a named one, and where links among their manifests lead. So what is written in place, put in place by a rename (as editors
// do), moved, removed, or there for the first time is seen. That something changed is all that is said: the input is read again.
#pragma once
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

struct inotify_event;

namespace netpolc::compiler {

class Watcher {
 public:
  // `inputs`: files and directories, whose manifests count; `files`: what else is read.
  Watcher(std::vector<std::string> inputs, std::vector<std::string> files) : inputs_(std::move(inputs)), files_(std::move(files)) {}
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Before each reading, as directories come and go: what happens from then on wakes wait(). Fails where the system has no watches left.
  Result<bool> look();
  // Returns when something happened, and then nothing for a few milliseconds. False: nobody reads stdout any more.
  Result<bool> wait();

 private:
  // What counts of the names in a directory.
  struct Directory {
    bool input = false;  // manifests, and directories
    std::set<std::string> names;
  };

  Directory* watch(const std::filesystem::path& directory);
  void follow(const std::filesystem::path& path);
  void look_below(const std::filesystem::path& directory);
  bool read_events();
  bool concerns(const inotify_event& event) const;

  const std::vector<std::string> inputs_, files_;
  int queue_ = -1;
  std::map<int, Directory> directories_;  // by watch
  std::string refused_;                   // what could not be watched for want of watches
};

}  // namespace netpolc::compiler
