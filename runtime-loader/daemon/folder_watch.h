// runtime-loader/daemon/folder_watch.h — files that come, change and go in a set of directories (inotify).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::daemon {

class FolderWatch {
 public:
  static Result<FolderWatch> open();
  int fd() const { return inotify_.get(); }

  // These and no others from now on. What can't be watched (it is gone, or there are too many) is said in the count.
  std::size_t watch_only(const std::vector<std::string>& folders);

  struct Change {
    std::string folder, name;  // name "": the folder itself
    bool written = false;      // a whole file came into its place: closed after writing, or renamed to it
    bool created = false;      // it is there, and may be empty yet
  };
  struct Seen {
    std::vector<Change> changes;
    bool lost = false;  // the kernel had more to tell than there was room for
  };
  Seen drain();

 private:
  Fd inotify_;
  std::map<int, std::string> folders_;
};

}  // namespace netpolc::loader::daemon
