#include "runtime-loader/connectivity/dns.h"

#include <algorithm>
#include <cctype>

namespace netpolc::loader::connectivity {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kTypeA = 1, kTypeAaaa = 28, kClassIn = 1;
constexpr std::uint8_t kResponse = 0x80, kAuthoritative = 0x04, kNameError = 3;

void put16(DnsBytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
std::uint16_t get16(const DnsBytes& in, std::size_t at) { return static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]); }

struct Question {
  std::string name;
  std::uint16_t type = 0;
  std::size_t end = 0;  // of the question
};

std::optional<Question> question_of(const DnsBytes& packet) {
  if (packet.size() < kHeader || get16(packet, 4) != 1) return std::nullopt;
  Question out;
  std::size_t at = kHeader;
  while (at < packet.size() && packet[at] != 0) {
    const std::size_t length = packet[at];
    if (length > 63 || at + 1 + length >= packet.size()) return std::nullopt;
    if (!out.name.empty()) out.name += '.';
    for (std::size_t i = 1; i <= length; ++i) out.name += static_cast<char>(std::tolower(packet[at + i]));
    at += 1 + length;
  }
  if (at + 5 > packet.size() || get16(packet, at + 3) != kClassIn) return std::nullopt;
  out.type = get16(packet, at + 1);
  out.end = at + 5;
  return out;
}

}  // namespace

DnsBytes dns_query(std::uint16_t id, const std::string& name, bool v6) {
  DnsBytes out;
  put16(out, id);
  out.insert(out.end(), {1, 0, 0, 1, 0, 0, 0, 0, 0, 0});  // recursion desired; one question
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    out.push_back(static_cast<std::uint8_t>(end - begin));
    out.insert(out.end(), name.begin() + static_cast<std::ptrdiff_t>(begin), name.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end + 1;
  }
  out.push_back(0);
  put16(out, v6 ? kTypeAaaa : kTypeA);
  put16(out, kClassIn);
  return out;
}

std::optional<DnsBytes> dns_answer(const DnsBytes& query, const DnsTable& table) {
  const auto question = question_of(query);
  if (!question || (query[2] & kResponse) != 0) return std::nullopt;
  DnsBytes out(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(question->end));
  out[2] = static_cast<std::uint8_t>(query[2] | kResponse | kAuthoritative);
  out[3] = 0;
  std::fill(out.begin() + 6, out.begin() + kHeader, std::uint8_t{0});
  const auto known = table.find(question->name);
  if (known == table.end()) {
    out[3] = kNameError;
    return out;
  }
  for (const Address& address : known->second) {
    if (question->type != (address.v6 ? kTypeAaaa : kTypeA)) continue;
    ++out[7];
    out.insert(out.end(), {0xc0, kHeader});  // the name of the question
    put16(out, question->type);
    put16(out, kClassIn);
    out.insert(out.end(), {0, 0, 0, 30});  // seconds that it counts
    put16(out, static_cast<std::uint16_t>(address.size()));
    out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size()));
  }
  return out;
}

std::optional<std::vector<Address>> dns_addresses(const DnsBytes& answer, const DnsBytes& query) {
  const auto asked = question_of(query), answered = question_of(answer);
  if (!asked || !answered || get16(answer, 0) != get16(query, 0) || (answer[2] & kResponse) == 0) return std::nullopt;
  if (asked->name != answered->name || asked->type != answered->type) return std::nullopt;
  std::vector<Address> out;
  std::size_t at = answered->end;
  for (std::uint16_t left = get16(answer, 6); left > 0; --left) {
    if (at + kHeader > answer.size() || answer[at] != 0xc0) return std::nullopt;
    Address address;
    address.v6 = get16(answer, at + 2) == kTypeAaaa;
    const std::size_t size = get16(answer, at + 10);
    at += kHeader;
    if (size != address.size() || at + size > answer.size()) return std::nullopt;
    std::copy_n(answer.begin() + static_cast<std::ptrdiff_t>(at), size, address.bytes.begin());
    at += size;
    out.push_back(address);
  }
  return out;
}

}  // namespace netpolc::loader::connectivity
