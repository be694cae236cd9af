// frontend/yaml/json_reader.h — inside of frontend/yaml: strict JSON (RFC 8259) with places, told as events. `kubectl get -o json`
// dumps are a single flow collection of many megabytes, which a YAML scanner holds in memory as tokens.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "frontend/yaml/builder.h"

namespace netpolc::frontend::yaml {

inline void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// A list that is passed over, and so reads as an empty one.
struct PassedOver {
  std::size_t begin = std::string_view::npos, end = 0;
};

// `Out` is told what there is: begin_document(), end_document(), begin_collection(kind, begin), end_collection(end) and
// leaf(kind, begin, end, text, plain), keys among them; it may have stopped(). Texts are decoded where Out::kDecoded, else as they
// are written. Functions return false when the text is not JSON, or when `Out` has stopped.
template <class Out>
class JsonReader {
 public:
  JsonReader(std::string_view text, std::size_t at, Out& out, PassedOver passed_over = {}) : text_(text), at_(at), out_(out), passed_over_(passed_over) {}

  bool read_all() {
    skip_blanks();
    while (at_ < text_.size()) {
      if (!read_one()) return out_.stopped();
      skip_blanks();
    }
    return true;
  }

  bool read_one() {
    out_.begin_document();
    if (!value() || out_.stopped()) return false;
    out_.end_document();
    return true;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::uint32_t offset() const { return static_cast<std::uint32_t>(at_); }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool take(char c) {
    skip_blanks();
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  bool value() {
    skip_blanks();
    switch (peek()) {
      case '{':
        return collection(NodeKind::Mapping, '}');
      case '[':
        return collection(NodeKind::Sequence, ']');
      case '"':
        return string();
      case 't':
        return word("true", NodeKind::Scalar);
      case 'f':
        return word("false", NodeKind::Scalar);
      case 'n':
        return word("null", NodeKind::Null);
      default:
        return number();
    }
  }

  // The recursion is as deep as the builder allows.
  bool collection(NodeKind kind, char close) {
    const std::size_t begin = at_++;
    out_.begin_collection(kind, static_cast<std::uint32_t>(begin));
    if (out_.stopped()) return false;
    if (begin == passed_over_.begin) {
      at_ = passed_over_.end;
    } else if (!take(close)) {
      do {
        if (kind == NodeKind::Mapping) {
          skip_blanks();
          if (peek() != '"' || !string() || !take(':')) return false;
        }
        if (!value() || out_.stopped()) return false;
      } while (take(','));
      if (!take(close)) return false;
    }
    out_.end_collection(offset());
    return true;
  }

  void leaf(NodeKind kind, std::uint32_t begin, std::string_view text, bool plain) { out_.leaf(kind, begin, offset(), text, plain); }

  bool word(std::string_view expected, NodeKind kind) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    const std::uint32_t begin = offset();
    at_ += expected.size();
    leaf(kind, begin, kind == NodeKind::Null ? "" : expected, kind != NodeKind::Null);
    return true;
  }

  bool digits() {
    const std::size_t before = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > before;
  }

  bool number() {
    const std::uint32_t begin = offset();
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    leaf(NodeKind::Scalar, begin, text_.substr(begin, at_ - begin), true);
    return true;
  }

  std::optional<std::uint32_t> hex4() {
    std::uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<std::uint32_t>(c - '0');
      } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        digit = static_cast<std::uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return std::nullopt;
      }
      result = result << 4 | digit;
      ++at_;
    }
    return result;
  }

  // After `\u`. A lone surrogate becomes U+FFFD, as in Go.
  bool unicode_escape(std::string& out) {
    const auto unit = hex4();
    if (!unit) return false;
    std::uint32_t c = *unit;
    if (c >= 0xD800 && c < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const std::size_t before = at_;
      at_ += 2;
      const auto low = hex4();
      if (!low) return false;
      if (*low >= 0xDC00 && *low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (*low - 0xDC00);
      } else {
        at_ = before;
      }
    }
    append_utf8(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
    return true;
  }

  bool escape(std::string& out) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'u':
        return unicode_escape(out);
      default:
        return false;
    }
  }

  // To the next quote or backslash; false at a control character or the end.
  bool run() {
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20) ++at_;
    return at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x20;
  }

  bool string() {
    const std::uint32_t begin = offset();
    const std::size_t first = ++at_;
    if (!run()) return false;
    std::string_view text = text_.substr(first, at_ - first);
    if (text_[at_] != '"') {
      if (!rest_of_string(text)) return false;
      text = Out::kDecoded ? std::string_view(decoded_) : text_.substr(first, at_ - first);
    }
    ++at_;
    leaf(NodeKind::Scalar, begin, text, false);
    return true;
  }

  // From the first backslash on, behind `before`.
  bool rest_of_string(std::string_view before) {
    decoded_ = before;
    while (text_[at_] == '\\') {
      ++at_;
      if (at_ >= text_.size() || !escape(decoded_)) return false;
      const std::size_t begin = at_;
      if (!run()) return false;
      decoded_ += text_.substr(begin, at_ - begin);
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_;
  Out& out_;
  PassedOver passed_over_;
  std::string decoded_;  // of the text at hand
};

// Into Nodes.
class NodeOut {
 public:
  static constexpr bool kDecoded = true;
  NodeOut(FileId file, Builder& builder) : file_(file), builder_(builder) {}

  void begin_document() { builder_.begin_document(); }
  void end_document() { builder_.end_document(); }
  void begin_collection(NodeKind kind, std::uint32_t begin) { builder_.begin_collection(kind, begin, 0); }
  void end_collection(std::uint32_t end) { builder_.end_collection(end); }
  void leaf(NodeKind kind, std::uint32_t begin, std::uint32_t end, std::string_view text, bool plain) {
    builder_.leaf(Node{.kind = kind, .span = {file_, begin, end}, .text = std::string(text), .plain = plain}, 0);
  }
  bool stopped() const { return builder_.stopped(); }

 private:
  FileId file_;
  Builder& builder_;
};

}  // namespace netpolc::frontend::yaml
