#include "compiler/password.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace netpolc::compiler {
namespace {

using Text = tl::expected<std::string, std::string>;

Text wrong(std::string why) { return tl::make_unexpected(std::move(why)); }

// The terminal without echo, line editing and signals, as long as it is in scope; so it is as it was after Ctrl-C, too.
class Quiet {
 public:
  explicit Quiet(int fd) : fd_(fd), is_terminal_(tcgetattr(fd, &former_) == 0) {
    if (!is_terminal_) return;
    termios now = former_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    tcsetattr(fd_, TCSAFLUSH, &now);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    if (is_terminal_) tcsetattr(fd_, TCSAFLUSH, &former_);
  }
  bool is_terminal() const { return is_terminal_; }

 private:
  int fd_;
  termios former_{};
  bool is_terminal_;
};

void say(int terminal, const std::string& text) {
  if (write(terminal, text.data(), text.size()) < 0) return;  // whoever isn't asked doesn't answer
}

Text typed(int terminal) {
  constexpr char kInterrupt = 3, kEnd = 4, kBackspace = 8, kErase = 21, kDelete = 127;
  std::string out;
  for (char c = 0; read(terminal, &c, 1) == 1;) {
    if (c == '\n' || c == '\r') return out;
    if (c == kInterrupt || c == kEnd) return wrong("no password was given");
    if (c == kErase) out.clear();
    else if (c != kBackspace && c != kDelete) out += c;
    else if (!out.empty()) out.pop_back();
  }
  return wrong("no password was given");
}

Text ask(int terminal, const char* prompt) {
  say(terminal, prompt);
  Text out = typed(terminal);
  say(terminal, "\n");
  return out;
}

Text from_terminal(bool twice) {
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) return wrong(std::string("the key has a password and there is no terminal to ask for it: give --password-file, or ") + kPasswordVariable + " in the environment");
  Text out;
  {
    const Quiet quiet(terminal);
    out = quiet.is_terminal() ? ask(terminal, "password: ") : wrong("/dev/tty is no terminal");
    if (out && twice) {
      const Text again = ask(terminal, "once more: ");
      if (!again) out = again;
      else if (*again != *out) out = wrong("the two passwords differ");
    }
  }
  close(terminal);
  return out;
}

Text from_file(const std::string& path) {
  std::ifstream in(path);
  std::string out;
  if (!in || (!std::getline(in, out) && !in.eof())) return wrong(path + " can't be read");
  if (out.ends_with('\r')) out.pop_back();
  return out;
}

}  // namespace

Text password(const PasswordSource& source, bool twice) {
  const char* const variable = std::getenv(kPasswordVariable);
  Text out = !source.file.empty() ? from_file(source.file) : variable != nullptr ? Text(variable) : from_terminal(twice);
  if (out && out->empty()) return wrong(twice ? "the password is empty; --no-password makes a key without one" : "the password is empty");
  return out;
}

}  // namespace netpolc::compiler
