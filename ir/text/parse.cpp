#include <charconv>
#include <set>
#include <utility>

#include "ir/text/fields.h"
#include "ir/text/names.h"
#include "ir/text/text.h"
#include "ir/text/token.h"

namespace netpolc::ir {
namespace {

using namespace text;

// A record is read by asking all its fields, for every name that comes, whether it is theirs.
// After the first error nothing is read any more.
class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(text) { advance(); }
  std::optional<TextError> error() const { return error_; }

  template <class T>
  void record_fields(T& record, bool top = false) {
    std::set<std::string> seen;
    while (!error_ && !at_mark('}') && token_.kind != TokenKind::End) {
      if (token_.kind != TokenKind::Word || token_.quoted) return fail("expected the name of a field");
      const Field before = std::exchange(field_, Field{token_.value, false, false});
      const Token name = token_;
      advance();
      fields(*this, record);
      const Field field = std::exchange(field_, before);
      if (error_) return;
      if (!field.found) return fail_at(name, "there is no field `" + name.value + "` here");
      if (!field.repeated && !seen.insert(name.value).second) return fail_at(name, "`" + name.value + "` is said twice");
    }
    if (top && !error_ && token_.kind != TokenKind::End) fail("expected the end");
  }

  void text(std::string_view name, std::string& value) {
    if (is(name)) value = take_word();
  }
  void number(std::string_view name, std::uint16_t& value) {
    if (is(name)) value = take_number();
  }
  template <class T>
  void value(std::string_view name, T& value, T = T{}) {
    if (is(name)) take_value(value);
  }
  void flag(std::string_view name, bool& value, bool when = true) {
    if (is(name)) value = when;
  }
  void prefix(std::string_view name, IpPrefix& value) {
    if (is(name)) value = take_prefix();
  }
  void selector(std::string_view name, Selector& value) {
    if (is(name)) requirements(value);
  }
  void selectors(std::string_view name, std::vector<Selector>& values) {
    if (repeats(name)) requirements(values.emplace_back());
  }
  template <class T>
  void list(std::string_view name, std::vector<T>& values) {
    if (repeats(name)) block(values.emplace_back());
  }
  void each(std::string_view name, std::vector<std::string>& values) {
    if (repeats(name)) values.push_back(take_word());
  }
  void each(std::string_view name, std::vector<IpPrefix>& values) {
    if (repeats(name)) values.push_back(take_prefix());
  }
  void each(std::string_view name, std::vector<PortMatch>& ports) {
    if (!repeats(name)) return;
    PortMatch port;
    take_value(port.protocol);
    if (token_.kind == TokenKind::Word && !token_.quoted && token_.value == "named") {
      advance();
      port.name = take_word();
      if (!error_ && port.name.empty()) fail("a port's name is empty");
    }
    port.first = port.last = take_number();
    if (at_number()) port.last = take_number();
    ports.push_back(std::move(port));
  }
  void pairs(std::string_view name, std::map<std::string, std::string>& pairs) {
    if (!repeats(name)) return;
    const Token at = token_;
    std::string key = take_word(), value = take_word();
    if (!error_ && !pairs.emplace(std::move(key), std::move(value)).second) fail_at(at, "this key is said twice");
  }
  void peers(std::vector<Peer>& peers) { peers_from<0>(peers); }
  template <class T>
  void record(std::string_view name, T& record) {
    if (is(name)) block(record);
  }
  template <class T>
  void optional(std::string_view name, std::optional<T>& record) {
    if (is(name)) block(record.emplace());
  }
  void optional(std::string_view name, std::optional<Selector>& selector) {
    if (is(name)) requirements(selector.emplace());
  }

 private:
  struct Field {
    std::string name;
    bool found = false, repeated = false;
  };

  bool is(std::string_view name) {
    if (error_ || field_.found || field_.name != name) return false;
    return field_.found = true;
  }
  bool repeats(std::string_view name) { return is(name) && (field_.repeated = true); }

  template <std::size_t I>
  void peers_from(std::vector<Peer>& peers) {
    if constexpr (I < std::variant_size_v<Peer>) {
      if (repeats(kPeerNames[I])) {
        std::variant_alternative_t<I, Peer> peer;
        block(peer);
        peers.push_back(std::move(peer));
      }
      peers_from<I + 1>(peers);
    }
  }

  template <class T>
  void block(T& record) {
    if (!expect('{')) return;
    record_fields(record);
    expect('}');
  }
  void requirements(Selector& selector) {
    if (!expect('{')) return;
    while (!error_ && !at_mark('}')) {
      Requirement requirement;
      requirement.source = take_word();
      if (!expect(':')) return;
      requirement.key = take_word();
      take_value(requirement.op);
      if (at_mark('(')) values(requirement.values);
      selector.requirements.push_back(std::move(requirement));
    }
    expect('}');
  }
  void values(std::vector<std::string>& out) {
    do {
      advance();  // the parenthesis or the comma
      out.push_back(take_word());
    } while (!error_ && at_mark(','));
    expect(')');
  }

  std::string take_word() {
    if (token_.kind != TokenKind::Word) {
      fail("expected a word");
      return {};
    }
    std::string out = std::move(token_.value);
    advance();
    return out;
  }
  bool at_number() const { return token_.kind == TokenKind::Word && !token_.quoted && !token_.value.empty() && token_.value[0] >= '0' && token_.value[0] <= '9'; }
  std::uint16_t take_number() {
    std::uint16_t value = 0;
    const std::string& digits = token_.value;
    const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (!at_number() || bad != std::errc{} || end != digits.data() + digits.size()) {
      fail("expected a number to 65535");
      return 0;
    }
    advance();
    return value;
  }
  template <class T>
  void take_value(T& out) {
    if (error_) return;
    const auto value = token_.kind == TokenKind::Word && !token_.quoted ? value_of<T>(token_.value) : std::nullopt;
    if (!value) {
      std::string known;
      for (const auto& [unused, name] : names_of(T{})) known += (known.empty() ? "" : ", ") + std::string(name);
      return fail("expected one of " + known);
    }
    out = *value;
    advance();
  }
  IpPrefix take_prefix() {
    const Token at = token_;
    const auto prefix = IpPrefix::parse(take_word());
    if (!error_ && !prefix) fail_at(at, "expected a prefix, ADDRESS/LENGTH");
    return prefix.value_or(IpPrefix{});
  }

  bool at_mark(char mark) const { return token_.kind == TokenKind::Mark && token_.value[0] == mark; }
  bool expect(char mark) {
    if (error_) return false;
    if (!at_mark(mark)) {
      fail(std::string("expected `") + mark + "`");
      return false;
    }
    advance();
    return !error_;
  }
  void advance() {
    if (error_) return;
    auto token = tokens_.next();
    if (token) token_ = std::move(*token);
    else error_ = token.error();
  }
  void fail(std::string message) { fail_at(token_, std::move(message)); }
  void fail_at(const Token& at, std::string message) {
    if (!error_) error_ = TextError{at.line, at.column, std::move(message)};
  }

  Tokens tokens_;
  Token token_;
  Field field_;
  std::optional<TextError> error_;
};

}  // namespace

tl::expected<PolicySet, TextError> parse(std::string_view text) {
  PolicySet set;
  Parser parser(text);
  parser.record_fields(set, true);
  if (const auto error = parser.error()) return tl::unexpected(*error);
  return set;
}

}  // namespace netpolc::ir
