#include "verify/strings/regex.h"

#include <re2/re2.h>

#include <map>
#include <optional>
#include <string_view>

namespace netpolc::verify::strings {
namespace {

struct NotUnderstood {
  std::string what;
};

RegexPtr make(Regex::Kind kind, std::vector<RegexPtr> parts = {}) {
  Regex out;
  out.kind = kind;
  out.parts = std::move(parts);
  return std::make_shared<const Regex>(std::move(out));
}

// Which characters an expression for one character means: RE2 knows its classes, and which letters are the same.
RegexPtr one_of(const std::string& expression) {
  const re2::RE2 regex(expression, re2::RE2::Quiet);
  if (!regex.ok()) throw NotUnderstood{expression};
  Regex out;
  out.kind = Regex::Kind::OneOf;
  for (int c = 0; c < 128; ++c) {
    const char text = static_cast<char>(c);
    out.characters[static_cast<std::size_t>(c)] = re2::RE2::FullMatch(re2::StringPiece(&text, 1), regex);
  }
  return std::make_shared<const Regex>(std::move(out));
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  RegexPtr whole() {
    RegexPtr out = alternatives();
    if (at_ != text_.size()) throw NotUnderstood{std::string(text_.substr(at_))};
    return out;
  }

 private:
  struct Flags {
    bool fold = false, newline = false, lines = false;
  };

  bool ends() const { return at_ == text_.size(); }
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool take(std::string_view what) {
    if (!starts(what)) return false;
    at_ += what.size();
    return true;
  }
  std::string_view up_to(std::string_view end) {
    const auto found = text_.find(end, at_);
    if (found == std::string_view::npos) throw NotUnderstood{std::string(text_.substr(at_))};
    const std::string_view out = text_.substr(at_, found - at_);
    at_ = found + end.size();
    return out;
  }

  RegexPtr alternatives() {
    std::vector<RegexPtr> parts{sequence()};
    while (take("|")) parts.push_back(sequence());
    return parts.size() == 1 ? parts.front() : make(Regex::Kind::Alternatives, std::move(parts));
  }

  RegexPtr sequence() {
    std::vector<RegexPtr> parts;
    while (!ends() && text_[at_] != '|' && text_[at_] != ')') {
      if (starts("(?") && flags_alone()) continue;
      if (take("\\Q")) {
        quoted(parts);
        continue;
      }
      RegexPtr one = atom();
      while (const auto times = repetition()) one = repeat(std::move(one), times->first, times->second);
      parts.push_back(std::move(one));
    }
    return make(Regex::Kind::Sequence, std::move(parts));
  }

  // What follows \E, or a repetition of the last character, is found by whoever called.
  void quoted(std::vector<RegexPtr>& parts) {
    const auto end = text_.find("\\E", at_);
    const std::string_view literal = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 2;
    for (std::size_t i = 0; i < literal.size();) parts.push_back(character(literal, i));
    while (const auto times = repetition()) {
      if (parts.empty()) throw NotUnderstood{"\\Q\\E with a repetition"};
      parts.back() = repeat(parts.back(), times->first, times->second);
    }
  }

  static RegexPtr repeat(RegexPtr one, unsigned least, unsigned most) {
    Regex out;
    out.kind = Regex::Kind::Repeat;
    out.parts = {std::move(one)};
    out.least = least;
    out.most = most;
    return std::make_shared<const Regex>(std::move(out));
  }

  std::optional<unsigned> number() {
    const std::size_t begin = at_;
    unsigned out = 0;
    while (!ends() && text_[at_] >= '0' && text_[at_] <= '9' && out < 100'000) out = out * 10 + static_cast<unsigned>(text_[at_++] - '0');
    return at_ == begin ? std::nullopt : std::optional(out);
  }

  // Least and most. Whether the longest or the shortest is preferred changes nothing for the whole text.
  std::optional<std::pair<unsigned, unsigned>> repetition() {
    std::optional<std::pair<unsigned, unsigned>> out;
    if (take("*")) out = {0, Regex::kNoLimit};
    else if (take("+")) out = {1, Regex::kNoLimit};
    else if (take("?")) out = {0, 1};
    else out = counted();
    if (out) take("?");
    return out;
  }

  // A brace that opens no repetition is a character.
  std::optional<std::pair<unsigned, unsigned>> counted() {
    const std::size_t begin = at_;
    if (!take("{")) return std::nullopt;
    if (const auto least = number()) {
      if (take("}")) return std::pair(*least, *least);
      if (take(",")) {
        const auto most = number();
        if (take("}")) return std::pair(*least, most.value_or(Regex::kNoLimit));
      }
    }
    at_ = begin;
    return std::nullopt;
  }

  // "(?i)", for the rest of the group.
  bool flags_alone() {
    const std::size_t begin = at_;
    at_ += 2;
    Flags changed = flags_;
    if (flags(changed) && take(")")) {
      flags_ = changed;
      return true;
    }
    at_ = begin;
    return false;
  }
  bool flags(Flags& out) {
    for (bool on = true; !ends(); ++at_) {
      switch (text_[at_]) {
        case '-': on = false; break;
        case 'i': out.fold = on; break;
        case 's': out.newline = on; break;
        case 'm': out.lines = on; break;
        case 'U': break;
        default: return true;
      }
    }
    return true;
  }

  RegexPtr group() {
    const Flags outside = flags_;
    if (take("?P<") || take("?<")) up_to(">");
    else if (take("?")) {
      flags(flags_);
      if (!take(":")) throw NotUnderstood{"a group of another kind"};
    }
    RegexPtr out = alternatives();
    if (!take(")")) throw NotUnderstood{"a group without an end"};
    flags_ = outside;
    return out;
  }

  std::string prefix() const { return flags_.fold ? flags_.newline ? "(?is)" : "(?i)" : flags_.newline ? "(?s)" : ""; }

  RegexPtr anchor(Regex::Kind kind) const {
    if (flags_.lines) throw NotUnderstood{"(?m)"};
    return make(kind);
  }

  RegexPtr atom() {
    if (take("(")) return group();
    if (take("^")) return anchor(Regex::Kind::Begin);
    if (take("$")) return anchor(Regex::Kind::End);
    if (take(".")) return one_of(prefix() + ".");
    if (starts("[")) return one_of(prefix() + std::string(character_class()));
    if (starts("\\")) return escape();
    return character(text_, at_);
  }

  // A character that is not ASCII is no character of any text.
  RegexPtr character(std::string_view text, std::size_t& at) const {
    const auto first = static_cast<unsigned char>(text[at]);
    if (first < 0x80) return one_of(prefix() + re2::RE2::QuoteMeta(std::string(1, text[at++])));
    std::size_t length = 1;
    while (at + length < text.size() && (static_cast<unsigned char>(text[at + length]) & 0xc0) == 0x80) ++length;
    RegexPtr out = one_of(prefix() + std::string(text.substr(at, length)));
    at += length;
    return out;
  }

  std::string_view character_class() {
    const std::size_t begin = at_++;
    take("^");
    take("]");  // as the first one it is a character
    while (!ends() && text_[at_] != ']') {
      if (take("[:")) up_to(":]");
      else if (text_[at_] == '\\') escape_length();
      else ++at_;
    }
    ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void escape_length() {
    ++at_;
    if (ends()) throw NotUnderstood{"\\ at the end"};
    const char kind = text_[at_++];
    if ((kind == 'p' || kind == 'P' || kind == 'x') && take("{")) up_to("}");
    else if (kind == 'p' || kind == 'P') ++at_;
    else if (kind == 'x') at_ += 2;
    else if (is_octal(kind))
      for (int i = 0; i < 2 && !ends() && is_octal(text_[at_]); ++i) ++at_;
    at_ = std::min(at_, text_.size());
  }

  RegexPtr escape() {
    if (take("\\A")) return make(Regex::Kind::Begin);
    if (take("\\z")) return make(Regex::Kind::End);
    if (starts("\\b") || starts("\\B")) throw NotUnderstood{"a word boundary (\\b)"};
    if (starts("\\C")) throw NotUnderstood{"\\C"};
    const std::size_t begin = at_;
    escape_length();
    return one_of(prefix() + std::string(text_.substr(begin, at_ - begin)));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Flags flags_;
};

}  // namespace

tl::expected<RegexPtr, std::string> parse(const std::string& text) {
  try {
    return Parser(text).whole();
  } catch (const NotUnderstood& construct) {
    return tl::make_unexpected(construct.what);
  }
}

}  // namespace netpolc::verify::strings
