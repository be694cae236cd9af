#include "frontend/archive/compressed.h"

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
    std::string name = (std::filesystem::temp_directory_path() / "netpolc-compressed-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
};

constexpr const char* kEndings[] = {".gz", ".zst", ".xz"};

void compress(const std::string& path, const std::string& text) {
  archive* to = archive_write_new();
  archive_write_set_format_raw(to);
  if (path.ends_with(".gz")) archive_write_add_filter_gzip(to);
  else if (path.ends_with(".xz")) archive_write_add_filter_xz(to);
  else archive_write_add_filter_zstd(to);
  REQUIRE(archive_write_open_filename(to, path.c_str()) == ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  REQUIRE(archive_write_header(to, entry) == ARCHIVE_OK);
  archive_write_data(to, text.data(), text.size());
  archive_entry_free(entry);
  archive_write_free(to);
}

std::string bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }
std::string why(const std::string& path, const ArchiveLimits& limits = {}) {
  const auto read = read_compressed(path, limits);
  return read ? "" : read.error().message;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string noise(unsigned size) {
  std::string out;
  for (unsigned i = 0, x = 1; i < size; ++i) out += static_cast<char>((x = x * 1103515245U + 12345U) >> 24U);
  return out;
}

constexpr const char* kPods = "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: web, namespace: a, labels: {app: web}}\n  spec: {containers: [{name: c, image: i}]}\n";

}  // namespace

TEST_CASE("by name, and archives are none") {
  for (const char* name : {"a.yaml.gz", "a.json.zst", "flows.jsonl.xz", "dump.gz"}) CHECK(is_compressed(name));
  for (const char* name : {"a.yaml", "a.tar.gz", "a.tgz", "a.tar.zst", "a.tar.xz", "a.zip"}) CHECK_FALSE(is_compressed(name));
  CHECK(uncompressed_name("d.gz/a.json.gz") == "d.gz/a.json");
}

TEST_CASE("what was compressed is read, an empty file too") {
  const Folder folder;
  for (const std::string ending : kEndings) {
    const std::string path = folder.path + "/a.yaml" + ending;
    for (const std::string& text : {noise(200000), std::string("short"), std::string()}) {
      compress(path, text);
      const auto read = read_compressed(path);
      REQUIRE_MESSAGE(read, why(path));
      CHECK(*read == text);
    }
  }
  compress(folder.path + "/b.gz", "one");
  compress(folder.path + "/c.gz", "two");
  put(folder.path + "/both.gz", bytes(folder.path + "/b.gz") + bytes(folder.path + "/c.gz"));
  CHECK(read_compressed(folder.path + "/both.gz").value() == "onetwo");
}

TEST_CASE("what is cut short, changed, too large or not compressed is refused") {
  const Folder folder;
  for (const std::string ending : kEndings) {
    const std::string path = folder.path + "/a.yaml" + ending;
    compress(path, noise(3000));
    const std::string whole = bytes(path);
    for (std::size_t size = 0; size < whole.size(); size += 97) {
      put(path, whole.substr(0, size));
      CHECK_MESSAGE(!why(path).empty(), ending << " cut at " << size);
    }
    put(path, "plain: text\n");
    CHECK(has(why(path), "it is not compressed with"));
    compress(path, std::string(100000, 'x'));
    CHECK(why(path, {.member = 100000}).empty());
    CHECK(has(why(path, {.member = 99999}), "larger than 99999 bytes"));
    CHECK(!why(folder.path + "/none" + ending).empty());
  }
  const std::string path = folder.path + "/a.gz";
  compress(path, noise(3000));
  std::string changed = bytes(path);
  changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
  put(path, changed);
  CHECK(has(why(path), "it is damaged"));
}

TEST_CASE("a second member that is cut, changed or none is refused with the first") {
  const Folder folder;
  const std::string path = folder.path + "/a.gz";
  compress(path, "one");
  const std::string first = bytes(path);
  compress(path, noise(3000));
  const std::string second = bytes(path);
  for (std::size_t size = 1; size < second.size(); size += size < 20 ? 1 : 97) {
    put(path, first + second.substr(0, size));
    CHECK_MESSAGE(has(why(path), "it is cut short"), size << ": " << why(path));
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{2}, second.size() / 2, second.size() - 6}) {
    std::string changed = second;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    put(path, first + changed);
    CHECK_MESSAGE(has(why(path), "it is damaged"), at);
  }
  put(path, first + "rest: of another file\n");
  CHECK(has(why(path), "it is damaged"));
  put(path, first + second);
  CHECK(why(path, {.member = 3003}).empty());
  CHECK(has(why(path, {.member = 3002}), "larger than 3002 bytes"));
  // Where a member ends as a block of what is read does, or of what is written.
  for (const std::size_t size : {std::size_t{1} << 16, (std::size_t{1} << 16) - first.size() - 18, std::size_t{1} << 17}) {
    const std::string text(size, 'x');
    compress(path, text);
    put(path, first + bytes(path) + first);
    CHECK(read_compressed(path).value() == "one" + text + "one");
  }
}

TEST_CASE("compressed manifests are manifests, named or found, and a damaged one stops") {
  const Folder folder;
  compress(folder.path + "/pods.yaml.gz", kPods);
  compress(folder.path + "/notes.txt.gz", "no: manifest");
  compress(folder.path + "/hubble-flows-x.json.gz", "{\"flow\":{}}");
  SourceManager sources;
  DiagSink sink;
  for (const std::string& path : {folder.path, folder.path + "/pods.yaml.gz"}) {
    const Loaded loaded = load(std::vector<std::string>{path}, {}, sources, sink);
    CHECK(loaded.usable);
    CHECK(loaded.files == 1);
    CHECK(loaded.cluster.endpoints.size() == 1);
  }
  put(folder.path + "/pods.yaml.gz", bytes(folder.path + "/pods.yaml.gz").substr(0, 40));
  CHECK(!load(std::vector<std::string>{folder.path}, {}, sources, sink).usable);
}
