#include "compiler/command_line/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace netpolc::compiler {

struct PhaseCounts {
  std::string what;
  std::chrono::steady_clock::time_point since;
  std::atomic<std::size_t> done = 0, of = 0;
};

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kDelay = std::chrono::milliseconds(500);
constexpr auto kRedraw = std::chrono::milliseconds(100);

bool fits_here() {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  return isatty(STDERR_FILENO) != 0 && !value("TERM").empty() && value("TERM") != "dumb" && value("CI").empty();
}

void put(const std::string& text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // a terminal that is gone shows no progress
}

// "proving programs   3 of 12   4 s"
std::string text_of(const PhaseCounts& phase) {
  std::string out = phase.what;
  const std::size_t done = phase.done, of = phase.of;
  if (done != 0 || of != 0) out += "   " + std::to_string(done) + (of != 0 ? " of " + std::to_string(of) : "");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - phase.since).count();
  if (seconds != 0) out += "   " + std::to_string(seconds) + " s";
  // A line that is wider would wrap, and could not be taken back.
  winsize size{};
  const std::size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
  if (out.size() >= columns) out.resize(columns - 1);
  return out;
}

// The line of this process, and the thread that draws it, which starts with the first phase.
class Line {
 public:
  ~Line() {
    if (!drawer_.joinable()) return;
    {
      const auto lock = silence();
      over_ = true;
    }
    changed_.notify_all();
    drawer_.join();
  }

  void forbid() { shows_ = false; }

  PhaseCounts* begin(std::string what) {
    if (!shows_) shows_ = fits_here();
    if (!*shows_) return nullptr;
    const std::lock_guard lock(mutex_);
    phases_.push_back(std::make_unique<PhaseCounts>(std::move(what), Clock::now()));
    if (!drawer_.joinable()) drawer_ = std::thread([this] { run(); });
    return phases_.back().get();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    erase();
    phases_.pop_back();
  }
  std::unique_lock<std::mutex> silence() {
    std::unique_lock lock(mutex_);
    erase();
    return lock;
  }

 private:
  void erase() {
    if (!drawn_.empty()) put("\r\x1b[K");
    drawn_.clear();
  }
  void draw() {
    if (phases_.empty()) return;
    std::string text = text_of(*phases_.back());
    if (text == drawn_) return;
    put("\r" + text + "\x1b[K");
    drawn_ = std::move(text);
  }
  void run() {
    std::unique_lock lock(mutex_);
    for (auto pause = kDelay; !changed_.wait_for(lock, pause, [this] { return over_; }); pause = kRedraw) draw();
  }

  std::optional<bool> shows_;
  std::mutex mutex_;  // of what follows, and of the terminal
  std::condition_variable changed_;
  std::vector<std::unique_ptr<PhaseCounts>> phases_;
  std::string drawn_;  // what is on the terminal now
  bool over_ = false;
  std::thread drawer_;
};

Line& line() {
  static Line one;
  return one;
}

}  // namespace

void set_progress(const std::string& choice) {
  if (choice == "never") line().forbid();
}

Phase::Phase(std::string what) : counts_(line().begin(std::move(what))) {}

Phase::~Phase() {
  if (counts_ != nullptr) line().end();
}

void Phase::at(std::size_t done, std::size_t of) {
  if (counts_ == nullptr) return;
  counts_->done.store(done, std::memory_order_relaxed);
  counts_->of.store(of, std::memory_order_relaxed);
}

std::unique_lock<std::mutex> without_progress() { return line().silence(); }

}  // namespace netpolc::compiler
