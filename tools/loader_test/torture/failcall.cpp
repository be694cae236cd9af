// netpolc-failcall: runs a command, and lets one of its system calls fail, or kills it there.
//
// usage: netpolc-failcall [--report FILE] list -- COMMAND…
//        netpolc-failcall [--report FILE] fail CALL N ERRNO -- COMMAND…
//        netpolc-failcall [--report FILE] kill N -- COMMAND…
//        netpolc-failcall [--report FILE] time CALL -- COMMAND…
//
// `list` only watches. `fail` lets the N-th call that is called CALL (from 1; all threads count
// together) return ERRNO (a number) without having been made. `kill` sends SIGKILL before the N-th
// call of any name is made. The report says, a line each, which calls there were, in order, as
// `bpf BPF_MAP_CREATE`, `openat read`, `rename`, and that the one asked for was met: `! CALL`.
// That of `time` has two numbers: how many calls there were that are called CALL, and the microseconds
// from the beginning of the first to the end of the last one.
//
// Left out are calls that change nothing and can't fail, and those with which the process is started:
// everything before its first call of bpf(), or of a file that isn't a library.
//
// The exit status is the command's; 128 and more: it died from that signal; 125: it could not be run.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

enum class What { List, Fail, Kill, Time };

struct Options {
  What what = What::List;
  std::string call;
  std::uint64_t number = 0;
  int error = 0;
  std::string report;
  char** command = nullptr;
};

// ---- names ------------------------------------------------------------------------------------

#define NAMED(name) {SYS_##name, #name}
const std::map<long, const char*> kNames = {
    NAMED(bpf),      NAMED(openat),    NAMED(openat2),     NAMED(read),       NAMED(pread64),   NAMED(write),
    NAMED(pwrite64), NAMED(writev),    NAMED(mmap),        NAMED(mremap),     NAMED(renameat2), NAMED(renameat),
    NAMED(mkdirat),  NAMED(unlinkat),  NAMED(symlinkat),   NAMED(linkat),     NAMED(flock),     NAMED(fcntl),
    NAMED(dup),      NAMED(dup3),      NAMED(socket),      NAMED(bind),       NAMED(connect),   NAMED(sendto),
    NAMED(sendmsg),  NAMED(recvfrom),  NAMED(recvmsg),     NAMED(setsockopt), NAMED(getsockopt), NAMED(getsockname),
    NAMED(ioctl),    NAMED(mount),     NAMED(umount2),     NAMED(setns),      NAMED(unshare),   NAMED(fsync),
    NAMED(fdatasync), NAMED(ftruncate), NAMED(fchmod),     NAMED(fchmodat),   NAMED(fstat),     NAMED(newfstatat),
    NAMED(statx),    NAMED(statfs),    NAMED(fstatfs),     NAMED(faccessat),  NAMED(getdents64), NAMED(readlinkat),
    NAMED(lseek),    NAMED(prlimit64), NAMED(getrandom),   NAMED(uname),      NAMED(clone),     NAMED(clone3),
    NAMED(pipe2),    NAMED(epoll_create1), NAMED(epoll_ctl), NAMED(eventfd2), NAMED(timerfd_create), NAMED(signalfd4),
    NAMED(perf_event_open), NAMED(prctl), NAMED(capget),   NAMED(capset),     NAMED(memfd_create), NAMED(seccomp),
#ifdef SYS_open
    NAMED(open),     NAMED(rename),    NAMED(mkdir),       NAMED(rmdir),      NAMED(unlink),    NAMED(stat),
    NAMED(lstat),    NAMED(access),    NAMED(readlink),    NAMED(symlink),    NAMED(dup2),      NAMED(pipe),
    NAMED(chmod),    NAMED(fork),      NAMED(vfork),
#endif
};
#undef NAMED

#define NAMED(name) {BPF_##name, "BPF_" #name}
const std::map<int, const char*> kCommands = {
    NAMED(MAP_CREATE),       NAMED(MAP_LOOKUP_ELEM),   NAMED(MAP_UPDATE_ELEM), NAMED(MAP_DELETE_ELEM),
    NAMED(MAP_GET_NEXT_KEY), NAMED(PROG_LOAD),         NAMED(OBJ_PIN),         NAMED(OBJ_GET),
    NAMED(PROG_TEST_RUN),    NAMED(PROG_GET_NEXT_ID),  NAMED(MAP_GET_NEXT_ID), NAMED(PROG_GET_FD_BY_ID),
    NAMED(MAP_GET_FD_BY_ID), NAMED(OBJ_GET_INFO_BY_FD), NAMED(PROG_QUERY),     NAMED(BTF_LOAD),
    NAMED(BTF_GET_FD_BY_ID), NAMED(MAP_FREEZE),        NAMED(MAP_LOOKUP_BATCH), NAMED(MAP_UPDATE_BATCH),
    NAMED(MAP_DELETE_BATCH), NAMED(LINK_CREATE),       NAMED(LINK_UPDATE),     NAMED(LINK_GET_FD_BY_ID),
    NAMED(LINK_DETACH),      NAMED(PROG_BIND_MAP),
};
#undef NAMED

