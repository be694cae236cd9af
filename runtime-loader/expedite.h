// runtime-loader/expedite.h — the kernel waits for every processor each time that a program is put on an
// interface that had none: 5 to 30 ms, with a lock held that the others wait for. While this lives, it
// is asked to hurry (/sys/kernel/rcu_expedited, Documentation/RCU): a pod then costs a fraction of
// one. Where the file can't be written, it takes as long as it takes.
#pragma once
#include <cstddef>

#include "runtime-loader/installation.h"

namespace netpolc::loader {

class Expedite {
 public:
  // Each processor is interrupted for a moment, as by the kernel's own changes of devices.
  Expedite(const Installation& site, std::size_t interfaces);
  ~Expedite();
  Expedite(const Expedite&) = delete;
  Expedite& operator=(const Expedite&) = delete;
  // Where nobody would come to clean up: a test in namespaces of its own.
  static void leave_alone();
  // After a loader that was killed meanwhile.
  static void clean_up(const Installation& site);

 private:
  const Installation& site_;
  bool asked_ = false;
};

}  // namespace netpolc::loader
