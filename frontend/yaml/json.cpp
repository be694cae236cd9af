// Strict JSON (RFC 8259) with places. `kubectl get -o json` dumps are a single flow
// collection of many megabytes, which a YAML scanner holds in memory as tokens.
#include <utility>

#include "frontend/yaml/builder.h"
#include "frontend/yaml/syntax.h"

namespace netpolc::frontend::yaml {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
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

// Functions return false when the text is not JSON, or when the builder has stopped.
class JsonReader {
 public:
  JsonReader(const Input& input, Builder& builder) : input_(input), text_(input.text), at_(input.start), out_(builder) {}

  bool read_all() {
    skip_blanks();
    while (at_ < text_.size()) {
      out_.begin_document();
      if (!value() || out_.stopped()) return out_.stopped();
      out_.end_document();
      skip_blanks();
    }
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
    out_.begin_collection(kind, offset(), 0);
    ++at_;
    if (out_.stopped()) return false;
    if (!take(close)) {
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

  void leaf(NodeKind kind, std::uint32_t begin, std::string text, bool plain) {
    out_.leaf(Node{.kind = kind, .span = {input_.file, begin, offset()}, .text = std::move(text), .plain = plain}, 0);
  }

  bool word(std::string_view expected, NodeKind kind) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    const std::uint32_t begin = offset();
    at_ += expected.size();
    leaf(kind, begin, kind == NodeKind::Null ? "" : std::string(expected), kind != NodeKind::Null);
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
    leaf(NodeKind::Scalar, begin, std::string(text_.substr(begin, at_ - begin)), true);
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

  bool string() {
    const std::uint32_t begin = offset();
    ++at_;
    std::string out;
    while (true) {
      const std::size_t run = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && text_[at_] >= 0x20) ++at_;
      // Bytes above 0x7F are negative as char: they belong to the run too.
      while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80) ++at_;
      out += text_.substr(run, at_ - run);
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') break;
      if (c == '\\') {
        ++at_;
        if (at_ >= text_.size() || !escape(out)) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        return false;
      }
    }
    ++at_;
    leaf(NodeKind::Scalar, begin, std::move(out), false);
    return true;
  }

  const Input& input_;
  std::string_view text_;
  std::size_t at_;
  Builder& out_;
};

}  // namespace

std::optional<std::vector<Node>> parse_json(const Input& input, DiagSink& sink) {
  DiagSink found;  // kept back until we know that this is JSON
  Builder builder(input.file, found, 0);
  if (!JsonReader(input, builder).read_all()) return std::nullopt;
  for (const Diagnostic& diagnostic : found.all()) sink.error(diagnostic);
  return builder.take();
}

}  // namespace netpolc::frontend::yaml
