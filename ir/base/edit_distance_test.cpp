#include "ir/base/edit_distance.h"

#include <doctest/doctest.h>

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

TEST_CASE("edit distance: neighbours that changed places are one mistake") {
  CHECK(edit_distance("TPC", "TCP") == 1);
  CHECK(edit_distance("opsrt", "ports") == 3);
  CHECK(edit_distance("abcdef", "badcfe") == 3);
}
