#include <variant>

#include "ir/text/fields.h"
#include "ir/text/names.h"
#include "ir/text/text.h"
#include "ir/text/token.h"

namespace netpolc::ir {
namespace {

using namespace text;

class Printer {
 public:
  std::string take() { return std::move(out_); }

  void text(std::string_view name, const std::string& value) {
    if (!value.empty()) line(name, word(value));
  }
  void number(std::string_view name, std::uint16_t value) {
    if (value != 0) line(name, std::to_string(value));
  }
  template <class T>
  void value(std::string_view name, T value) {
    line(name, std::string(name_of(value)));
  }
  template <class T>
  void value(std::string_view name, T value, T otherwise) {
    if (value != otherwise) this->value(name, value);
  }
  void flag(std::string_view name, bool value, bool when = true) {
    if (value == when) line(name, "");
  }
  void prefix(std::string_view name, const IpPrefix& prefix) { line(name, word(prefix.to_string())); }
  void selector(std::string_view name, const Selector& selector) {
    if (!selector.requirements.empty()) block(name, [&] { requirements(selector); });
  }
  void selectors(std::string_view name, const std::vector<Selector>& selectors) {
    for (const Selector& selector : selectors) block(name, [&] { requirements(selector); });
  }

  template <class T>
  void list(std::string_view name, std::vector<T>& values) {
    for (T& value : values) block(name, [&] { fields(*this, value); });
  }
  void each(std::string_view name, const std::vector<std::string>& values) {
    for (const auto& value : values) line(name, word(value));
  }
  void each(std::string_view name, const std::vector<IpPrefix>& values) {
    for (const auto& value : values) prefix(name, value);
  }
  void each(std::string_view name, const std::vector<PortMatch>& ports) {
    for (const PortMatch& port : ports) {
      std::string value(name_of(port.protocol));
      if (!port.name.empty()) value += " named " + word(port.name);
      value += " " + std::to_string(port.first);
      if (port.last != port.first) value += " " + std::to_string(port.last);
      line(name, value);
    }
  }
  void pairs(std::string_view name, const std::map<std::string, std::string>& pairs) {
    for (const auto& [key, value] : pairs) line(name, word(key) + " " + word(value));
  }
  void peers(std::vector<Peer>& peers) {
    for (Peer& peer : peers) block(kPeerNames[peer.index()], [&] { std::visit([&](auto& one) { fields(*this, one); }, peer); });
  }
  template <class T>
  void record(std::string_view name, T& record) {
    if (record != T{}) block(name, [&] { fields(*this, record); });
  }
  template <class T>
  void optional(std::string_view name, std::optional<T>& record) {
    if (record) block(name, [&] { fields(*this, *record); });
  }
  void optional(std::string_view name, std::optional<Selector>& selector) {
    if (selector) block(name, [&] { requirements(*selector); });
  }

 private:
  void requirements(const Selector& selector) {
    for (const Requirement& r : selector.requirements) {
      std::string value = ":" + word(r.key) + " " + std::string(name_of(r.op));
      if (!r.values.empty()) {
        value += " (";
        for (std::size_t i = 0; i < r.values.size(); ++i) value += (i == 0 ? "" : ", ") + word(r.values[i]);
        value += ")";
      }
      out_.append(depth_ * 2, ' ') += word(r.source) + value + "\n";
    }
  }
  void line(std::string_view name, const std::string& value) {
    out_.append(depth_ * 2, ' ').append(name) += (value.empty() ? "" : " ") + value + "\n";
  }
  template <class F>
  void block(std::string_view name, const F& content) {
    out_.append(depth_ * 2, ' ').append(name) += " {\n";
    ++depth_;
    content();
    --depth_;
    out_.append(depth_ * 2, ' ') += "}\n";
  }

  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string print(const PolicySet& set) {
  Printer printer;
  PolicySet copy = set;  // the description of fields is one for reading and writing
  fields(printer, copy);
  return printer.take();
}

}  // namespace netpolc::ir
