// runtime-loader/privileges.h — what the process may do, and no more.
//
// Putting policies into force takes CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (Linux 5.8 and later). Everything else is dropped before the
// first argument is looked at: effective, permitted, inheritable, ambient and bounding sets, and what programs with file capabilities
// could give back (no_new_privs). Files are reached by their owner and mode alone, as any user reaches his.
//
// CAP_SYS_ADMIN is for two things: mounting bpffs where it isn't, and entering a network namespace that `netns` names. A process that
// was started with it keeps it at hand (permitted, not effective) until it is known whether they are needed, raises it for these
// calls alone, and gives it up where they are not. A process that was started without it needs bpffs mounted and its interfaces
// in its own namespace; it fails where these are not so, and says what it lacks.
#pragma once
#include <string>

#include "runtime-loader/result.h"

namespace netpolc::loader {

// Before threads are started. Without effect on what the process doesn't have. Fails as kernel where it can't get rid of something.
Done drop_privileges();
// CAP_SYS_ADMIN for good. By the only thread, since capabilities are each thread's own.
Done give_up_admin();

// CAP_SYS_ADMIN in effect for this thread, as long as it is in scope and if it is at hand.
class AsAdmin {
 public:
  AsAdmin();
  AsAdmin(const AsAdmin&) = delete;
  AsAdmin& operator=(const AsAdmin&) = delete;
  ~AsAdmin();

 private:
  bool raised_;
};

// For messages after EPERM: "; it needs CAP_SYS_ADMIN for that", or "" where that is in effect.
std::string lacks_admin();

}  // namespace netpolc::loader
