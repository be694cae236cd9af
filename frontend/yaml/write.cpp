#include "frontend/yaml/write.h"

#include <algorithm>
#include <cstdio>

namespace netpolc::frontend {
namespace {

bool is_word(const std::string& text) {
  constexpr std::string_view kNulls[] = {"null", "Null", "NULL"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || std::string_view("./-").find(c) != std::string_view::npos; };
  if (text.empty() || !letter(text.front()) || !std::all_of(text.begin(), text.end(), inner)) return false;
  if (std::find(std::begin(kNulls), std::end(kNulls), text) != std::end(kNulls)) return false;
  Node plain;
  plain.kind = NodeKind::Scalar;
  plain.text = text;
  plain.plain = true;
  return plain.is_string();
}

// The code point at `at`, 0 where it is not one of those that are escaped; `size`: its bytes.
std::uint32_t escaped_point(std::string_view text, std::size_t at, std::size_t& size) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(i < text.size() ? text[i] : '\0')); };
  size = 1;
  if (byte(at) < 0x20 || byte(at) == 0x7F) return byte(at);
  if (byte(at) == 0xC2 && byte(at + 1) < 0xA0) {  // C1 controls, with NEL
    size = 2;
    return byte(at + 1);
  }
  if (byte(at) != 0xE2 && byte(at) != 0xEF) return 0;
  const std::uint32_t point = (byte(at) & 0x0FU) << 12U | (byte(at + 1) & 0x3FU) << 6U | (byte(at + 2) & 0x3FU);
  if (point != 0x2028 && point != 0x2029 && point != 0xFEFF) return 0;  // line and paragraph breaks, byte-order mark
  size = 3;
  return point;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (std::size_t at = 0, size = 1; at < text.size(); at += size) {
    size = 1;
    const char c = text[at];
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (const std::uint32_t point = escaped_point(text, at, size); point != 0 || c == '\0') {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04X", point);
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + '"';
}

// What has a type other than a string stays as it was written; such texts are words of ASCII.
std::string scalar(const Node& node) {
  if (node.plain && !node.is_string()) return node.text;
  return is_word(node.text) ? node.text : quoted(node.text);
}

bool is_empty(const Node& node) { return node.items.empty() && node.entries.empty(); }

std::string inline_text(const Node& node) {
  if (node.is_null()) return "null";
  return node.is_scalar() ? scalar(node) : node.is_mapping() ? "{}" : "[]";
}

class Writer {
 public:
  // `indent`: where lines of it begin; the first one is begun already.
  void collection(const Node& node, std::size_t indent) {
    bool first = true;
    const auto begin = [&] {
      if (!first) out_.append(indent, ' ');
      first = false;
    };
    for (const auto& [key, value] : node.entries) {
      begin();
      out_ += scalar(key) + ":";
      child(value, indent + 2);
    }
    for (const Node& item : node.items) {
      begin();
      out_ += "-";
      if (is_empty(item)) {
        out_ += " " + inline_text(item) + "\n";
      } else {
        out_ += " ";
        collection(item, indent + 2);
      }
    }
  }
  std::string out_;

 private:
  void child(const Node& value, std::size_t indent) {
    if (is_empty(value)) {
      out_ += " " + inline_text(value) + "\n";
      return;
    }
    out_ += "\n" + std::string(indent, ' ');
    collection(value, indent);
  }
};

}  // namespace

std::string to_yaml(const Node& document) {
  if (is_empty(document)) return inline_text(document) + "\n";
  Writer writer;
  writer.collection(document, 0);
  return std::move(writer.out_);
}

bool same_tree(const Node& a, const Node& b) {
  if (a.kind != b.kind) return false;
  if (a.is_scalar()) return a.text == b.text && a.is_string() == b.is_string();
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same_tree) &&
         a.entries.size() == b.entries.size() && std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
           const Node* other = b.find(entry.first.text);
           return other != nullptr && same_tree(entry.second, *other);
         });
}

}  // namespace netpolc::frontend
