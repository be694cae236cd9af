#include <doctest/doctest.h>

#include "ir/map_layout.h"
#include "runtime-loader/rows.h"

using namespace netpolc::loader;

TEST_CASE("identities that are the same to every program share a row, and only those") {
  const PeerBits one{{7, {0b011}}, {8, {0b011}}, {9, {0b101}}, {10, {0b001}}};
  const PeerBits other{{8, {0b11, 0}}, {11, {0b01, 1}}};
  const PeerRows rows = PeerRows::of({&one, &other});
  CHECK(rows.row(10) == 0);  // everyone is all that it is
  CHECK(rows.row(12) == 0);
  CHECK(rows.row(7) != 0);
  CHECK(rows.row(7) != rows.row(8));  // the second program tells them apart
  CHECK(rows.row(9) != rows.row(7));
  CHECK(rows.row(11) != 0);
  CHECK(rows.count() == 5);

  const PeerRows alone = PeerRows::of({&one});
  CHECK(alone.row(7) == alone.row(8));
  CHECK(alone.count() == 3);
}

TEST_CASE("rows can be added one by one") {
  PeerRows rows;
  CHECK(rows.count() == 1);
  CHECK(rows.add(5) == 1);
  CHECK(rows.add(6) == 2);
  CHECK(rows.add(5) == 1);
  rows.set(7, 9);
  CHECK(rows.row(7) == 9);
  CHECK(rows.add(8) == 10);
}

TEST_CASE("a row of many words ends with a summary of which have bits") {
  CHECK(peer_row({0b10}) == std::vector<std::uint64_t>{0b11});
  CHECK(peer_row(std::vector<std::uint64_t>(NP_PLAIN_WORDS)).size() == NP_PLAIN_WORDS);
  std::vector<std::uint64_t> bits(70);
  bits[3] = 1ull << 63;
  bits[65] = 1;
  const auto row = peer_row(bits);
  REQUIRE(row.size() == 72);
  CHECK(row[0] == 1);
  CHECK(row[70] == 0b1001);
  CHECK(row[71] == 0b10);
}
