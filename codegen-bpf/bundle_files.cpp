#include "codegen-bpf/bundle_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "codegen-bpf/codegen.h"
#include "codegen-bpf/manifest.h"
#include "ir/certificate.h"

namespace netpolc::codegen_bpf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProofs = "proofs/";

tl::unexpected<Failure> failed(const std::string& what, const fs::path& path, const std::string& why) {
  return tl::make_unexpected(Failure{what + " " + path.string() + ": " + why});
}

Result<void> write_file(const fs::path& path, const std::string& bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return failed("making", path.parent_path(), error.message());
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return failed("writing", path, std::strerror(errno));
  return {};
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return failed("reading", path, "it is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) return failed("reading", path, std::strerror(errno));
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

Result<void> put_in_place(const fs::path& temporary, const fs::path& target) {
  std::error_code error;
  if (!fs::exists(target, error)) {
    fs::rename(temporary, target, error);
    if (error) return failed("renaming to", target, error.message());
    return {};
  }
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return {};
  // a file system that can't exchange: a moment without a bundle
  fs::remove_all(target, error);
  fs::rename(temporary, target, error);
  if (error) return failed("renaming to", target, error.message());
  return {};
}

Result<void> write_all(const fs::path& temporary, const fs::path& target, const BundleFiles& files) {
  for (const auto& [path, bytes] : files)
    if (auto written = write_file(temporary / path, bytes); !written) return written;
  return put_in_place(temporary, target);
}

fs::path without_slashes(std::string directory) {
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  return directory;
}

bool stays_within(const std::string& path) {
  const fs::path parts(path);
  if (path.empty() || parts.is_absolute()) return false;
  for (const fs::path& part : parts)
    if (part.empty() || part == "." || part == "..") return false;
  return path.find('\0') == std::string::npos;
}

}  // namespace

Result<void> check_replaceable(const std::string& directory) {
  const fs::path target = without_slashes(directory);
  std::error_code error;
  if (!fs::exists(target, error)) return {};
  if (!fs::is_directory(target, error)) return failed("writing the bundle", target, "it is no directory");
  if (fs::exists(target / kManifestPath, error) || fs::is_empty(target, error)) return {};
  return failed("writing the bundle", target, "the directory is neither empty nor a bundle");
}

Result<void> write_bundle(const std::string& directory, const BundleFiles& files) {
  const fs::path target = without_slashes(directory), temporary = target.string() + ".writing-" + std::to_string(::getpid());
  if (auto replaceable = check_replaceable(directory); !replaceable) return replaceable;
  for (const auto& [path, bytes] : files)
    if (!stays_within(path)) return failed("writing the bundle", target, "`" + path + "` is no path in it");
  auto written = write_all(temporary, target, files);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);  // the former bundle, or what was written of a failed one
  return written;
}

Result<BundleFiles> read_bundle(const std::string& directory) {
  const fs::path root = without_slashes(directory), name = root / kManifestPath;
  auto text = read_file(name);
  if (!text) return tl::make_unexpected(text.error());
  constexpr const char* again = "; compile the bundle again or copy it again";
  BundleFiles files;
  try {
    ManifestJson bundle = ManifestJson::parse(*text);
    if (const std::string digest = bundle.at("digest"); seal(bundle).digest != digest)
      return failed("reading", name, std::string("it was changed since it was compiled: its digest is not that of its content") + again);
    for (const auto& [path, sum] : bundle.at("files").items()) {
      if (!stays_within(path)) return failed("reading", name, "`files` has `" + path + "`, which is no path in the bundle");
      auto bytes = read_file(root / path);
      if (!bytes) return tl::make_unexpected(bytes.error());
      if (sha256_hex(*bytes) != sum.get<std::string>())
        return failed("reading", root / path, std::string("it was changed since it was compiled: bundle.json has another SHA-256") + again);
      files[path] = std::move(*bytes);
    }
  } catch (const nlohmann::json::exception&) {
    return failed("reading", name, std::string("it is not as netpolc writes it") + again);
  }
  files[kManifestPath] = std::move(*text);
  return files;
}

Result<std::string> add_certificates(BundleFiles& files, const std::map<std::string, std::string>& by_program) try {
  ManifestJson bundle = ManifestJson::parse(files.at(kManifestPath));
  std::map<std::string, std::string> sums;
  for (const auto& [path, sum] : bundle.at("files").items()) sums[path] = sum.get<std::string>();
  for (ManifestJson& program : bundle.at("programs")) program.erase("certificate");
  std::erase_if(files, [](const auto& file) { return file.first.starts_with(kProofs); });
  std::erase_if(sums, [](const auto& file) { return file.first.starts_with(kProofs); });
  const auto add = [&](ManifestJson& program, const std::string& name) {
    const auto own = by_program.find(name);
    if (own == by_program.end()) return false;
    const std::string path = kProofs + name + ".json";
    program["certificate"] = path;
    sums[path] = sha256_hex(own->second);
    files[path] = own->second;
    return true;
  };
  for (ManifestJson& program : bundle.at("programs"))
    if (const std::string digest = program.at("digest"); !add(program, digest))
      return tl::make_unexpected(Failure{"no endpoint has the program " + digest + ": compile the bundle again from these manifests"});
  if (bundle.contains("xdp") && !add(bundle["xdp"], ir::kOutsideProgram)) return tl::make_unexpected(Failure{"the program for external devices has no certificate"});
  bundle["files"] = sums;
  Manifest sealed = seal(bundle);
  files[kManifestPath] = std::move(sealed.json);
  return std::move(sealed.digest);
} catch (const nlohmann::json::exception& problem) {
  return tl::make_unexpected(Failure{"bundle.json is not as netpolc writes it (" + std::string(problem.what()) + "): compile the bundle again"});
}

}  // namespace netpolc::codegen_bpf
