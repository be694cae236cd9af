#include "runtime-loader/expedite.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime-loader/fd.h"

namespace netpolc::loader {
namespace {

constexpr const char* kSwitch = "/sys/kernel/rcu_expedited";
bool left_alone = false;

bool set(char value) {
  const Fd file{open(kSwitch, O_WRONLY | O_CLOEXEC)};
  return file && write(file.get(), &value, 1) == 1;
}

bool is_off() {
  const Fd file{open(kSwitch, O_RDONLY | O_CLOEXEC)};
  char value = 0;
  return file && read(file.get(), &value, 1) == 1 && value == '0';
}

// There while it is asked for by us.
std::string mark_of(const Installation& site) { return site.state_directory() + "/expedited"; }

bool mark(const Installation& site) { return bool(Fd{open(mark_of(site).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)}); }

}  // namespace

Expedite::Expedite(const Installation& site, std::size_t interfaces) : site_(site), asked_(!left_alone && interfaces > 0 && is_off() && mark(site) && set('1')) {}

Expedite::~Expedite() {
  if (asked_) clean_up(site_);
}

void Expedite::leave_alone() { left_alone = true; }

void Expedite::clean_up(const Installation& site) {
  if (access(mark_of(site).c_str(), F_OK) != 0) return;
  if (set('0')) unlink(mark_of(site).c_str());
}

}  // namespace netpolc::loader
