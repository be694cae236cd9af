// Globs against paths, where git's documentation of .gitignore says what fits.
#include <doctest/doctest.h>

#include "frontend/ignored.h"

using netpolc::frontend::IgnoreRules;
using netpolc::frontend::rooted_glob;

namespace {

bool skips(const std::vector<std::string>& globs, const std::string& path, bool is_directory = false) { return IgnoreRules(globs).skips(path, is_directory); }

}  // namespace

TEST_CASE("a glob without a slash fits at any depth, others from where they are written") {
  CHECK(skips({"values.yaml"}, "values.yaml"));
  CHECK(skips({"values.yaml"}, "charts/a/values.yaml"));
  CHECK_FALSE(skips({"values.yaml"}, "my-values.yaml"));
  CHECK(skips({"/values.yaml"}, "/values.yaml"));
  CHECK(skips({"/values.yaml"}, "values.yaml"));
  CHECK_FALSE(skips({"/values.yaml"}, "charts/values.yaml"));
  CHECK_FALSE(skips({"*.yaml", "!/values.yaml"}, "values.yaml"));
  CHECK_FALSE(skips({"charts/values.yaml"}, "old/charts/values.yaml"));
  CHECK(skips({"charts/values.yaml"}, "./charts/values.yaml"));
  CHECK(skips({"*.tmp.yaml"}, "a/b.tmp.yaml"));
  CHECK_FALSE(skips({"a/*.yaml"}, "a/b/c.yaml"));
  CHECK(skips({"a/[bc]?.yaml"}, "a/c1.yaml"));
}

TEST_CASE("two stars are any number of directories") {
  for (const char* path : {"x.yaml", "a/x.yaml", "a/b/x.yaml"}) CHECK(skips({"**/x.yaml"}, path));
  for (const char* path : {"a/b", "a/x/b", "a/x/y/b"}) CHECK(skips({"a/**/b"}, path));
  CHECK_FALSE(skips({"a/**/b"}, "c/a/b"));
  CHECK(skips({"charts/**"}, "charts/a/b.yaml"));
  CHECK_FALSE(skips({"charts/**"}, "charts", true));
}

TEST_CASE("a slash at the end means directories, and the last glob that fits decides") {
  CHECK(skips({"build/"}, "a/build", true));
  CHECK_FALSE(skips({"build/"}, "a/build"));
  CHECK_FALSE(skips({"*.yaml", "!keep.yaml"}, "a/keep.yaml"));
  CHECK(skips({"!keep.yaml", "*.yaml"}, "a/keep.yaml"));
  CHECK_FALSE(skips({""}, "a"));
  CHECK_FALSE(skips({"!", "/"}, "a"));
}

TEST_CASE("globs of another directory's file mean that directory") {
  CHECK(rooted_glob("a/*.yaml", "/srv/x[1]") == "/srv/x\\[1]/a/*.yaml");
  CHECK(rooted_glob("!a.yaml", "/srv") == "!/srv/**/a.yaml");
  CHECK(rooted_glob("/a", "/srv") == "/srv/a");
  CHECK(rooted_glob("a/", "/srv") == "/srv/**/a/");
  CHECK(skips({rooted_glob("a/*.yaml", "/srv/x[1]")}, "/srv/x[1]/a/b.yaml"));
  CHECK_FALSE(skips({rooted_glob("a/*.yaml", "/srv/x[1]")}, "/srv/x1/a/b.yaml"));
}