std::string text_at(pid_t process, std::uint64_t address) {
  std::array<char, 256> buffer{};
  // up to the end of the page: the next one may not be there
  const std::size_t length = std::min<std::size_t>(buffer.size() - 1, 4096 - address % 4096);
  const iovec here{buffer.data(), length};
  const iovec there{reinterpret_cast<void*>(address), length};  // NOLINT: an address of the other process
  return process_vm_readv(process, &here, 1, &there, 1, 0) <= 0 ? "" : std::string(buffer.data());
}

bool is_open(long call) {
#ifdef SYS_open
  if (call == SYS_open) return true;
#endif
  return call == SYS_openat || call == SYS_openat2;
}

std::string how_opened(pid_t process, long call, const std::uint64_t* arguments) {
  std::uint64_t flags = arguments[2];
  if (call == SYS_openat2) {  // struct open_how begins with them
    const iovec here{&flags, sizeof flags};
    const iovec there{reinterpret_cast<void*>(arguments[2]), sizeof flags};  // NOLINT
    process_vm_readv(process, &here, 1, &there, 1, 0);
  } else if (call != SYS_openat) {
    flags = arguments[1];
  }
  if (flags & O_CREAT) return "create";
  if (flags & O_DIRECTORY) return "directory";
  return (flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
}

std::string detail(pid_t process, long call, const std::uint64_t* arguments) {
  if (call == SYS_bpf) {
    const auto found = kCommands.find(static_cast<int>(arguments[0]));
    return found == kCommands.end() ? "command " + std::to_string(arguments[0]) : found->second;
  }
  if (is_open(call)) return how_opened(process, call, arguments);
  if (call == SYS_write) return arguments[0] == 1 ? "stdout" : arguments[0] == 2 ? "stderr" : "";
  if (call == SYS_socket) return arguments[0] == AF_NETLINK ? "netlink" : arguments[0] == AF_UNIX ? "unix" : "";
  if (call == SYS_mmap) return static_cast<int>(arguments[4]) == -1 ? "memory" : "file";
  return "";
}

// Empty: not of interest.
std::string name_of(pid_t process, long call, const std::uint64_t* arguments) {
  const auto found = kNames.find(call);
  if (found == kNames.end()) return "";
  const std::string more = detail(process, call, arguments);
  return more.empty() ? found->second : found->second + (" " + more);
}

bool begins_with_one_of(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view it) { return text.starts_with(it); });
}

// Is this where the process begins to do what it is for?
bool is_beginning(pid_t process, long call, const std::uint64_t* arguments) {
  if (call == SYS_bpf) return true;
  if (!is_open(call)) return false;
  const std::string path = text_at(process, call == SYS_openat || call == SYS_openat2 ? arguments[1] : arguments[0]);
  return !path.empty() && !begins_with_one_of(path, {"/lib", "/usr/lib", "/etc/ld.so", "/usr/share/", "/proc/self/"});
}

// ---- the other process's registers ------------------------------------------------------------

void skip_call(pid_t thread) {
#if defined(__x86_64__)
  user_regs_struct registers{};
  ptrace(PTRACE_GETREGS, thread, nullptr, &registers);
  registers.orig_rax = ~0ULL;
  ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
#elif defined(__aarch64__)
  int none = -1;
  iovec part{&none, sizeof none};
  ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &part);
#else
#error "which register has the number of a system call?"
#endif
}

void set_result(pid_t thread, long result) {
#if defined(__x86_64__)
  user_regs_struct registers{};
  ptrace(PTRACE_GETREGS, thread, nullptr, &registers);
  registers.rax = static_cast<unsigned long long>(result);
  ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
#else
  user_regs_struct registers{};
  iovec part{&registers, sizeof registers};
  ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &part);
  registers.regs[0] = static_cast<unsigned long long>(result);
  ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &part);
#endif
}

// ---- watching ---------------------------------------------------------------------------------

