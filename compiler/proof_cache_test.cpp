#include "compiler/proof_cache.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

using namespace netpolc;
using namespace netpolc::compiler;
namespace fs = std::filesystem;
namespace bytecode = verify::bytecode;

namespace {

struct Directory {
  std::string path;
  Directory() {
    std::string name = (fs::temp_directory_path() / "netpolc-proofs-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

const bytecode::ProgramProof kProof = {{{"constants", bytecode::Proved{}}, {"np_policy_ingress", bytecode::Proved{}, 1575, 251}, {"shared functions", bytecode::Proved{}, 7, 0}}};

}  // namespace

TEST_CASE("a proof is found again as it was, and only what was proved is kept") {
  const Directory directory;
  const auto cache = codegen_bpf::ObjectCache::open(directory.path + "/cache");
  REQUIRE(cache);
  const std::string name(64, 'a'), other(64, 'b');
  CHECK_FALSE(find_proof(*cache, name));
  keep_proof(*cache, name, kProof);
  const auto found = find_proof(*cache, name);
  REQUIRE(found);
  REQUIRE(found->parts.size() == 3);
  CHECK(found->proved());
  CHECK(found->parts[1].name == "np_policy_ingress");
  CHECK(found->parts[1].steps == 1575);
  CHECK(found->parts[1].instructions == 251);
  CHECK(found->parts[2].name == "shared functions");
  CHECK_FALSE(find_proof(*cache, other));

  bytecode::ProgramProof undecided = kProof;
  undecided.parts[1].answer = bytecode::Undecided{"the solver's steps"};
  keep_proof(*cache, other, undecided);
  CHECK_FALSE(find_proof(*cache, other));
}

TEST_CASE("a damaged proof, or one under another name, is none") {
  const Directory directory;
  const auto cache = codegen_bpf::ObjectCache::open(directory.path + "/cache");
  REQUIRE(cache);
  const std::string name(64, 'a'), other = "aa" + std::string(62, 'b');
  keep_proof(*cache, name, kProof);
  const std::string path = directory.path + "/cache/aa/" + name;
  fs::copy(path, directory.path + "/cache/aa/" + other);
  CHECK_FALSE(find_proof(*cache, other));
  std::fstream(path, std::ios::in | std::ios::out | std::ios::ate) << "0 0 np_admit_in\n";
  CHECK_FALSE(find_proof(*cache, name));
  for (const char* content : {"", "x\n", "1 2\n", "1 2 a\nb", "1 x a\n"}) {
    cache->keep(name, content);
    CHECK_MESSAGE(!find_proof(*cache, name), content);
  }
}

TEST_CASE("a proof's name changes with all that it follows from") {
  ir::DecisionTable table, other;
  other.ingress.enforcement = ir::Enforcement::DefaultDeny;
  const std::set<std::string> names = {proof_name("a", table, false, 1), proof_name("b", table, false, 1), proof_name("a", other, false, 1), proof_name("a", table, true, 1),
                                       proof_name("a", table, false, 2)};
  CHECK(names.size() == 5);
  CHECK(proof_name("a", table, false, 1) == proof_name("a", table, false, 1));
  CHECK(names.begin()->size() == 64);
}
