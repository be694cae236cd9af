// YAML through yaml-cpp's events. Only this file includes yaml-cpp.
//
// What yaml-cpp 0.7 does that we have to make up for: it gives starts of tokens only (as
// byte offsets behind a byte-order mark), holds every token of an unfinished flow
// collection in memory, takes any text behind a document for a next one, and throws.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "frontend/yaml/builder.h"
#include "frontend/yaml/places.h"
#include "frontend/yaml/syntax.h"

namespace netpolc::frontend::yaml {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

// How much yaml-cpp may read without giving an event: open brackets (far more than the
// depth we allow, so that brackets inside long texts do no harm), and separators.
constexpr long kMaxPendingBrackets = 20'000;
constexpr long kMaxPendingSeparators = 2'000'000;

// Feeds the text in pieces, and ends it early when yaml-cpp hoards tokens.
class GuardedBuffer : public std::streambuf {
 public:
  enum class Stop { None, Brackets, Separators };

  explicit GuardedBuffer(std::string_view text) : text_(text) {}
  void event_seen() { brackets_ = separators_ = 0; }
  Stop stop() const { return stop_; }
  std::size_t fed() const { return fed_; }

 protected:
  int_type underflow() override {
    if (stop_ != Stop::None || fed_ >= text_.size()) return traits_type::eof();
    const std::string_view piece = text_.substr(fed_, 4096);
    count(piece);
    if (stop_ != Stop::None) return traits_type::eof();
    char* const begin = const_cast<char*>(piece.data());  // a get area is never written
    setg(begin, begin, begin + piece.size());
    fed_ += piece.size();
    return traits_type::to_int_type(*begin);
  }

 private:
  void count(std::string_view piece) {
    for (char c : piece) {
      switch (c) {
        case '[':
        case '{':
          ++brackets_;
          break;
        case ']':
        case '}':
          --brackets_;
          break;
        case ',':
        case ':':
        case '?':
        case '*':
        case '&':
        case '!':
        case '"':
        case '\'':
          ++separators_;
          break;
        default:
          break;
      }
    }
    if (brackets_ > kMaxPendingBrackets) stop_ = Stop::Brackets;
    if (separators_ > kMaxPendingSeparators) stop_ = Stop::Separators;
  }

  std::string_view text_;
  std::size_t fed_ = 0;
  long brackets_ = 0;
  long separators_ = 0;
  Stop stop_ = Stop::None;
};

struct Stopped {};  // thrown through yaml-cpp when the builder has stopped

class Handler : public YAML::EventHandler {
 public:
  Handler(const Input& input, Builder& builder, GuardedBuffer& buffer)
      : input_(input), text_(input.text), out_(builder), buffer_(buffer) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    buffer_.event_seen();
    out_.begin_document();
    const std::size_t at = offset(mark);
    // At the same place twice: yaml-cpp cannot get past a token and would go on for ever.
    const bool stuck = documents_ > 0 && at == document_at_;
    document_at_ = at;
    if (stuck) fail(at, at + 1, "unexpected character", "");
    if (documents_++ > 0 && !document_may_start(text_, at)) {
      fail(at, at + 1, "unexpected text after the end of the document", "documents are separated by `---`");
    }
    at_ = at;
  }