class Watch {
 public:
  Watch(const Options& options, pid_t process) : options_(options), process_(process) {
    if (!options.report.empty()) report_.open(options.report);
  }
  ~Watch() {
    if (options_.what == What::Time) report_ << count_ << ' ' << std::chrono::duration_cast<std::chrono::microseconds>(last_ - first_).count() << '\n';
  }

  // The exit status of the command.
  int run() {
    for (;;) {
      int status = 0;
      const pid_t thread = waitpid(-1, &status, __WALL);
      if (thread < 0) return 125;
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (thread == process_) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        continue;
      }
      go_on(thread, status);
    }
  }

 private:
  void go_on(pid_t thread, int status) {
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) at_call(thread);
    // Its own signals reach it; stops that come from watching don't.
    if (signal == (SIGTRAP | 0x80) || signal == SIGTRAP || (signal == SIGSTOP && known_.insert(thread).second)) signal = 0;
    ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<long>(signal));
  }

  void at_call(pid_t thread) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      entered(thread, static_cast<long>(info.entry.nr), info.entry.args);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && marked_.erase(thread) > 0) {
      if (options_.what == What::Fail) set_result(thread, -options_.error);
      last_ = Clock::now();
    }
  }

  void entered(pid_t thread, long call, const std::uint64_t* arguments) {
    begun_ = begun_ || is_beginning(thread, call, arguments);
    const std::string name = begun_ ? name_of(thread, call, arguments) : "";
    if (name.empty()) return;
    if (options_.what == What::Time) return take_time(thread, name);
    if (options_.what != What::Fail || name == options_.call) ++count_;
    const bool met = options_.what != What::List && !met_ && count_ == options_.number && (options_.what == What::Kill || name == options_.call);
    report_ << (met ? "! " : "") << name << '\n' << std::flush;
    if (!met) return;
    met_ = true;
    if (options_.what == What::Kill) {
      kill(process_, SIGKILL);
    } else {
      skip_call(thread);
      marked_.insert(thread);
    }
  }

  void take_time(pid_t thread, const std::string& name) {
    if (name != options_.call) return;
    if (count_++ == 0) first_ = Clock::now();
    marked_.insert(thread);
  }

  using Clock = std::chrono::steady_clock;
  const Options& options_;
  pid_t process_;
  std::ofstream report_;
  Clock::time_point first_{}, last_{};
  bool begun_ = false, met_ = false;
  std::uint64_t count_ = 0;
  std::set<pid_t> known_, marked_;  // marked: something is to be done when its call ends
};

// ---- command line -----------------------------------------------------------------------------

template <class T>
bool number(const char* text, T& into) {
  const char* end = text + std::strlen(text);
  return std::from_chars(text, end, into).ptr == end && *text != 0;
}

bool read(char** words, Options& options) {
  if (*words && std::string_view(*words) == "--report") {
    if (words[1] == nullptr) return false;
    options.report = words[1];
    words += 2;
  }
  const std::string_view what = *words ? *words++ : "";
  if (what == "fail") {
    options.what = What::Fail;
    if (!words[0] || !words[1] || !words[2] || !number(words[1], options.number) || !number(words[2], options.error)) return false;
    options.call = words[0];
    words += 3;
  } else if (what == "kill") {
    options.what = What::Kill;
    if (!words[0] || !number(words[0], options.number)) return false;
    words += 1;
  } else if (what == "time") {
    options.what = What::Time;
    if (!words[0]) return false;
    options.call = words[0];
    words += 1;
  } else if (what != "list") {
    return false;
  }
  if (!*words || std::string_view(*words) != "--" || !words[1]) return false;
  options.command = words + 1;
  return true;
}

}  // namespace

int main(int, char** arguments) {
  Options options;
  if (!read(arguments + 1, options)) {
    std::fputs("usage: netpolc-failcall [--report FILE] list|fail CALL N ERRNO|kill N|time CALL -- COMMAND...\n", stderr);
    return 125;
  }
  const pid_t process = fork();
  if (process == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    execvp(options.command[0], options.command);
    std::fprintf(stderr, "netpolc-failcall: %s: %s\n", options.command[0], std::strerror(errno));
    _exit(125);
  }
  int status = 0;
  if (process < 0 || waitpid(process, &status, 0) != process || !WIFSTOPPED(status)) return 125;
  // Threads are watched; processes that it leaves behind are not.
  if (ptrace(PTRACE_SETOPTIONS, process, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) != 0) return 125;
  ptrace(PTRACE_SYSCALL, process, nullptr, nullptr);
  Watch watch(options, process);
  return watch.run();
}
