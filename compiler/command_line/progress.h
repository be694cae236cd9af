// compiler/command_line/progress.h — what a command that takes long is at: one line on stderr, redrawn, and gone before anything
// else is said. Only on a terminal that can take a line back, not where CI is set, and not in the first half second of a run.
#pragma once
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>

namespace netpolc::compiler {

// --progress: "auto", or "never". To be called before the first phase.
void set_progress(const std::string& choice);

struct PhaseCounts;

// While one lives the line says what it is; of several, the latest. Begins and ends in one thread, last begun, first ended.
class Phase {
 public:
  explicit Phase(std::string what);  // "reading 12 files"
  ~Phase();
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;
  // So many of so many are done; 0: nobody knows how many there are. From any thread, and cheap.
  void at(std::size_t done, std::size_t of);

 private:
  PhaseCounts* counts_;  // the line's; null where nothing is shown
};

// While it is held there is no line: for what is printed in the middle of a phase.
std::unique_lock<std::mutex> without_progress();

// What `work` returns, in a phase of its own.
template <class Work>
auto during(std::string what, Work&& work) {
  const Phase phase(std::move(what));
  return std::forward<Work>(work)();
}

}  // namespace netpolc::compiler
