// runtime-loader/daemon/links.h — interfaces that come and go.
#pragma once
#include <map>
#include <set>

#include "runtime-loader/daemon/decide.h"
#include "runtime-loader/fd.h"
#include "runtime-loader/result.h"

namespace netpolc::loader::daemon {

// Tells that something about interfaces of our own network namespace has changed (rtnetlink's RTNLGRP_LINK).
class LinkWatch {
 public:
  static Result<LinkWatch> open();
  int fd() const { return socket_.get(); }
  struct Seen {
    bool lost = false;  // the kernel had more to tell than there was room for
  };
  // Takes what was told. What it says is not looked at: interfaces are asked for again, by name.
  Seen drain() const;

 private:
  Fd socket_;
};

// Those of `places` that are there now. Each namespace is entered once. Unknown: those that the kernel said nothing
// of, for want of memory, descriptors or privileges; they may be there or not.
struct Links {
  std::map<Place, LinkId> there;
  std::set<Place> unknown;
};
Links links_at(const std::set<Place>& places);

}  // namespace netpolc::loader::daemon
