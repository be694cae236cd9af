// runtime-loader/exposition.h — writing Prometheus' text format, a family at a time.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace netpolc::loader {

enum class MetricKind : std::uint8_t { Gauge, Counter, Histogram };

// A value between quotes: backslash, quote and newline escaped, and what is no UTF-8 replaced.
std::string escaped_label(const std::string& value);

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string>>;
  // Samples belong to the last family that was begun. A name comes once.
  void family(std::string_view name, MetricKind kind, std::string_view help);
  void sample(Labels labels, std::uint64_t value) { add("", labels, std::to_string(value)); }
  void sample(Labels labels, double value) { add("", labels, number(value)); }
  // Of a histogram: "_bucket", "_sum", "_count".
  void part(std::string_view suffix, Labels labels, std::uint64_t value) { add(suffix, labels, std::to_string(value)); }
  void part(std::string_view suffix, Labels labels, double value) { add(suffix, labels, number(value)); }
  // A family of one sample without labels.
  template <class Number>
  void one(std::string_view name, MetricKind kind, std::string_view help, Number value) {
    family(name, kind, help);
    sample({}, value);
  }
  static std::string number(double value);
  std::string text() && { return std::move(text_); }

 private:
  void add(std::string_view suffix, Labels labels, const std::string& value);
  std::string name_, text_;
};

}  // namespace netpolc::loader
