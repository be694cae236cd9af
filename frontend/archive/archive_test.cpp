#include "frontend/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "frontend/load.h"

using namespace netpolc;
using namespace netpolc::frontend;

namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "netpolc-archive-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
};

// Writes one, zip or tar.gz by its name.
class Written {
 public:
  explicit Written(std::string path) : path_(std::move(path)), archive_(archive_write_new()) {
    if (path_.ends_with(".zip")) {
      archive_write_set_format_zip(archive_);
    } else {
      archive_write_set_format_pax_restricted(archive_);
      archive_write_add_filter_gzip(archive_);
    }
    REQUIRE(archive_write_open_filename(archive_, path_.c_str()) == ARCHIVE_OK);
  }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() { close(); }

  void add(const std::string& name, const std::string& text, const char* link = nullptr) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, link != nullptr ? AE_IFLNK : AE_IFREG);
    if (link != nullptr) archive_entry_set_symlink(entry, link);
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    REQUIRE(archive_write_header(archive_, entry) == ARCHIVE_OK);
    if (!text.empty()) archive_write_data(archive_, text.data(), text.size());
    archive_entry_free(entry);
  }
  const std::string& close() {
    if (archive_ != nullptr) archive_write_free(archive_);
    archive_ = nullptr;
    return path_;
  }

 private:
  std::string path_;
  archive* archive_;
};

bool any(const std::string&) { return true; }
std::string why(const std::string& path, const ArchiveLimits& limits = {}) {
  const auto read = read_archive(path, any, limits);
  return read ? "" : read.error().message;
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

constexpr const char* kPolicy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec: {endpointSelector: {}, ingress: [{}]}\n";
constexpr const char* kPods = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: web, namespace: a, labels: {app: web}}\n  spec: {containers: [{name: c, image: i}]}\n";

}  // namespace

TEST_CASE("members by name, those that are wanted, and links never") {
  const Folder folder;
  for (const char* name : {"/x.zip", "/x.tar.gz"}) {
    Written archive(folder.path + name);
    archive.add("d/b.yaml", "two");
    archive.add("a.yaml", "one");
    archive.add("c.log", "three");
    archive.add("link.yaml", "", "/etc/passwd");
    const auto read = read_archive(archive.close(), [](const std::string& member) { return member.ends_with(".yaml"); });
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK((*read)[0].name == "a.yaml");
    CHECK((*read)[0].text == "one");
    CHECK((*read)[1].name == "d/b.yaml");
    CHECK((*read)[1].text == "two");
  }
}

TEST_CASE("names that lead outside are refused") {
  const Folder folder;
  for (const char* name : {"../x.yaml", "a/../../x.yaml", "/etc/x.yaml", "a/..", "a\nb.yaml"}) {
    Written archive(folder.path + "/x.tar.gz");
    archive.add(name, "text");
    CHECK(has(why(archive.close()), "leads outside"));
  }
  Written archive(folder.path + "/y.tar.gz");
  archive.add("a..b/..c.yaml", "text");
  CHECK(why(archive.close()).empty());
}

TEST_CASE("what is too large is refused, whatever its header says") {
  const Folder folder;
  Written archive(folder.path + "/x.zip");
  for (const char* name : {"a.yaml", "b.yaml", "c.yaml"}) archive.add(name, std::string(100000, 'x'));  // a few hundred bytes, packed
  archive.close();
  CHECK(why(folder.path + "/x.zip").empty());
  CHECK(has(why(folder.path + "/x.zip", {.member = 99999}), "`a.yaml` is larger than 99999 bytes"));
  CHECK(has(why(folder.path + "/x.zip", {.bytes = 250000}), "what it has is larger than 250000 bytes"));
  CHECK(has(why(folder.path + "/x.zip", {.members = 2}), "more than 2 members"));
}

TEST_CASE("what is damaged is refused, at every length") {
  const Folder folder;
  Written archive(folder.path + "/x.tar.gz");
  std::string noise;
  for (unsigned i = 0, x = 1; i < 3000; ++i) noise += static_cast<char>((x = x * 1103515245U + 12345U) >> 24U);
  archive.add("a.yaml", noise);
  std::ifstream in(archive.close(), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t size = 1; size + 1024 < whole.size(); size += 97) {
    std::ofstream(folder.path + "/cut.tar.gz", std::ios::binary) << whole.substr(0, size);
    CHECK(!why(folder.path + "/cut.tar.gz").empty());
  }
  CHECK(!why(folder.path + "/none.zip").empty());
}

TEST_CASE("an archive is a directory of manifests to the loader, without recordings") {
  const Folder folder;
  Written archive(folder.path + "/sysdump.zip");
  archive.add("s/ciliumnetworkpolicies-1.yaml", kPolicy);
  archive.add("s/k8s-pods-1.yaml", kPods);
  archive.add("s/hubble-flows-cilium-x-1.json", "{\"flow\":{}}\n{\"flow\":{}}\n");
  archive.add("s/cilium-bugtool.log", "text");
  SourceManager sources;
  DiagSink sink;
  const Loaded loaded = load(std::vector<std::string>{archive.close()}, {}, sources, sink);
  CHECK(loaded.usable);
  CHECK(loaded.files == 2);
  CHECK(loaded.policies.policies.size() == 1);
  CHECK(loaded.cluster.endpoints.size() == 1);
  CHECK(sources.path(FileId{0}) == folder.path + "/sysdump.zip/s/ciliumnetworkpolicies-1.yaml");
  Written nothing(folder.path + "/nothing.zip");
  nothing.add("x.log", "text");
  CHECK(!load(std::vector<std::string>{nothing.close()}, {}, sources, sink).usable);
  std::ofstream(folder.path + "/broken.zip") << "no archive";
  CHECK(!load(std::vector<std::string>{folder.path + "/broken.zip"}, {}, sources, sink).usable);
}
