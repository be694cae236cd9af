#include "compiler/kustomize.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace netpolc::compiler {
namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { (void)!pipe2(ends.data(), O_CLOEXEC); }
  ~Pipe() { close_reading(), close_writing(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_reading() { shut(ends[0]); }
  void close_writing() { shut(ends[1]); }

 private:
  static void shut(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
};

std::string all_of(int fd) {
  std::string out;
  std::array<char, 65536> part{};
  for (;;) {
    const ssize_t got = read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return out;
    out.append(part.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

// What it says on stderr goes to ours.
tl::expected<FileId, std::string> kustomized(const std::string& directory, SourceManager& sources) {
  Pipe out;
  if (out.ends[0] < 0) return tl::unexpected(std::string("no pipe for kubectl: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
  std::string program = "kubectl", verb = "kustomize", where = directory;
  std::array<char*, 5> words{program.data(), verb.data(), const_cast<char*>("--"), where.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, "kubectl", &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return tl::unexpected("-k " + directory + " needs kubectl, which cannot be run (" + std::strerror(failed) + "): render elsewhere, and pipe it in with `-f -`");
  out.close_writing();
  std::string text = all_of(out.ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return tl::unexpected("`kubectl kustomize " + directory + "` failed, and nothing of it is read");
  return sources.add(directory + " (kustomized)", std::move(text));
}

}  // namespace netpolc::compiler
