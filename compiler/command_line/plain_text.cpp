#include "compiler/command_line/plain_text.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "compiler/command_line/command_table.h"

namespace netpolc::compiler {
namespace {

struct Sign {
  std::string_view utf8, ascii;
};
constexpr Sign kSigns[] = {{"→", "->"}, {"·", "|"}, {"✓", "v"}, {"✗", "x"}, {"…", "..."}, {"×", "x"}, {"∀", "all"}, {"∃", "some"}, {"–", "-"}, {"—", "-"}, {"≤", "<="}, {"≥", ">="}};

// 0: no character begins with this byte.
std::size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  return first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

bool is_utf8(std::string_view locale) {
  const auto dot = locale.find('.');
  std::string codeset;
  for (const char c : locale.substr(dot == std::string_view::npos ? 0 : dot + 1)) {
    if (c == '@') break;
    if (c != '-') codeset += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return codeset == "utf8";
}

// What -o says is for stdout, which is what has no file; "": nothing.
std::string form_on_stdout(const std::vector<std::string>& words) {
  std::string out;
  const auto see = [&](const std::string& value) {
    if (value.find('=') == std::string::npos) out = value;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if ((word == "-o" || word == "--output") && i + 1 < words.size()) see(words[++i]);
    else if (word.starts_with("--output=")) see(word.substr(9));
    else if (word.starts_with("-o=")) see(word.substr(3));
    else if (word.starts_with("-o")) see(word.substr(2));
  }
  return out;
}

}  // namespace

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return is_utf8(value);
  return true;
}

std::string ToAscii::operator()(std::string_view piece) {
  const std::string text = std::move(cut_) + std::string(piece);
  cut_.clear();
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::max<std::size_t>(length_of(static_cast<unsigned char>(text[at])), 1);
    if (at + length > text.size()) {
      cut_ = text.substr(at);
      break;
    }
    const std::string_view one = std::string_view(text).substr(at, length);
    const auto sign = std::find_if(std::begin(kSigns), std::end(kSigns), [&](const Sign& known) { return known.utf8 == one; });
    // What only begins like a character is one byte that means nothing.
    const bool whole = sign != std::end(kSigns) || std::all_of(one.begin() + 1, one.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; });
    out += sign != std::end(kSigns) ? sign->ascii : one.substr(0, whole ? length : 1);
    at += whole ? length : 1;
  }
  return out;
}

std::string ToAscii::rest() { return std::exchange(cut_, ""); }

bool prints_text(const CLI::App& command, const std::vector<std::string>& words) {
  if (const CLI::Option* dry = command.get_option_no_throw("--dry-run"); dry != nullptr && dry->count() != 0) return false;  // a patch
  const CLI::Option* output = command.get_option_no_throw("--output");
  if (output == nullptr) return command.get_name() == "explain";
  const auto forms = choices_of(*output);
  if (std::find(forms.begin(), forms.end(), "text") == forms.end()) return false;
  const std::string form = form_on_stdout(words);
  return form.empty() || form == "text" || form == "wide";
}

struct PlainStreams::Through {
  std::FILE*& stream;
  std::FILE* const to;
  ToAscii ascii;
  std::FILE* own = nullptr;

  explicit Through(std::FILE*& which) : stream(which), to(which) {
    own = fopencookie(this, "w", {.read = nullptr, .write = write, .seek = nullptr, .close = nullptr});
    if (own == nullptr) return;
    const bool of_errors = &stream == &stderr;
    std::setvbuf(own, nullptr, of_errors ? _IONBF : isatty(fileno(to)) != 0 ? _IOLBF : _IOFBF, of_errors ? 0 : BUFSIZ);
    stream = own;
  }
  Through(const Through&) = delete;
  Through& operator=(const Through&) = delete;
  ~Through() {
    if (own == nullptr) return;
    std::fclose(own);
    const std::string rest = ascii.rest();
    std::fwrite(rest.data(), 1, rest.size(), to);
    stream = to;
  }
  // 0 is an error here.
  static ssize_t write(void* cookie, const char* data, std::size_t size) {
    auto& self = *static_cast<Through*>(cookie);
    const std::string text = self.ascii({data, size});
    const bool good = std::fwrite(text.data(), 1, text.size(), self.to) == text.size() && std::fflush(self.to) == 0;
    return good ? static_cast<ssize_t>(size) : 0;
  }
};

PlainStreams::PlainStreams(bool needed) {
  if (!needed) return;
  out_ = std::make_unique<Through>(stdout);
  err_ = std::make_unique<Through>(stderr);
}
PlainStreams::~PlainStreams() = default;

void PlainStreams::leave_stdout() { out_.reset(); }

}  // namespace netpolc::compiler