  void OnDocumentEnd() override { out_.end_document(); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    buffer_.event_seen();
    std::size_t begin = skip_properties(text_, offset(mark));
    const std::size_t length = begin >= at_ ? written_null(text_, begin) : 0;
    if (length == 0) {
      begin = empty_place();
      refuse_key_without_colon();
    }
    leaf(Node{.kind = NodeKind::Null, .span = span(begin, begin + length)}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    buffer_.event_seen();
    const std::size_t begin = offset(mark);
    last_begin_ = begin;
    at_ = name_end(text_, begin);
    out_.alias(anchor, span(begin, at_));
    check();
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    buffer_.event_seen();
    const std::size_t start = offset(mark);
    std::size_t begin = skip_properties(text_, start);
    const bool bare = value.empty() && begin != start && !same_line(start, begin);  // `!!str` and nothing else
    if (bare) begin = name_end(text_, start);
    const std::size_t end = bare ? begin : scalar_end(text_, begin, value);
    if (end == std::string_view::npos) {
      fail(begin, begin + 1, "the quote that starts here is not closed", "");
    }
    Node node{.kind = NodeKind::Scalar, .span = span(begin, end), .text = value, .plain = tag == "?"};
    if (tag.starts_with(kCoreTag)) {
      const std::string_view type = std::string_view(tag).substr(kCoreTag.size());
      node.plain = type == "bool" || type == "int" || type == "float" || type == "merge";
      if (type == "null") node = Node{.kind = NodeKind::Null, .span = node.span};
    }
    leaf(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(NodeKind::Sequence, mark, anchor, '[', ']');
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(NodeKind::Mapping, mark, anchor, '{', '}');
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

  std::size_t offset(const YAML::Mark& mark) const {
    if (mark.pos < 0) return at_;
    return std::min(text_.size(), static_cast<std::size_t>(mark.pos) + input_.start);
  }
  std::string_view text() const { return text_; }
  Span here() const { return span(at_, at_); }
  Span span(std::size_t begin, std::size_t end) const {
    begin = std::min(begin, text_.size());
    end = std::clamp(end, begin, text_.size());
    return {input_.file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }

 private:
  static constexpr char kBlockMapping = 'm';
  static constexpr char kBlockSequence = 's';

  void check() const {
    if (out_.stopped()) throw Stopped{};
  }

  [[noreturn]] void fail(std::size_t begin, std::size_t end, std::string message, std::string label) {
    out_.error({.kind = DiagKind::YamlSyntax,
                .where = span(begin, end),
                .message = std::move(message),
                .label = std::move(label)});
    throw Stopped{};
  }

  // yaml-cpp takes a lone word in a block mapping for a key: mostly it is a slip.
  void refuse_key_without_colon() {
    if (open_.empty() || open_.back() != kBlockMapping) return;
    const std::size_t at = skip_separation(text_, at_);
    if ((at < text_.size() && text_[at] == ':') || is_explicit_key(text_, last_begin_)) return;
    fail(last_begin_, at_, "a key without a value", "expected `:` after this");
  }

  bool same_line(std::size_t from, std::size_t to) const {
    return text_.substr(from, to - from).find('\n') == std::string_view::npos;
  }

  // Where a value that is not written would be: behind the `:` or `-` before it.
  std::size_t empty_place() const {
    const std::size_t at = skip_separation(text_, at_);
    const bool indicator = at < text_.size() && std::string_view(":-?,").find(text_[at]) != std::string_view::npos;
    return indicator ? at + 1 : at_;
  }

  void leaf(Node node, YAML::anchor_t anchor) {
    last_begin_ = node.span.begin;
    at_ = node.span.end;
    out_.leaf(std::move(node), anchor);
    check();
  }

  void begin(NodeKind kind, const YAML::Mark& mark, YAML::anchor_t anchor, char open, char close) {
    buffer_.event_seen();
    const std::size_t start = skip_properties(text_, offset(mark));
    // The mapping in `[a: b]` is in flow style, but has no braces of its own.
    const bool flow = start < text_.size() && text_[start] == open;
    at_ = flow ? start + 1 : start;
    out_.begin_collection(kind, static_cast<std::uint32_t>(start), anchor);
    check();
    open_.push_back(flow ? close : kind == NodeKind::Mapping ? kBlockMapping : kBlockSequence);
  }

  void end() {
    const char close = open_.back();
    open_.pop_back();
    if (close == ']' || close == '}') at_ = flow_end(text_, at_, close);
    out_.end_collection(static_cast<std::uint32_t>(at_));
    check();
  }

  const Input& input_;
  std::string_view text_;
  Builder& out_;
  GuardedBuffer& buffer_;
  std::size_t documents_ = 0;
  std::size_t document_at_ = 0;  // where the last one began
  std::size_t at_ = 0;  // behind the last token
  std::size_t last_begin_ = 0;  // of the last scalar, null or alias
  std::string open_;  // collections: what closes a flow one, else its kind
};

void report_stop(const GuardedBuffer& buffer, const Handler& handler, Builder& builder) {
  const Span where = handler.span(buffer.fed(), buffer.fed());
  if (buffer.stop() == GuardedBuffer::Stop::Brackets) {
    builder.error({.kind = DiagKind::NestingTooDeep,
                   .where = where,
                   .message = "collections are nested more than " + std::to_string(kMaxDepth) + " deep"});
  } else {
    builder.error({.kind = DiagKind::InputTooLarge,
                   .where = where,
                   .message = "a value that is not JSON has more than " +
                              std::to_string(kMaxPendingSeparators) + " parts"});
  }
}

// yaml-cpp's words are those of a scanner; this is what they mostly mean.
std::string hint(const std::string& message, std::string_view text, std::size_t at) {
  if (indented_with_tab(text, at)) return "this line is indented with a tab";
  if (message == "illegal map value") return "a mapping cannot start here: look at the indentation";
  if (message == "end of map not found" || message == "end of sequence not found") {
    return "the indentation of this line fits no line above";
  }
  if (message == "illegal block entry") return "a list cannot start here";
  if (message == "unknown token") return "values that start with this character need quotes";
  return "";
}

// False at the end of the text, or after an error.
bool next_document(YAML::Parser& parser, Handler& handler, const GuardedBuffer& buffer, Builder& builder) {
  try {
    if (parser.HandleNextDocument(handler)) return true;
    if (buffer.stop() != GuardedBuffer::Stop::None) report_stop(buffer, handler, builder);
  } catch (const Stopped&) {
  } catch (const YAML::Exception& fault) {
    if (buffer.stop() != GuardedBuffer::Stop::None) {
      report_stop(buffer, handler, builder);
    } else {
      const std::size_t at = handler.offset(fault.mark);
      builder.error({.kind = DiagKind::YamlSyntax,
                     .where = handler.span(at, at + 1),
                     .message = fault.msg,
                     .label = hint(fault.msg, handler.text(), at)});
    }
  } catch (const std::exception& fault) {
    builder.error({.kind = DiagKind::YamlSyntax,
                   .where = handler.here(),
                   .message = std::string("the YAML reader failed: ") + fault.what()});
  }
  return false;
}

}  // namespace

std::vector<Node> parse_yaml(const Input& input, DiagSink& sink, const Shrink& shrink) {
  const std::size_t star = input.text.rfind('*');
  Builder builder(input.file, sink, star == std::string_view::npos ? 0 : static_cast<std::uint32_t>(star), shrink);
  GuardedBuffer buffer(input.text);
  std::istream stream(&buffer);
  Handler handler(input, builder, buffer);
  YAML::Parser parser;
  try {
    parser.Load(stream);
    while (next_document(parser, handler, buffer, builder)) {
    }
  } catch (const YAML::Exception& fault) {
    builder.error({.kind = DiagKind::YamlSyntax, .where = handler.span(0, 0), .message = fault.msg});
  }
  return builder.take();
}

}  // namespace netpolc::frontend::yaml
