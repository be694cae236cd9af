#include "tools/sequences/readable.h"

namespace netpolc::sequences {
namespace {

// Takes bytes from the front; what isn't there makes everything after it wrong.
class Cursor {
 public:
  explicit Cursor(const Frame& frame) : frame_(frame), end_(frame.size()) {}
  bool ok() const { return ok_; }
  std::size_t left() const { return end_ - at_; }
  std::uint32_t take(int bytes) {
    std::uint32_t out = 0;
    for (int i = 0; i < bytes; ++i) {
      if (at_ == end_) ok_ = false;
      else out = out << 8 | frame_[at_++];
    }
    return out;
  }
  void skip(std::size_t bytes) {
    if (bytes > left()) ok_ = false;
    else at_ += bytes;
  }
  void end_after(std::size_t bytes) {
    if (bytes > left()) ok_ = false;
    else end_ = at_ + bytes;
  }

 private:
  const Frame& frame_;
  std::size_t at_ = 0, end_;
  bool ok_ = true;
};

bool transport(Cursor in, std::uint32_t protocol, bool v6) {
  switch (protocol) {
    case 6: {
      in.skip(12);
      const std::uint32_t words = in.take(1) >> 4;
      in.skip(7);
      return in.ok() && words >= 5;
    }
    case 17: return in.left() >= 8;
    case 132: return in.left() >= 12;
    case 1: return !v6 && in.left() >= 8;
    case 58: return v6 && in.left() >= 8;
    default: return false;
  }
}

bool ipv4(Cursor in) {
  const std::uint32_t first = in.take(1);
  in.skip(1);
  const std::uint32_t total = in.take(2), header = (first & 15) * 4;
  in.skip(2);
  const std::uint32_t fragment = in.take(2);
  in.skip(1);
  const std::uint32_t protocol = in.take(1);
  in.skip(10);
  if (!in.ok() || first >> 4 != 4 || header < 20 || total < header) return false;
  in.end_after(total - 20);
  in.skip(header - 20);
  if (!in.ok()) return false;
  return (fragment & 0x1fff) != 0 || transport(in, protocol, false);
}

bool ipv6(Cursor in) {
  const std::uint32_t first = in.take(1);
  in.skip(3);
  const std::uint32_t length = in.take(2);
  std::uint32_t next = in.take(1);
  in.skip(33);
  in.end_after(length);
  if (!in.ok() || first >> 4 != 6) return false;
  for (int headers = 0; next == 0 || next == 43 || next == 44 || next == 51 || next == 60; ++headers) {
    const std::uint32_t kind = next;
    next = in.take(1);
    const std::uint32_t field = in.take(1), offset = in.take(2) >> 3;
    in.take(4);
    if (!in.ok() || headers == 8) return false;
    if (kind == 44 && offset != 0) return true;
    if (kind == 51) {
      if (field == 0) continue;  // eight bytes, fewer than the header has
      in.skip((field + 2) * 4 - 8);
    } else if (kind != 44) {
      in.skip(field * 8);
    }
    if (!in.ok()) return false;
  }
  return transport(in, next, true);
}

}  // namespace

bool is_readable(const Frame& frame) {
  Cursor in(frame);
  in.skip(12);
  std::uint32_t type = in.take(2);
  for (int tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8); ++tags) {
    in.skip(2);
    type = in.take(2);
  }
  if (!in.ok()) return false;
  return type == 0x0806 || (type == 0x0800 && ipv4(in)) || (type == 0x86dd && ipv6(in));
}

}  // namespace netpolc::sequences
