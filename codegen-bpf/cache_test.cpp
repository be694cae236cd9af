#include "codegen-bpf/cache.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "codegen-bpf/programs.h"

using namespace netpolc;
using namespace netpolc::codegen_bpf;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "netpolc-cache-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Directory() { fs::remove_all(path); }
  std::string path;
};

ir::DecisionTable allows(std::uint16_t port) {
  ir::DecisionTable table;
  auto& in = table.ingress;
  in.enforcement = ir::Enforcement::DefaultDeny;
  in.bits = {{"everyone", {}}, {"k8s:app in (frontend)", {300}}};
  in.rules = {{0, 0}};
  in.rule_texts = {"allow from k8s:app in (frontend)"};
  const ir::TableEntry allow{.bit = 1, .action = ir::Action::Allow, .rule = 0};
  const auto below = static_cast<std::uint16_t>(port - 1), above = static_cast<std::uint16_t>(port + 1);
  using P = ir::Protocol;
  in.classes = {{P::Any, 0, 65535, {}},      {P::Tcp, 0, below, {}},    {P::Tcp, port, port, {allow}}, {P::Tcp, above, 65535, {}},
                {P::Udp, 0, 65535, {}},      {P::Sctp, 0, 65535, {}},   {P::Icmp, 0, 65535, {}},       {P::Icmpv6, 0, 65535, {}}};
  return table;
}

ir::Decisions several(std::uint16_t count) {
  ir::Decisions out;
  for (std::uint16_t i = 0; i < count; ++i) {
    out.tables.push_back(allows(static_cast<std::uint16_t>(8000 + i)));
    ir::DecidedEndpoint endpoint;
    endpoint.table = i;
    out.endpoints.push_back(endpoint);
  }
  return out;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::vector<std::string> bytes_of(const ir::Decisions& decisions, unsigned jobs, const ObjectCache* cache) {
  const auto programs = compile_programs(decisions, jobs, cache);
  REQUIRE_MESSAGE(programs, programs.error().message);
  std::vector<std::string> out;
  for (const Program& program : *programs) out.push_back(program.digest + program.object.bytes + std::to_string(program.object.instructions.total()));
  return out;
}

}  // namespace

TEST_CASE("objects have the same bytes with and without a cache, cold and warm, by any number of threads") {
  const Directory directory;
  const auto cache = ObjectCache::open(directory.path + "/objects");
  REQUIRE(cache);
  const ir::Decisions decisions = several(5);
  const auto plain = bytes_of(decisions, 1, nullptr);
  CHECK(plain.size() == 5);
  CHECK(bytes_of(decisions, 4, nullptr) == plain);
  CHECK(bytes_of(decisions, 3, &*cache) == plain);
  CHECK(bytes_of(decisions, 1, &*cache) == plain);
  CHECK(bytes_of(decisions, 4, &*cache) == plain);
}

TEST_CASE("what was compiled is found, and nothing else is") {
  const Directory directory;
  const auto cache = ObjectCache::open(directory.path);
  REQUIRE(cache);
  const Emitted one = emit(allows(80)), other = emit(allows(81));
  CHECK_FALSE(cache->find(one));
  cache->keep(one, {"bytes\nof one", {3, 4}});
  const auto found = cache->find(one);
  REQUIRE(found);
  CHECK(found->bytes == "bytes\nof one");
  CHECK(found->instructions.programs == 3);
  CHECK(found->instructions.subprograms == 4);
  CHECK_FALSE(cache->find(other));
}

TEST_CASE("a damaged entry is not believed, and is replaced") {
  const Directory directory;
  const auto cache = ObjectCache::open(directory.path);
  REQUIRE(cache);
  const Emitted emitted = emit(allows(80)), other = emit(allows(81));
  const Object object{"what compiling gave", {5, 6}};
  cache->keep(emitted, object);
  const std::string path = cache->path_of(emitted), good = read(path);
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (at == 81) continue;  // what ends the first line is nobody's
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write(path, bad);
    CHECK_FALSE_MESSAGE(cache->find(emitted), "byte " << at);
    write(path, good.substr(0, at));
    CHECK_FALSE_MESSAGE(cache->find(emitted), "cut to " << at);
  }
  write(path, good + "x");
  CHECK_FALSE(cache->find(emitted));
  fs::create_directories(fs::path(cache->path_of(other)).parent_path());
  write(cache->path_of(other), good);
  CHECK_FALSE(cache->find(other));
  cache->keep(emitted, object);
  REQUIRE(cache->find(emitted));
  CHECK(read(path) == good);
}

TEST_CASE("a directory that others may write to is refused") {
  const Directory directory;
  ::chmod(directory.path.c_str(), 0777);
  const auto cache = ObjectCache::open(directory.path);
  REQUIRE_FALSE(cache);
  CHECK(cache.error().message.find("chmod go-w") != std::string::npos);
  write(directory.path + "/file", "");
  CHECK_FALSE(ObjectCache::open(directory.path + "/file"));
}
