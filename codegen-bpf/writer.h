// codegen-bpf/writer.h — C text with indentation; a block of C is a scope of C++.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace netpolc::codegen_bpf {

class Writer {
 public:
  void line(std::string_view text) {
    if (!text.empty()) text_.append(depth_, '\t');
    text_ += text;
    text_ += '\n';
    ++lines_;
  }
  // "{" after `head` now, "}" when the block goes out of scope.
  class Block {
   public:
    Block(Writer& writer, std::string_view head) : writer_(writer) {
      if (head.empty()) writer_.line("{");
      else writer_.line(std::string(head) + " {");
      ++writer_.depth_;
    }
    ~Block() {
      --writer_.depth_;
      writer_.line("}");
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

   private:
    Writer& writer_;
  };
  class Indent {
   public:
    explicit Indent(Writer& writer, int by = 1) : writer_(writer), by_(by) { writer_.depth_ += by_; }
    ~Indent() { writer_.depth_ -= by_; }
    Indent(const Indent&) = delete;
    Indent& operator=(const Indent&) = delete;

   private:
    Writer& writer_;
    int by_;
  };
  std::uint32_t next_line() const { return lines_ + 1; }
  std::string& text() { return text_; }

 private:
  std::string text_;
  std::uint32_t lines_ = 0;
  int depth_ = 0;
};

}  // namespace netpolc::codegen_bpf
