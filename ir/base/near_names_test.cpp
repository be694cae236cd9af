#include "ir/base/near_names.h"

#include <doctest/doctest.h>

using netpolc::did_you_mean;

TEST_CASE("the nearest name is meant, and none that is far") {
  const std::vector<std::string> known{"shop/cart", "shop/frontend", "media/uploader"};
  CHECK(did_you_mean("shop/crat", known) == "; did you mean `shop/cart`?");
  CHECK(did_you_mean("shpo/cart", known) == "; did you mean `shop/cart`?");
  CHECK(did_you_mean("other/cart", known) == "; did you mean `shop/cart`?");
  CHECK(did_you_mean("shpo/web", {"ops/web", "shop/web"}) == "; did you mean `shop/web`?");
  CHECK(did_you_mean("frontned", known) == "; did you mean `shop/frontend`?");
  CHECK(did_you_mean("upload", known) == "; did you mean `media/uploader`?");
  CHECK(did_you_mean("shop/database", known).empty());
  CHECK(did_you_mean("", known).empty());
  CHECK(did_you_mean("x", {"y"}).empty());
  CHECK(did_you_mean(std::string(100000, 'x'), {std::string(100000, 'y')}).empty());
}

TEST_CASE("of names that are as near the first by its letters is meant") {
  CHECK(did_you_mean("web-c", {"web-b", "web-a"}) == "; did you mean `web-a`?");
}
