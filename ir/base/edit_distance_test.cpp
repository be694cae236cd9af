#include "ir/base/edit_distance.h"

#include <doctest/doctest.h>

#include <string>

using netpolc::edit_distance;

TEST_CASE("edit distance: one for each mistake") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("ports", "ports") == 0);
  CHECK(edit_distance("port", "ports") == 1);
  CHECK(edit_distance("porrts", "ports") == 1);
  CHECK(edit_distance("pirts", "ports") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("edit distance: words of any length") {
  const std::string most(80, 'x');
  CHECK(edit_distance("a" + most + "b", "b" + most + "a") == 2);
  CHECK(edit_distance("a" + most + "b" + most, most + "c" + most) == 2);
  CHECK(edit_distance("a" + most, most + most) == 81 - 1);
}

TEST_CASE("edit distance: neighbours that changed places are one mistake") {
  CHECK(edit_distance("TPC", "TCP") == 1);
  CHECK(edit_distance("opsrt", "ports") == 3);
  CHECK(edit_distance("abcdef", "badcfe") == 3);
}
